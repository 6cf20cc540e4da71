"""(b) A plain PyTorch loop in the manner of its tutorials: TensorDataset, DataLoader, zero_grad, backward, step."""

from __future__ import annotations

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.cases import CASES, CLASSES, LEARNING_RATE, Case, read
from benchmarks.turns import Turns


def build(case: Case) -> nn.Module:
    """The case's network as a Sequential module, ending in logits."""
    if not case.units:
        return nn.Sequential(
            nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
            nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, CLASSES),
        )  # fmt: skip
    steps: list[nn.Module] = []
    width = case.features
    for units in case.units:
        steps += [nn.Linear(width, units), nn.ReLU()]
        steps += [nn.Dropout(case.dropout)] if case.dropout else []
        width = units
    return nn.Sequential(*steps, nn.Linear(width, CLASSES))


def tensors(case: Case, path: str) -> TensorDataset:
    """Images in [0, 1], channels first; rows as they are."""
    x, y = read(path)
    images = torch.from_numpy(x).float()
    if case.image:
        images = images.permute(0, 3, 1, 2).contiguous() / 255  # (n, 1, height, width)
    if case.units:
        images = images.reshape(len(x), case.features)
    return TensorDataset(images, torch.from_numpy(y).long())


def main(name: str, path: str) -> None:
    """Train, an epoch a turn."""
    turns = Turns()
    case = CASES[name]
    loader = DataLoader(tensors(case, path), batch_size=case.batch, shuffle=True)
    model = build(case)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    count = sum(parameter.numel() for parameter in model.parameters())
    turns.ready(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads; {count:,} parameters")
    model.train()
    while True:
        turns.wait()
        total = 0.0
        for images, labels in loader:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        turns.done(total / len(loader))


if __name__ == "__main__":
    main(*sys.argv[1:])
