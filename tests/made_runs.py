"""Folders as runs leave them, with outputs that are known, and no network."""

import numpy as np

from zoo.data.examples import Examples
from zoo.recipe import resolve
from zoo.runs import directory, predictions

WANTED = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0], "int32")


def said(wrong, wanted=WANTED, classes=3):
    """Probabilities of a network that is wrong on these examples, the later the surer."""
    sure = np.linspace(0.5, 0.95, len(wanted))
    labels = np.where(np.isin(np.arange(len(wanted)), list(wrong)), (wanted + 1) % classes, wanted)
    shares = np.repeat(((1 - sure) / (classes - 1))[:, None], classes, axis=1)
    shares[np.arange(len(wanted)), labels] = sure
    return shares.astype("float32")


def run(
    folder, model="mlp", dataset="iris", seed=0, *, sets=(), wrong=(), wanted=WANTED, x=None, outputs=None, test=None,
    history=None, ended="done", raw=None, texts=(), shown=(), scores=None, keeps=True, silent=False, **facts,
):  # fmt: skip
    """A run that is wrong on these test examples, or has these outputs; or none if it is `silent`."""
    folder.mkdir(parents=True)
    recipe = resolve(model, dataset, sets, {"seed": seed})[0]
    directory.write_recipe(folder, recipe)
    if outputs is None and not len(texts) and not silent:
        outputs = said(wrong, wanted)
    if x is None:
        x = np.arange(4 * len(WANTED)).reshape(-1, 4).astype("float32")
    examples = Examples(x, wanted)
    if ended == "done":
        if keeps:
            predictions.write(folder, examples, raw, outputs, list(texts), np.array(shown, "int64"), scores or {})
        accuracy = 1 - len(wrong) / len(examples)
        test = {"loss": 0.5, "accuracy": accuracy} if test is None else test
        counts = {"examples_scored": len(examples), "examples_in_split": len(examples)}
        directory.record_metrics(folder, {"test": test, **counts})
    if history is not None:
        directory.write_history(folder, history)
    known = {"model": model, "dataset": dataset, "seed": seed, "smoke": False, "fingerprint": "0123456789abcdef"}
    known |= {"params": 131, "epochs": 4, "seconds": 2.5, "date": "2026-01-01T10:00:00+00:00"}
    directory.record(folder, known | facts | {"exit": ended})
    return folder
