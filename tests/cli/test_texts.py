"""Runs on texts from end to end: classify, translate, go on with a prompt; raw text in, and what is refused."""

import json

import pytest

pytest.importorskip("tensorflow")

from zoo.cli import main
from zoo.errors import UsageError
from zoo.runs import directory, job
from zoo.runs.generating import generate

RENDERED = True
SMALL = ("data.train=300", "data.test=40", "training.warmup_epochs=0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def judge(folder):
    """A net that classifies strings of bits."""
    return job.run("gru", "parity", sets=SMALL, batch_size=20, epochs=1, out=folder / "judge").folder


@pytest.fixture(scope="module")
def translator(folder):
    sets = (*SMALL, "knobs.units=16", "knobs.embedding_dim=8", "knobs.dropout=0.0")
    return job.run("encoder_decoder.attention", "reverse", sets=sets, batch_size=20, epochs=2, out=folder / "t").folder


@pytest.fixture(scope="module")
def writer(folder):
    sets = (
        "data.train=20000",
        "data.text.vocab_size=60",
        "data.input_shape=[32]",
        "knobs.model_dim=16",
        "knobs.num_layers=1",
        SMALL[-1],
    )
    return job.run("transformer.decoder", "stdlib", sets=sets, epochs=1, out=folder / "writer").folder


def said(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def test_texts_are_classified_by_the_run_s_own_vocabulary(judge, capsys):
    code, out, _ = said(capsys, "predict", judge, "--text", "0110", "--text", "1", "--json")
    rows = json.loads(out)
    assert code == 0 and [row["text"] for row in rows] == ["0110", "1"]
    assert all(abs(sum(row["probabilities"].values()) - 1) < 1e-5 for row in rows)
    alone = directory.load(judge).predict("1")[0]["probability"]
    assert alone == pytest.approx(rows[1]["probability"], abs=1e-5)  # its neighbour's length does not matter


def test_texts_come_from_files_as_well_one_a_line(judge, tmp_path, capsys):
    (tmp_path / "bits.txt").write_text("01\n11\n")
    code, out, _ = said(capsys, "predict", judge, tmp_path / "bits.txt", "--json")
    assert code == 0 and [row["file"] for row in json.loads(out)] == [
        f"{tmp_path / 'bits.txt'}, line {n}" for n in (1, 2)
    ]


def test_pairs_are_scored_by_what_is_decoded(translator):
    run = directory.load(translator)
    assert set(run.metrics["test"]) == {"loss", "accuracy", "exact_match"}
    assert run.metrics["examples_scored"] == run.metrics["examples_in_split"] == 40
    assert (translator / "attention.png").stat().st_size > 5000
    page = (translator / "report.html").read_text()
    assert "What it says" in page and "--- epoch 2 ---" in page
    assert (translator / "samples.txt").read_text().count("wanted:") == 10  # five sentences, two epochs


def test_a_run_is_scored_again_to_the_same_numbers(translator, capsys):
    code, out, _ = said(capsys, "eval", translator, "--json")
    metrics, again = directory.load(translator).metrics["test"], json.loads(out)["metrics"]
    assert code == 0 and again == pytest.approx(metrics, abs=1e-6)


@pytest.mark.parametrize("width", [1, 3])
def test_a_source_is_translated(translator, width, capsys):
    code, out, _ = said(capsys, "predict", translator, "--text", "abcd", "--beam-width", width)
    assert code == 0 and set(out.strip()) <= set("abcdefghijklmnopqrstuvwxyz")
    (row,) = directory.load(translator).predict("abcd", beam_width=width)
    assert row["prediction"] == out.removesuffix("\n") and row["text"] == "abcd"


def test_a_prompt_is_gone_on_with_the_same_for_the_same_seed(writer, capsys):
    texts = [
        said(capsys, "generate", writer, "--prompt", "def f", "--length", 20, "--seed", seed)[1] for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]
    assert all(text.startswith("def f") for text in texts)
    assert "perplexity" in directory.load(writer).metrics["test"]


REFUSED = {
    "an empty text": ("judge", ("predict", "--text", " "), "--text 1: the text is empty"),
    "nothing": ("judge", ("predict",), "nothing to predict"),
    "a beam for classes": ("judge", ("predict", "--text", "1", "--beam-width", "2"), "--beam-width is for models that"),
    "a beam of no width": ("translator", ("predict", "--text", "a", "--beam-width", "0"), "beam width 0"),
    "an empty prompt": ("writer", ("generate", "--prompt", ""), "the prompt is empty"),
    "unknown characters": ("writer", ("generate", "--prompt", "€ß€"), "never seen: '€' 'ß'"),
    "no draw": ("writer", ("generate", "--prompt", "x", "--top-k", "0"), "top_k is 1 or more"),
    "a temperature below 0": ("writer", ("generate", "--prompt", "x", "--temperature", "-1"), "temperature"),
    "a judge asked to write": ("judge", ("generate", "--prompt", "1"), "is no language model"),
    "a writer asked to judge": ("writer", ("predict", "--text", "x"), "zoo generate"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_makes_no_sense_is_refused_with_advice(case, request, capsys):
    which, (command, *rest), wanted = REFUSED[case]
    code, out, err = said(capsys, command, request.getfixturevalue(which), *rest)
    assert code == 2 and not out and wanted in err and err.count("\n") <= 3


def test_more_tokens_than_there_are_positions_for_are_refused_with_advice(folder):
    sets = (
        "data.train=5000",
        "data.text.vocab_size=60",
        "data.input_shape=[16]",
        "knobs.model_dim=16",
        "knobs.num_layers=1",
        SMALL[-1],
    )
    outcome = job.run(
        "transformer.decoder", "stdlib", sets=(*sets, "knobs.positions=learned"), epochs=1, out=folder / "short"
    )
    with pytest.raises(UsageError, match="positions for 16 tokens"):
        list(generate(directory.load(outcome.folder), ["import"], length=40))
    (text,) = generate(directory.load(outcome.folder), ["import"])  # as many as it has room for
    assert len(text) == len("import") + 11
