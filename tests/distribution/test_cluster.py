"""Who the workers are: TF_CONFIG and its mistakes, Slurm, and what the files in scripts/cluster would say."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from zoo.errors import UsageError
from zoo.training.distribution.cluster import Cluster, expand_counts, expand_hosts, find, from_tf_config
from zoo.training.distribution.launching import free_addresses, gpu_shares, visible_gpus

ROOT = Path(__file__).resolve().parents[2]
TWO = ["a:1", "b:2"]


def config(cluster, job="worker", index=0):
    return json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})


@pytest.mark.parametrize(
    ("cluster", "job", "index", "wanted"),
    [
        ({"worker": TWO}, "worker", 1, Cluster(("a:1", "b:2"), 1)),
        ({"chief": ["c:3"], "worker": TWO}, "chief", 0, Cluster(("c:3", "a:1", "b:2"), 0)),
        ({"chief": ["c:3"], "worker": TWO}, "worker", 1, Cluster(("c:3", "a:1", "b:2"), 2)),
    ],
)
def test_tf_config_is_read_and_written(cluster, job, index, wanted):
    read = from_tf_config(config(cluster, job, index))
    assert read == wanted == from_tf_config(read.tf_config())
    assert read.chief == (wanted.index == 0)


GARBAGE = {
    '{"cluster': "Unterminated string",
    "[]": "not a table of cluster and task",
    "7": "not a table of cluster and task",
    '{"cluster": {"worker": ["a:1"]}}': "not a table of cluster and task",
    config({"worker": ["a", "b:1"]}): "not an address HOST:PORT: 'a'",
    config({"worker": ["a:x", "b:1"]}): "not an address HOST:PORT: 'a:x'",
    config({"worker": "a:1"}): "not an address HOST:PORT: 'a'",
    config({"worker": ["a:1", "a:1"]}): "one of them twice",
    config({"worker": []}): "names no workers",
    config({"worker": TWO}, index=5): "no task worker 5",
    config({"worker": TWO}, index=-1): "no task worker -1",
    config({"worker": TWO}, index="one"): "invalid literal",
    config({"worker": TWO}, job="chief"): "no task chief 0",
    config({"ps": ["p:1"], "worker": TWO}): "not ps",
}


@pytest.mark.parametrize("text", GARBAGE)
def test_garbage_in_tf_config_is_said_to_be_garbage(text):
    with pytest.raises(UsageError) as error:
        from_tf_config(text)
    lines = str(error.value).splitlines()
    assert GARBAGE[text] in lines[0] and len(lines) <= 3 and "unset TF_CONFIG" in lines[-1]


def test_garbage_ends_the_command_before_tensorflow_starts(zoo_cli, monkeypatch, tmp_path):
    monkeypatch.setenv("TF_CONFIG", '{"cluster')
    said = zoo_cli("run", "mlp", "iris", "--out", tmp_path / "run")
    assert said.code == 2 and said.err.startswith("error: TF_CONFIG=") and len(said.err.splitlines()) == 3
    assert not (tmp_path / "run").exists()


def test_what_a_strategy_makes_of_the_surroundings():
    two, alone = config({"worker": TWO}), config({"worker": ["a:1"]})
    assert find("auto", {"TF_CONFIG": two}) == find("multi-worker", {"TF_CONFIG": two}) == Cluster(("a:1", "b:2"), 0)
    assert (
        find("auto", {"TF_CONFIG": alone}) is None
        and find("auto", {}) is None
        and find("auto", {"TF_CONFIG": ""}) is None
    )
    assert find("one", {"TF_CONFIG": two}) is None and find("mirrored", {"TF_CONFIG": "garbage"}) is None
    with pytest.raises(UsageError, match="zoo launch 2"):
        find("multi-worker", {})


def test_slurm_tasks_are_workers():
    step = {
        "SLURM_JOB_ID": "40007",
        "SLURM_STEP_NUM_TASKS": "3",
        "SLURM_STEP_NODELIST": "gpu[09-10]",
        "SLURM_STEP_TASKS_PER_NODE": "2,1",
        "SLURM_PROCID": "2",
    }
    assert find("auto", step) == Cluster(("gpu09:20007", "gpu09:20008", "gpu10:20007"), 2)
    assert find("auto", step | {"SLURM_STEP_NUM_TASKS": "1"}) is None
    assert find("auto", step | {"TF_CONFIG": config({"worker": TWO})}).workers == ("a:1", "b:2")


def test_slurm_abbreviations():
    assert expand_hosts("n[1-2],m5,o[03-04,6,10-11]") == ["n1", "n2", "m5", "o03", "o04", "o6", "o10", "o11"]
    assert expand_hosts("login.example.org") == ["login.example.org"]
    assert expand_counts("2(x3),1") == [2, 2, 2, 1]


def test_the_sbatch_file_gives_each_task_its_tf_config(tmp_path):
    fakes = {
        "scontrol": 'echo n1; echo n2; test "$*" = "show hostnames n[1-2]"',
        "srun": 'shift; for i in 0 1; do SLURM_PROCID=$i "$@"; done',  # drops --kill-on-bad-exit
        "zoo": 'echo "$TF_CONFIG"; echo "$@"',
    }
    for name, body in fakes.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n")
        (tmp_path / name).chmod(0o755)
    environ = os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NODELIST": "n[1-2]",
    }
    script = ROOT / "scripts" / "cluster" / "slurm.sbatch"
    said = subprocess.run(
        ["bash", script, "run", "lenet", "mnist"], env=environ, capture_output=True, text=True, check=True
    )
    first, command, second, _ = said.stdout.splitlines()
    assert from_tf_config(first) == Cluster(("n1:20007", "n2:20007"), 0)
    assert from_tf_config(second) == Cluster(("n1:20007", "n2:20007"), 1)
    assert command == "run lenet mnist"


def test_the_job_manifest_gives_each_pod_its_tf_config():
    service, job = yaml.safe_load_all((ROOT / "scripts" / "cluster" / "kubernetes.yaml").read_text())
    pod = job["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    names = [entry["name"] for entry in container["env"]]
    assert names.index("WORKER") < names.index("TF_CONFIG")  # Kubernetes puts in only what was defined before
    text = next(entry["value"] for entry in container["env"] if entry["name"] == "TF_CONFIG")
    pods = job["spec"]["completions"]
    assert job["spec"]["parallelism"] == pods and job["spec"]["completionMode"] == "Indexed"
    for index in range(pods):
        cluster = from_tf_config(text.replace("$(WORKER)", str(index)))
        assert cluster.index == index and len(cluster.workers) == pods
        # pod names of an indexed Job are JOB-INDEX, their domain is the headless service's
        name, subdomain = job["metadata"]["name"], pod["spec"]["subdomain"]
        port = service["spec"]["ports"][0]["port"]
        assert cluster.workers[index] == f"{name}-{index}.{subdomain}:{port}"
    assert service["metadata"]["name"] == subdomain and service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert pod["spec"]["restartPolicy"] == "Never" and container["command"] == ["zoo"]


def test_the_job_manifest_runs_a_command_that_zoo_takes(zoo_cli):
    _, job = yaml.safe_load_all((ROOT / "scripts" / "cluster" / "kubernetes.yaml").read_text())
    said = zoo_cli(*job["spec"]["template"]["spec"]["containers"][0]["args"], "--dry-run")
    assert said.code == 0 and 'strategy = "multi-worker"' in said


def test_addresses_are_distinct_and_gpus_are_shared_out(tmp_path):
    addresses = free_addresses(4)
    assert len(set(addresses)) == 4 and all(a.startswith("127.0.0.1:") for a in addresses)
    for name in ("nvidia0", "nvidia1", "nvidiactl"):
        (tmp_path / name).touch()
    assert visible_gpus({}, tmp_path) == ["0", "1"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "-1"}, tmp_path) == []
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "3,5"}, tmp_path) == ["3", "5"]
    assert gpu_shares(2, []) == [] and gpu_shares(2, ["0", "1", "2", "3"]) == ["0,1", "2,3"]
    with pytest.raises(UsageError, match=r"3 workers and 2 GPU"):
        gpu_shares(3, ["0", "1"])


def test_only_zoo_run_is_launched(zoo_cli):
    said = zoo_cli("launch", "2", "--", "eval", "somewhere")
    assert said.code == 2 and "zoo launch 2 -- run lenet digits" in said.err


def test_a_gpu_that_is_asked_for_and_missing(zoo_cli, tmp_path, monkeypatch):
    tf = pytest.importorskip("tensorflow")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [])  # also where there is a GPU
    said = zoo_cli("run", "mlp", "iris", "--out", tmp_path / "run", "--require-gpu")
    assert said.code == 3 and "--require-gpu: TensorFlow sees no GPU" in said.err and not (tmp_path / "run").exists()
