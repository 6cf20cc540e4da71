"""The transformer's decoder alone, which writes: each token is predicted from all before it.

Radford et al. 2018, Improving language understanding by generative pre-training (GPT); Radford et al. 2019, Language
models are unsupervised multitask learners (GPT-2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.models.transformer_blocks import (
    NO_ATTENTION_DROPOUT,
    OWN_START,
    Activation,
    Norm,
    Positions,
    Stack,
    embedding,
    positioned,
    token_scores,
)

if TYPE_CHECKING:
    import keras

GPT = (
    "Radford et al. 2018, Improving language understanding by generative pre-training; with the norm in front: "
    "Radford et al. 2019, Language models are unsupervised multitask learners"
)


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
    name: str = "transformer_decoder",
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
    return keras.Model(inputs, outputs, name=name)


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
    name: str = "transformer_decoder",
) -> keras.Model:
    """`transformer.decoder` with nanoGPT's sizes for a GPU: tokens (batch, time) -> (batch, time, vocab_size).

    The arguments are those of `transformer.decoder`; the dense layers inside of a block are four times model_dim.

    Source: nanoGPT, README and config/train_shakespeare_char.py.
    """
    return transformer_decoder(
        vocab_size, max_length, num_layers, model_dim, num_heads, 4 * model_dim, dropout, name=name
    )
