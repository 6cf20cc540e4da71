"""Own data through whole runs: what is trained on it, said of it, and refused."""

import shutil
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from zoo.runs import directory, job

LICENSE = Path(__file__).parents[2] / "LICENSE"
SMALL = ("knobs.model_dim=16", "knobs.num_layers=1", "knobs.num_heads=2", "data.input_shape=[64]")


def test_a_language_model_learns_from_a_book_and_goes_on_with_it(tmp_path, zoo_cli):
    book = Path(shutil.copy(LICENSE, tmp_path / "book.txt"))
    run = job.run("transformer.decoder", book, sets=SMALL, epochs=1, out=tmp_path / "run").folder
    assert directory.load(run).metrics["test"]["perplexity"] > 1
    said = zoo_cli("generate", run, "--prompt", "You may", "--length", "20")
    assert said.code == 0 and said.startswith("You may") and len(said.rstrip("\n")) > len("You may")
    again = zoo_cli("eval", run, "--json")
    assert again.code == 0
