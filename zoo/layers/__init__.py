"""Custom layers, activations and losses that builders share. Importing this module makes saved models loadable."""

from zoo.layers.activations import activate, scaled_tanh
from zoo.layers.attention import CausalSelfAttention, CrossAttention, SelfAttention
from zoo.layers.code_distance import CodeDistance
from zoo.layers.losses import PerceptronLoss, TokenCrossentropy
from zoo.layers.masked import MaskedGRU, MaskedLSTM
from zoo.layers.missing_cells import MissingCells
from zoo.layers.pixels import KerasPreprocessing
from zoo.layers.pooling import FirstStep, MeanOverTime
from zoo.layers.positions import LearnedPositions, SinusoidalPositions
from zoo.layers.recurrent_attention import AdditiveAttentionGRU, DotAttention
from zoo.layers.residual import LayerScale
from zoo.layers.response_normalization import LocalResponseNormalization
from zoo.layers.sampling import GaussianSample, MaskingNoise
from zoo.layers.sequence import LastStep, PaddingMask, Reverse
from zoo.layers.shortcut import PaddedShortcut
from zoo.layers.sparse_conv import SparseConv2D
from zoo.layers.subsampling import Subsampling
from zoo.layers.tokens import ClassToken
from zoo.layers.whitening import PatchWhitening
from zoo.layers.window import WindowScaling, WindowUnscaling

__all__ = [
    "AdditiveAttentionGRU",
    "CausalSelfAttention",
    "ClassToken",
    "CodeDistance",
    "CrossAttention",
    "DotAttention",
    "FirstStep",
    "GaussianSample",
    "KerasPreprocessing",
    "LastStep",
    "LayerScale",
    "LearnedPositions",
    "LocalResponseNormalization",
    "MaskedGRU",
    "MaskedLSTM",
    "MaskingNoise",
    "MeanOverTime",
    "MissingCells",
    "PaddedShortcut",
    "PaddingMask",
    "PatchWhitening",
    "PerceptronLoss",
    "Reverse",
    "SelfAttention",
    "SinusoidalPositions",
    "SparseConv2D",
    "Subsampling",
    "TokenCrossentropy",
    "WindowScaling",
    "WindowUnscaling",
    "activate",
    "scaled_tanh",
]
