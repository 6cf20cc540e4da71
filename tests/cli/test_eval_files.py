"""`zoo eval RUN --data PATH`: a finished run on labelled files of one's own."""

import json

import keras
import numpy as np
import pytest

pytest.importorskip("tensorflow")

import zoo


def rows(count, seed):
    rng = np.random.default_rng(seed)
    for width, length in rng.uniform(1, 9, (count, 2)):
        yield f"{width:.2f},{length:.2f},{'wide' if width > length else 'long'}\n"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A folder with shapes.csv, and a run of mlp on it."""
    folder = tmp_path_factory.mktemp("table")
    (folder / "shapes.csv").write_text("width,length,kind\n" + "".join(rows(200, 0)))
    out = zoo.run("mlp", folder / "shapes.csv", smoke=True, out=folder / "run").folder
    return folder, out


def test_every_row_of_a_labelled_file_is_scored_as_the_model_itself_scores_it(table, zoo_cli, tmp_path):
    _, run = table
    lines = list(rows(50, 1))
    (tmp_path / "new.csv").write_text("kind,width,length\n" + "".join(
        ",".join([*line.strip().split(",")[2:], *line.split(",")[:2]]) + "\n" for line in lines
    ))  # fmt: skip
    found = json.loads(zoo_cli("eval", run, "--data", tmp_path / "new.csv", "--json"))
    x = np.array([line.split(",")[:2] for line in lines], "float32")
    said = keras.ops.convert_to_numpy(zoo.load(run).model(x))
    names = zoo.load(run).recipe.data.class_names
    right = said.argmax(axis=1) if said.shape[1] > 1 else (said[:, 0] > 0.5).astype(int)
    expected = np.mean([names[i] == line.strip().split(",")[2] for i, line in zip(right, lines, strict=True)])
    assert found["examples_scored"] == 50 and found["metrics"]["accuracy"] == pytest.approx(expected)


def test_a_report_of_its_own(table, zoo_cli, tmp_path):
    folder, run = table
    before = {path: path.stat().st_mtime_ns for path in run.iterdir()}
    said = zoo_cli("eval", run, "--data", folder / "shapes.csv", "--report", tmp_path / "new")
    assert said.code == 0 and "200 of 200" in said
    page = (tmp_path / "new" / "report.html").read_text()
    assert "200" in page and "Learning curves" not in page and "not drawn" not in page
    assert {path: path.stat().st_mtime_ns for path in run.iterdir()} == before
    again = zoo_cli("eval", run, "--data", folder / "shapes.csv", "--report", tmp_path / "new")
    assert again.code == 2 and "nothing is overwritten" in again.err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("width,length,kind\n1,2,round\n2,1,wide\n", "round"),
        ("width,kind\n1,wide\n2,long\n", "length"),
        ("width,length,kind\n1,,wide\n2,1,long\n", "missing"),
    ],
)
def test_what_is_foreign_in_the_file_is_named(table, zoo_cli, tmp_path, text, named):
    (tmp_path / "odd.csv").write_text(text)
    said = zoo_cli("eval", table[1], "--data", tmp_path / "odd.csv")
    assert said.code == 2 and named in said.err and len(said.err.strip().splitlines()) <= 3


def test_a_published_folder_scores_a_file(table, zoo_cli, tmp_path):
    folder, run = table
    assert zoo_cli("publish", run, tmp_path / "shared").code == 0
    both = [json.loads(zoo_cli("eval", one, "--data", folder / "shapes.csv", "--json"))
            for one in (run, tmp_path / "shared")]  # fmt: skip
    assert both[0]["metrics"] == pytest.approx(both[1]["metrics"])


def test_images_in_folders_of_their_classes_score_weights_of_the_zoo(zoo_cli, tmp_path):
    from PIL import Image

    from zoo import data

    test, pixels = data.load("digits").test, []
    for i in range(30):
        folder = tmp_path / "own" / str(int(test.y[i]))
        folder.mkdir(parents=True, exist_ok=True)
        digit = Image.fromarray((test.x[i, ..., 0] * 15).astype("uint8")).resize((20, 20))
        whole = Image.new("L", (28, 28))
        whole.paste(digit, (4, 4))
        whole.save(folder / f"{i}.png")
        pixels.append(np.array(whole)[..., None])
    found = json.loads(zoo_cli("eval", "lenet:mnist", "--data", tmp_path / "own", "--json"))
    said = keras.ops.convert_to_numpy(zoo.load("lenet:mnist").model(np.stack(pixels))).argmax(axis=1)
    assert found["examples_scored"] == 30
    assert found["metrics"]["accuracy"] == pytest.approx((said == test.y[:30]).mean())


def test_dataset_and_data_do_not_go_together(table, zoo_cli):
    said = zoo_cli("eval", table[1], "iris", "--data", "x.csv")
    assert said.code == 2 and "say one of them" in said.err
    assert "goes with --data" in zoo_cli("eval", table[1], "--report", "x").err
