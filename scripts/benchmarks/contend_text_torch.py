"""(b) A plain PyTorch loop on padded texts: TensorDataset, DataLoader, zero_grad, backward, step."""

from __future__ import annotations

import sys

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.text_cases import (
    DIM,
    EPSILON,
    FEEDFORWARD,
    HEADS,
    LEARNING_RATE,
    TEXT_CASES,
    UNITS,
    Arrays,
    TextCase,
    inputs,
    read,
)
from benchmarks.turns import Turns


class Lstm(nn.Module):
    """The output at the last real step; no other mask is needed."""

    def __init__(self, case: TextCase) -> None:
        super().__init__()
        self.embedding = nn.Embedding(case.vocab_size, DIM)
        self.lstm, self.output = nn.LSTM(DIM, UNITS, batch_first=True), nn.Linear(UNITS, 1)

    def forward(self, ids: Tensor, real: Tensor | None) -> Tensor:
        x, _ = self.lstm(self.embedding(ids))  # (batch, time, UNITS)
        last = x[:, -1] if real is None else x[torch.arange(len(x)), real.sum(1) - 1]
        return self.output(last)[:, 0]


class Encoder(nn.Module):
    """The mean of the real steps."""

    def __init__(self, case: TextCase, length: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(case.vocab_size, DIM), nn.Embedding(length, DIM)
        block = nn.TransformerEncoderLayer(
            DIM, HEADS, FEEDFORWARD, 0.0, "gelu", EPSILON, batch_first=True, norm_first=True
        )
        last = nn.LayerNorm(DIM, EPSILON)
        self.blocks = nn.TransformerEncoder(block, case.layers, last, enable_nested_tensor=False)
        self.output = nn.Linear(DIM, 1)

    def forward(self, ids: Tensor, real: Tensor | None) -> Tensor:
        x = self.tokens(ids) + self.places.weight[: ids.shape[1]]
        x = self.blocks(x, src_key_padding_mask=None if real is None else ~real)  # (batch, time, DIM)
        if real is None:
            return self.output(x.mean(1))[:, 0]
        return self.output((x * real[..., None]).sum(1) / real.sum(1, keepdim=True))[:, 0]


class Translator(nn.Module):
    """`nn.Transformer` between embeddings and scores of words, (batch, words, target time)."""

    def __init__(self, case: TextCase, arrays: Arrays) -> None:
        super().__init__()
        sides = ("source", "target")
        self.tokens = nn.ModuleList(nn.Embedding(case.vocab_size, DIM) for _ in sides)
        self.places = nn.ModuleList(nn.Embedding(arrays[side].shape[1], DIM) for side in sides)
        self.transformer = nn.Transformer(
            DIM, HEADS, case.layers, case.layers, FEEDFORWARD, 0.0, "relu",
            layer_norm_eps=EPSILON, batch_first=True, norm_first=True,
        )  # fmt: skip
        self.output = nn.Linear(DIM, case.vocab_size)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        padding = source == 0
        future = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        vectors = [
            tokens(ids) + places.weight[: ids.shape[1]]
            for tokens, places, ids in zip(self.tokens, self.places, (source, target), strict=True)
        ]
        x = self.transformer(
            *vectors,
            tgt_mask=future,
            tgt_is_causal=True,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
        )
        return self.output(x).transpose(1, 2)


def main(name: str, path: str, mask: str) -> None:
    """Train, an epoch a turn."""
    turns = Turns()
    case, arrays = TEXT_CASES[name], read(path)
    pair = case.net == "translator"
    ids = [torch.from_numpy(array).long() for array in inputs(arrays).values()]
    y = torch.from_numpy(arrays["y"])
    loader = DataLoader(TensorDataset(*ids, y.long() if pair else y.float()), batch_size=case.batch, shuffle=True)
    model: nn.Module = Lstm(case)
    if case.net != "lstm":
        model = Translator(case, arrays) if pair else Encoder(case, ids[0].shape[1])
    criterion = nn.CrossEntropyLoss(ignore_index=0) if pair else nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    count = sum(parameter.numel() for parameter in model.parameters())
    turns.ready(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads; {count:,} parameters")
    model.train()
    while True:
        turns.wait()
        total = 0.0
        for first, *others, labels in loader:
            optimizer.zero_grad()
            outputs = model(first, *others) if pair else model(first, first != 0 if mask == "masked" else None)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        turns.done(total / len(loader))


if __name__ == "__main__":
    main(*sys.argv[1:])
