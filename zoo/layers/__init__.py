"""Custom layers, activations and losses that builders share. Importing this module makes saved models loadable."""

from zoo.layers.activations import activate, scaled_tanh
from zoo.layers.code_distance import CodeDistance
from zoo.layers.losses import PerceptronLoss
from zoo.layers.sparse_conv import SparseConv2D
from zoo.layers.subsampling import Subsampling

__all__ = ["CodeDistance", "PerceptronLoss", "SparseConv2D", "Subsampling", "activate", "scaled_tanh"]
