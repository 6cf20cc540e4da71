"""The transformer: encoder and decoder, the encoder alone, the decoder alone.

Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser and Polosukhin 2017, Attention is all you need, NIPS.
Encoder alone: Devlin et al. 2019, BERT. Decoder alone: Radford et al. 2018 and 2019, GPT and GPT-2.

With norm="post", as in 2017, gradients near the output are large at the start, and training wants a learning rate that
warms up over its first thousands of steps (`training.warmup_epochs`); with norm="pre" it goes without (Xiong et al.
2020, On layer normalization in the transformer architecture).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from zoo.errors import UsageError
from zoo.models.transformer_blocks import (
    Activation,
    Norm,
    Positions,
    Stack,
    embedding,
    one_of,
    positioned,
    token_scores,
)
from zoo.registry import register

if TYPE_CHECKING:
    import keras

VASWANI = "Vaswani et al. 2017, Attention is all you need"
BERT = "Devlin et al. 2019, BERT: pre-training of deep bidirectional transformers for language understanding"
TURC = "Turc, Chang, Lee and Toutanova 2019, Well-read students learn better: on the importance of pre-training compact models"  # fmt: skip  # noqa: E501
GPT = (
    "Radford et al. 2018, Improving language understanding by generative pre-training; with the norm in front: "
    "Radford et al. 2019, Language models are unsupervised multitask learners"
)
PUBLISHED = {
    "WMT 2014 English-German, newstest2014, base model": "27.3 BLEU",
    "WMT 2014 English-German, newstest2014, big model": "28.4 BLEU",
    "parameters, base model": "65 million",
}
NO_ATTENTION_DROPOUT = "dropout on embeddings and sublayers' outputs alone, none on the attention weights"
OWN_START = "weights start as Keras' layers do, not normally distributed with 0.02"


@register(
    "transformer",
    family="transformer",
    year=2017,
    paper=VASWANI,
    idea="No recurrence: each word looks at all others through attention, and all positions are computed at once.",
    inputs=("text-pair",),
    tasks=("seq2seq",),
    params=4_006_208,
    published=PUBLISHED,
    deviations=(
        "two layers of 128 units and the norm in front by default; the paper's sizes and norm are knobs",
        "two vocabularies by default, each with a matrix of its own, and a third one for the output",
        "the attention's projections have biases, as in Keras",
    ),
)
def transformer(
    vocab_size: int = 8_000,
    target_vocab_size: int = 8_000,
    max_length: int = 256,
    num_layers: int = 2,
    model_dim: int = 128,
    num_heads: int = 4,
    feedforward_dim: int = 512,
    dropout: float = 0.1,
    positions: Positions = "sinusoidal",
    norm: Norm = "pre",
    activation: Activation = "relu",
    share_embeddings: bool = False,
) -> keras.Model:
    """Encoder and decoder: source (batch, source time), target (batch, time) -> (batch, time, target_vocab_size).

    Token ids, padded with 0 on the right, go in; the target is what has been said so far, start, y1, y2 ..., and the
    output the probabilities of y1, y2 ... end.

    Args:
        max_length: most tokens of a source and of a target where positions are learned; sines know no end.
        num_layers: of the encoder, and of the decoder.
        feedforward_dim: hidden units of each block's two dense layers.
        dropout: share dropped in training of the embeddings and of each sublayer's output.
        share_embeddings: one matrix embeds source and target and scores the output (section 3.4).

    Raises:
        UsageError: model_dim is no multiple of num_heads, an unknown choice, one matrix for two vocabularies.

    Source: Vaswani et al. 2017, section 3.
    """
    import keras
    from keras import layers

    from zoo.layers import PaddingMask

    if share_embeddings and vocab_size != target_vocab_size:
        raise UsageError(f"share_embeddings needs one vocabulary, not {vocab_size:,} and {target_vocab_size:,} tokens")
    stack = Stack(num_layers, model_dim, num_heads, feedforward_dim, dropout, norm, activation)

    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    embed_source = embed_target = embedding(vocab_size, model_dim, positions, "embedding", share_embeddings)
    if not share_embeddings:
        embed_target = embedding(target_vocab_size, model_dim, positions, "target_embedding")

    real = PaddingMask(keep_first=True, name="source_real")(source)  # (batch, source time)
    x = positioned(embed_source(source), positions, max_length, "source")  # (batch, source time, model_dim)
    x = layers.Dropout(dropout, name="source_dropout")(x)
    memory = stack.encoder(x, real)  # (batch, source time, model_dim)

    x = positioned(embed_target(target), positions, max_length, "target")  # (batch, time, model_dim)
    x = layers.Dropout(dropout, name="target_dropout")(x)
    x = stack.decoder(x, memory, real)  # (batch, time, model_dim)
    outputs = token_scores(x, target_vocab_size, embed_source if share_embeddings else None)
    return keras.Model({"source": source, "target": target}, outputs, name="transformer")


@register(
    "transformer.base",
    family="transformer",
    year=2017,
    paper=VASWANI,
    idea="The transformer as printed, base model: six and six layers of 512 units, one table of words for all ends.",
    inputs=("text-pair",),
    tasks=("seq2seq",),
    params=63_082_496,
    published=PUBLISHED,
    deviations=(
        "63 million parameters with the 37,000 tokens that the paper names, where its table says 65 million",
        "one matrix for source, target and output where both have the same number of tokens, else three",
        "the attention's projections have biases, as in Keras",
    ),
    defaults={"optimizer": "adam", "learning_rate": 0.0005, "warmup_epochs": 1.0},
    trial={"vocab_size": 50, "target_vocab_size": 50, "num_layers": 2, "model_dim": 32, "feedforward_dim": 64},
)
def transformer_base(
    vocab_size: int = 37_000,
    target_vocab_size: int = 37_000,
    max_length: int = 256,
    num_layers: int = 6,
    model_dim: int = 512,
    num_heads: int = 8,
    feedforward_dim: int = 2048,
    dropout: float = 0.1,
) -> keras.Model:
    """The base model of the paper: sines, relu, post-norm, one table of tokens. Its rate has to warm up.

    The arguments are those of `transformer`.

    Source: Vaswani et al. 2017, table 3.
    """
    return transformer(
        vocab_size, target_vocab_size, max_length, num_layers, model_dim, num_heads, feedforward_dim, dropout,
        norm="post", share_embeddings=vocab_size == target_vocab_size,
    )  # fmt: skip


@register(
    "transformer.encoder",
    family="transformer",
    year=2018,
    paper=BERT,
    idea="The encoder alone: each word sees the whole text, both ways, and the mean of all is classified.",
    inputs=("text", "series"),
    tasks=("classification", "binary", "regression"),
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
    return keras.Model(inputs, outputs, name="transformer_encoder")


@register(
    "transformer.decoder",
    family="transformer",
    year=2018,
    paper=GPT,
    idea="The decoder alone: each word is predicted from all before it; fed what it says, the net goes on writing.",
    inputs=("text",),
    tasks=("language-model",),
    params=834_944,
    published={
        "tiny Shakespeare, these sizes, 64 characters in sight (nanoGPT's README), validation": "1.88 nats a character",
        "tiny Shakespeare, 6 layers of 384 units, 256 characters (nanoGPT's README), validation": "1.47 nats a character",  # noqa: E501
        "parameters, smallest GPT-2": "124 million",
    },
    deviations=("four layers of 128 units by default", OWN_START, NO_ATTENTION_DROPOUT),
)
def transformer_decoder(
    vocab_size: int = 69,
    max_length: int = 256,
    num_layers: int = 4,
    model_dim: int = 128,
    num_heads: int = 4,
    feedforward_dim: int = 512,
    dropout: float = 0.1,
    positions: Positions = "learned",
    norm: Norm = "pre",
    activation: Activation = "gelu",
    share_embeddings: bool = True,
) -> keras.Model:
    """Causal language model: tokens (batch, time) -> probabilities of each one's successor (batch, time, vocab_size).

    The default build has the sizes of nanoGPT's character model for a CPU; 69 tokens are the 65 characters of tiny
    Shakespeare and the four special ones.

    Args:
        max_length: most tokens, prompt and all, where positions are learned; sines know no end.
        share_embeddings: one matrix embeds the tokens and scores the output, as in GPT.

    The other arguments are those of `transformer`.

    Raises:
        UsageError: model_dim is no multiple of num_heads, an unknown choice.

    Source: Radford et al. 2018 and 2019.
    """
    import keras
    from keras import layers

    stack = Stack(num_layers, model_dim, num_heads, feedforward_dim, dropout, norm, activation)

    inputs = keras.Input((None,), dtype="int32", name="input")
    embed = embedding(vocab_size, model_dim, positions, "embedding", share_embeddings)
    x = positioned(embed(inputs), positions, max_length, "input")  # (batch, time, model_dim)
    x = layers.Dropout(dropout, name="input_dropout")(x)
    x = stack.decoder(x)  # (batch, time, model_dim)
    outputs = token_scores(x, vocab_size, embed if share_embeddings else None)
    return keras.Model(inputs, outputs, name="transformer_decoder")


@register(
    "transformer.baby_gpt",
    family="transformer",
    year=2022,
    paper="Karpathy 2022, nanoGPT, config/train_shakespeare_char.py",
    idea="A GPT that learns Shakespeare letter by letter on one GPU in minutes: six layers of 384 units.",
    inputs=("text",),
    tasks=("language-model",),
    params=10_772_352,
    published={"tiny Shakespeare, validation (README of nanoGPT)": "1.47 nats a character"},
    deviations=("dense layers, attention and norms have biases", OWN_START, NO_ATTENTION_DROPOUT),
    trial={"num_layers": 2, "model_dim": 48},
)
def baby_gpt(
    vocab_size: int = 69,
    max_length: int = 256,
    num_layers: int = 6,
    model_dim: int = 384,
    num_heads: int = 6,
    dropout: float = 0.2,
) -> keras.Model:
    """`transformer.decoder` with nanoGPT's sizes for a GPU: tokens (batch, time) -> (batch, time, vocab_size).

    The arguments are those of `transformer.decoder`; the dense layers inside of a block are four times model_dim.

    Source: nanoGPT, README and config/train_shakespeare_char.py.
    """
    return transformer_decoder(vocab_size, max_length, num_layers, model_dim, num_heads, 4 * model_dim, dropout)


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
    tasks=("classification", "binary", "regression"),
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
) -> keras.Model:
    """BERT with 2 layers of 128 units and 2 heads: tokens (batch, time) -> (batch, num_classes).

    The embeddings, attention blocks and pooler of the published network have 4,385,920 parameters; ours are 256 fewer,
    for the second segment, and 258 more, for a head of two classes.

    Source: Turc et al. 2019; Devlin et al. 2019.
    """
    return _bert(2, 128, num_classes, classifier_activation, vocab_size, max_length, dropout, "bert_tiny")


@register(
    "transformer.bert_mini",
    family="transformer",
    year=2019,
    paper=TURC,
    idea="BERT made small: four layers of 256 units, ten times smaller than its base.",
    inputs=("text",),
    tasks=("classification", "binary", "regression"),
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
) -> keras.Model:
    """BERT with 4 layers of 256 units and 4 heads: tokens (batch, time) -> (batch, num_classes).

    Source: Turc et al. 2019; Devlin et al. 2019.
    """
    return _bert(4, 256, num_classes, classifier_activation, vocab_size, max_length, dropout, "bert_mini")


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
