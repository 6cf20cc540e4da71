"""The transformer's encoder alone, which reads: one vector for a whole text.

Devlin, Chang, Lee and Toutanova 2019, BERT: pre-training of deep bidirectional transformers for language understanding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from zoo.catalogue.registry import register
from zoo.models.transformer_blocks import (
    NO_ATTENTION_DROPOUT,
    OWN_START,
    Activation,
    Norm,
    Positions,
    Stack,
    embedding,
    one_of,
    positioned,
)

if TYPE_CHECKING:
    import keras

BERT = "Devlin et al. 2019, BERT: pre-training of deep bidirectional transformers for language understanding"
TURC = (
    "Turc, Chang, Lee and Toutanova 2019, Well-read students learn better: on the importance of pre-training compact "
    "models"
)


@register(
    "transformer.encoder",
    family="transformer",
    year=2018,
    paper=BERT,
    idea="The encoder alone: each word sees the whole text, both ways, and the mean of all is classified.",
    inputs=("text", "series"),
    tasks=("classification", "binary", "multilabel", "regression"),
    params=2_989_826,
    published={"SST-2 test, base model, pre-trained (Devlin et al. 2019)": "93.5 %"},
    deviations=(
        "trained from nothing, no masked words are guessed beforehand",
        "the mean of the real tokens is classified; BERT puts a token of its own in front and takes that one's vector",
        "two layers of 128 units and the norm in front by default",
        NO_ATTENTION_DROPOUT,
    ),
)
def transformer_encoder(
    input_shape: tuple[int | None, ...] = (None,),
    num_classes: int = 2,
    classifier_activation: str = "softmax",
    vocab_size: int | None = 20_000,
    max_length: int | None = 256,
    num_layers: int = 2,
    model_dim: int = 128,
    num_heads: int = 4,
    feedforward_dim: int = 512,
    dropout: float = 0.1,
    positions: Positions = "learned",
    norm: Norm = "pre",
    activation: Activation = "gelu",
    pooling: Literal["mean", "first"] = "mean",
    name: str = "transformer_encoder",
) -> keras.Model:
    """Encoder and a head: tokens (batch, time), or a series (batch, window, columns) -> (batch, num_classes).

    Args:
        input_shape: (None,) for tokens, (window, columns) for a series.
        vocab_size: None for a series, whose columns go through a dense layer instead of an embedding.
        max_length: most tokens where positions are learned; of a series its window counts.
        pooling: what the head sees: the mean of the real tokens, or the first token.

    The other arguments are those of `transformer`.

    Raises:
        UsageError: model_dim is no multiple of num_heads, an unknown choice.

    Source: Vaswani et al. 2017, section 3; Devlin et al. 2019.
    """
    import keras
    from keras import layers

    from zoo.layers import FirstStep, MeanOverTime, PaddingMask

    one_of("pooling", pooling, ("mean", "first"))
    stack = Stack(num_layers, model_dim, num_heads, feedforward_dim, dropout, norm, activation)

    if vocab_size is None:
        inputs = keras.Input(input_shape, name="input")
        real, max_length = None, input_shape[0]
        x = layers.Dense(model_dim, name="projection")(inputs)  # (batch, window, model_dim)
    else:
        inputs = keras.Input(input_shape, dtype="int32", name="input")
        real = PaddingMask(keep_first=True, name="real")(inputs)  # (batch, time)
        x = embedding(vocab_size, model_dim, positions, "embedding")(inputs)  # (batch, time, model_dim)
    x = positioned(x, positions, max_length, "input")
    x = layers.Dropout(dropout, name="input_dropout")(x)
    x = stack.encoder(x, real)  # (batch, time, model_dim)
    x = FirstStep(name="first")(x) if pooling == "first" else MeanOverTime(name="mean")(x, real)  # (batch, model_dim)
    outputs = layers.Dense(num_classes, activation=classifier_activation, dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name=name)


BERT_DEVIATIONS = (
    "one segment: no embedding that tells two sentences apart",
    "the first token's vector goes to the head, but no token of the model's own stands in front of the text",
    "trained from nothing, no masked words are guessed beforehand",
    OWN_START,
    NO_ATTENTION_DROPOUT,
)


@register(
    "transformer.bert_tiny",
    family="transformer",
    year=2019,
    paper=TURC,
    idea="BERT at its smallest: two layers of 128 units, nine tenths of the weights in the table of words.",
    inputs=("text",),
    tasks=("classification", "binary", "multilabel", "regression"),
    params=4_385_922,
    published={"parameters": "4.4 million", "SST-2 test, pre-trained, then fine-tuned (README of BERT)": "83.2 %"},
    deviations=BERT_DEVIATIONS,
)
def bert_tiny(
    num_classes: int = 2,
    classifier_activation: str = "softmax",
    vocab_size: int = 30_522,
    max_length: int = 512,
    dropout: float = 0.1,
    name: str = "bert_tiny",
) -> keras.Model:
    """BERT with 2 layers of 128 units and 2 heads: tokens (batch, time) -> (batch, num_classes).

    The embeddings, attention blocks and pooler of the published network have 4,385,920 parameters; ours are 256 fewer,
    for the second segment, and 258 more, for a head of two classes.

    Source: Turc et al. 2019; Devlin et al. 2019.
    """
    return _bert(2, 128, num_classes, classifier_activation, vocab_size, max_length, dropout, name)


@register(
    "transformer.bert_mini",
    family="transformer",
    year=2019,
    paper=TURC,
    idea="BERT made small: four layers of 256 units, ten times smaller than its base.",
    inputs=("text",),
    tasks=("classification", "binary", "multilabel", "regression"),
    params=11_170_562,
    published={"parameters": "11.3 million", "SST-2 test, pre-trained, then fine-tuned (README of BERT)": "85.9 %"},
    deviations=BERT_DEVIATIONS,
    trial={"vocab_size": 500},
)
def bert_mini(
    num_classes: int = 2,
    classifier_activation: str = "softmax",
    vocab_size: int = 30_522,
    max_length: int = 512,
    dropout: float = 0.1,
    name: str = "bert_mini",
) -> keras.Model:
    """BERT with 4 layers of 256 units and 4 heads: tokens (batch, time) -> (batch, num_classes).

    Source: Turc et al. 2019; Devlin et al. 2019.
    """
    return _bert(4, 256, num_classes, classifier_activation, vocab_size, max_length, dropout, name)


def _bert(
    num_layers: int,
    model_dim: int,
    num_classes: int,
    classifier_activation: str,
    vocab_size: int,
    max_length: int,
    dropout: float,
    name: str,
) -> keras.Model:
    """BERT of any size: heads of 64 units, four times as many hidden units as units, post-norm."""
    import keras
    from keras import layers

    from zoo.layers import FirstStep, PaddingMask

    stack = Stack(num_layers, model_dim, model_dim // 64, 4 * model_dim, dropout, "post", "gelu", epsilon=1e-12)

    inputs = keras.Input((None,), dtype="int32", name="input")
    real = PaddingMask(keep_first=True, name="real")(inputs)  # (batch, time)
    x = embedding(vocab_size, model_dim, "learned", "embedding")(inputs)  # (batch, time, model_dim)
    x = positioned(x, "learned", max_length, "input")
    x = layers.LayerNormalization(epsilon=1e-12, name="input_norm")(x)
    x = layers.Dropout(dropout, name="input_dropout")(x)
    x = stack.encoder(x, real)  # (batch, time, model_dim)
    x = FirstStep(name="first")(x)  # (batch, model_dim)
    x = layers.Dense(model_dim, activation="tanh", name="pooler")(x)
    x = layers.Dropout(dropout, name="pooler_dropout")(x)
    outputs = layers.Dense(num_classes, activation=classifier_activation, dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name=name)
