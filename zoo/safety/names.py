"""What a model's config may ask for, by name. What is not listed here is refused."""

from __future__ import annotations

import re
from typing import Any

# Every layer of keras.layers but Lambda (code), TFSMLayer, JaxLayer, FlaxLayer, TorchModuleWrapper (foreign programs).
LAYER_NAMES = """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average
    AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D
    AdaptiveMaxPooling2D AdaptiveMaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization
    Bidirectional CategoryEncoding CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization Conv1D
    Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping1D
    Cropping2D Cropping3D CutMix Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense
    Embedding Equalization Flatten GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D
    GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GroupNormalization GroupedQueryAttention HashedCrossing Hashing Identity InputLayer IntegerLookup LSTM LSTMCell
    LayerNormalization LeakyReLU Masking MaxNumBoundingBoxes MaxPooling1D MaxPooling2D MaxPooling3D Maximum
    MelSpectrogram Minimum MixUp MultiHeadAttention Multiply Normalization PReLU Permute Pipeline RMSNormalization
    RNN RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop
    RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert
    RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear
    RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram
    SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D
    SpatialDropout3D SpectralNormalization StackedRNNCells StringLookup Subtract TextVectorization TimeDistributed
    UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""
LAYERS = frozenset(LAYER_NAMES.split())
MODELS = frozenset({"Functional", "Sequential"})
MODEL_MODULES = frozenset({"keras", "keras.models", "keras.src.models.functional", "keras.src.models.sequential"})
CONFIG_OBJECTS = frozenset({"keras.initializers", "keras.regularizers", "keras.constraints", "keras.dtype_policies"})
OPERATIONS = frozenset(f"keras.src.ops.{name}" for name in ("core", "image", "linalg", "math", "nn", "numpy"))
ARRAYS = frozenset({"__tensor__", "__numpy__"})
NUMBERS = frozenset(
    {"bool", "float16", "float32", "float64", "bfloat16"} | {f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)}
)


def is_known(item: dict[str, Any], plugins: set[str]) -> bool:
    """Whether an object of a config is a part of Keras, of the zoo or of a plug-in that can stand in a layer."""
    module, name, registered = item.get("module"), item["class_name"], item.get("registered_name")
    if not isinstance(name, str):
        return False
    if name in ARRAYS:
        return is_array(item)
    if not isinstance(module, str) or "config" not in item:
        return False
    if name == "function":
        return module == "builtins" and registered in (None, name) and _is_ours(item["config"], plugins)
    if module.split(".")[0] in {"zoo", *plugins}:
        if module.startswith("zoo."):
            return module.startswith("zoo.layers.") and registered == f"zoo>{name}"
        return isinstance(registered, str) and registered.rpartition(">")[2] == name
    if registered not in (None, name):
        return False
    return (
        (module == "keras.layers" and name in LAYERS)
        or (module in MODEL_MODULES and name in MODELS)
        or (module in CONFIG_OBJECTS | OPERATIONS and re.fullmatch(r"[A-Za-z0-9]+", name) is not None)
        or (module == "keras" and name == "DTypePolicy")
    )


def computes(item: dict[str, Any]) -> bool:
    """Whether an object that is known is a layer, a model or an operation."""
    name = item["class_name"]
    return name not in ARRAYS | {"function", "DTypePolicy"} and item.get("module") not in CONFIG_OBJECTS


def is_array(item: dict[str, Any]) -> bool:
    """Whether an object is an array of numbers: of a type that takes a few bytes for each."""
    config = item.get("config")
    if not isinstance(config, dict) or config.keys() != {"value", "dtype"} or not isinstance(config["dtype"], str):
        return False
    return config["dtype"] in NUMBERS


def _is_ours(function: Any, plugins: set[str]) -> bool:
    """A function registered by the zoo or a plug-in; those of Keras stand in a config as plain words."""
    return isinstance(function, str) and function.rpartition(">")[0] in {"zoo", *plugins}
