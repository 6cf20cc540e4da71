"""A line stands between two phases of a run's curves."""

from zoo.drawing.curves import learning_curves

TWO = {"loss": [3.0, 2.0, 1.5, 1.4], "learning_rate": [0.1, 0.1, 0.01, 0.01]}


def lines(history):
    """Where dashed vertical lines stand, panel by panel."""
    axes = learning_curves(history).get_axes()
    return [[line.get_xdata()[0] for line in panel.get_lines() if line.get_linestyle() == "--"] for panel in axes]


def test_a_line_stands_where_the_phase_changes_and_nowhere_else():
    assert lines(TWO | {"phase": [1.0, 1.0, 2.0, 2.0]}) == [[2.5], [2.5]]
    assert lines(TWO | {"phase": [2.0] * 4}) == lines(TWO) == [[], []]


def test_the_phase_is_no_curve_of_its_own():
    titles = [axes.get_title(loc="left") for axes in learning_curves(TWO | {"phase": [1, 1, 2, 2]}).get_axes()]
    assert titles == ["loss", "learning rate"]
    words = [text.get_text().strip() for text in learning_curves(TWO | {"phase": [1, 1, 2, 2]}).get_axes()[0].texts]
    assert words == ["head alone", "fine-tuning"]
