"""`precision = "auto"`: what it is for which network on which machine, and that a run says and keeps what it was."""

import json

import keras
import pytest

pytest.importorskip("tensorflow")

from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError
from zoo.recipe import resolve
from zoo.runs import directory, results
from zoo.training import precision

AMX = frozenset({"avx512_bf16", "amx_bf16"})


@pytest.mark.parametrize(
    ("capability", "flags", "wanted"),
    [
        (None, AMX, "mixed_bfloat16"),
        (None, frozenset({"avx512_bf16"}), "float32"),
        (None, frozenset(), "float32"),
        ((9, 0), frozenset(), "mixed_bfloat16"),
        ((8, 0), frozenset(), "mixed_bfloat16"),
        ((7, 5), AMX, "mixed_float16"),  # a GPU is what trains, whatever the processor can do
        ((7, 0), frozenset(), "mixed_float16"),
        ((6, 1), AMX, "float32"),
        ((0, 0), AMX, "float32"),
    ],
)
def test_what_a_machine_computes_fastest_in(capability, flags, wanted):
    choice = precision.of_machine(capability, flags)
    assert choice.precision == wanted and str(choice) == f"precision: {wanted} ({choice.reason})"


@pytest.mark.parametrize(
    ("model", "knobs", "reason"),
    [
        ("vgg.small", {"input_shape": (32, 32, 3)}, ""),
        ("resnet.20", {}, ""),
        ("transformer.encoder", {"max_length": 200}, ""),
        ("vit.tiny", {}, ""),
        ("lenet", {}, "a small network"),
        ("mobilenet.v2_small", {}, "depthwise convolutions"),
        ("lstm", {}, "a recurrent network"),
        ("encoder_decoder.attention", {}, "a recurrent network"),
        ("mlp", {}, "neither convolutions nor attention"),
    ],
)
def test_what_gains_by_half_precision(model, knobs, reason):
    network = skeleton(lambda: registry.build(model, **knobs))
    found = precision.why_not(network, (200,) if model == "transformer.encoder" else (32, 32, 3))
    assert found.startswith(reason) and bool(found) == bool(reason)


def test_on_a_gpu_depthwise_convolutions_are_like_others():
    network = skeleton(lambda: registry.build("mobilenet.v2_small"))
    assert precision.why_not(network, (32, 32, 3), on_gpu=True) == ""


def test_the_processor_is_asked_by_its_flags(monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "CPUINFO", tmp_path / "cpuinfo")
    assert precision.flags_here() == frozenset()
    (tmp_path / "cpuinfo").write_text("processor : 0\nflags\t\t: fpu amx_bf16 avx2\nvmx flags : none\n")
    assert precision.flags_here() == {"fpu", "amx_bf16", "avx2"}


def test_a_run_says_what_was_chosen_and_keeps_it(monkeypatch, tmp_path, zoo_cli):
    monkeypatch.setattr(precision, "flags_here", lambda: AMX)
    monkeypatch.setattr(precision, "capability_here", lambda: None)
    monkeypatch.setattr(precision, "SMALL", 1000)
    out = tmp_path / "run"
    said = zoo_cli("run", "lenet", "digits", "--precision", "auto", "--out", out, "--smoke")
    assert said.code == 0, said.err
    assert keras.config.dtype_policy().name == "float32", "code that comes after the run has its own precision"
    reason = "a processor with AMX for bfloat16"
    assert said.err.count(f"precision: mixed_bfloat16 ({reason})") == 1
    info, run = json.loads((out / "run.json").read_text()), directory.load(out)
    assert run.recipe.training.precision == info["precision"] == "mixed_bfloat16"
    assert info["precision_reason"] == reason and f"mixed_bfloat16: {reason}" in (out / "report.html").read_text()
    assert run.model.layers[-1].layers[1].compute_dtype == "bfloat16"
    row = results.combine([run.info | {"metrics": run.metrics}])
    assert row["precision"] == "mixed_bfloat16"
    recipe = resolve("lenet", "digits", (), {"precision": "auto", "epochs": 2})[0]
    monkeypatch.setattr("zoo.recipe.resolve", lambda *names: (recipe, []))
    assert results.staleness(row) is None  # whatever machine looks at it
    assert results.staleness(row | {"precision": "float32"}) is not None


def test_auto_is_checked_like_any_other_value():
    with pytest.raises(UsageError, match=r"training\.precision: .* 'mixed_float16' or 'auto'"):
        resolve("lenet", "digits", (), {"precision": "automatic"})


def test_a_script_needs_a_precision_of_its_own(tmp_path, zoo_cli):
    said = zoo_cli("eject", "lenet", "digits", tmp_path / "script", "--precision", "auto")
    assert said.code == 2 and "say one: --precision float32" in said.err
    assert not (tmp_path / "script").exists()
