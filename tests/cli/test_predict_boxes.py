"""What is said of boxes on the screen, and in a CSV: a line each."""

import csv
import io

from zoo.cli import answers

ROWS = [
    {
        "file": "a.png",
        "row": 1,
        "unlike": False,
        "prediction": "1 WBC, 1 RBC -> a-boxes.png",
        "picture": "a-boxes.png",
        "boxes": [
            {"class": "WBC", "confidence": 0.91, "left": 1.25, "top": 2.0, "right": 30.5, "bottom": 44.0},
            {"class": "RBC", "confidence": 0.5, "left": 3.0, "top": 4.0, "right": 5.0, "bottom": 6.0},
        ],
    },
    {
        "file": "b.png",
        "row": 1,
        "unlike": False,
        "prediction": "nothing -> b-boxes.png",
        "picture": "b-boxes.png",
        "boxes": [],
    },
]


def test_the_table_has_a_line_a_box_and_one_for_an_image_with_none(capsys):
    answers.show(ROWS, 3)
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if ".png" in line]
    assert lines[0] == ["a.png", "1", "WBC", "91.0%", "1.2", "2.0", "30.5", "44.0", "a-boxes.png"]
    assert lines[1][2:5] == ["RBC", "50.0%", "3.0"]
    assert lines[2] == ["b.png", "1", "nothing", "b-boxes.png"]


def test_the_csv_has_a_row_a_box():
    rows = list(csv.DictReader(io.StringIO(answers.WRITERS[".csv"](ROWS))))
    assert [row["prediction"] for row in rows] == ["WBC", "RBC", "nothing"]
    assert rows[0] | {"picture": ""} == {
        "file": "a.png", "row": "1", "prediction": "WBC", "probability": "0.91", "left": "1.25", "top": "2.0",
        "right": "30.5", "bottom": "44.0", "picture": "",
    }  # fmt: skip
    assert rows[2]["left"] == ""
