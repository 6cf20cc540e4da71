"""F32: no terminal and no pipe gets an escape sequence from a file, a class, a label, a recipe or a message."""

import ast
import logging
import os
import pty
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

import zoo.cli as command_line
from zoo.cli.console import Screen, table
from zoo.files.names import escaped

RED, TITLE, BACK = "\x1b[31mred", "\x1b]0;owned\x07", "\u202eback"
SHOWN = r"\x1b[31mred"


def said(*arguments, terminal=False, environment=None):
    """stdout and stderr of a command, both from a terminal or both from pipes."""
    command = [sys.executable, "-m", "zoo", *map(str, arguments)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "200"} | (environment or {})
    if not terminal:
        done = subprocess.run(command, capture_output=True, env=environment)
        return (done.stdout + done.stderr).decode()
    ours, theirs = pty.openpty()
    running = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    found = b""
    while True:
        try:
            piece = os.read(ours, 2**16)
        except OSError:  # how Linux says that nobody has the other end any more
            piece = b""
        if not piece:
            break
        found += piece
    running.wait()
    os.close(ours)
    return found.decode()


def is_clean(text):
    """None of the sequences above; those of colours are ours on a terminal."""
    return not any(bad in text for bad in (RED, TITLE, BACK, "\x9b", "\x07"))


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("arguments", [["eval", f"no/{RED}"], ["run", f"{RED}.toml"], ["ls", f"{TITLE}{RED}"],
                                       ["run", "lenet", "digits", "--set", f"{RED}=1"], [RED],
                                       ["eval", f"no/{RED}", "--debug"]])  # fmt: skip
def test_arguments_come_back_escaped(arguments, terminal):
    found = said(*arguments, terminal=terminal)
    assert is_clean(found) and (SHOWN in found or "x1b[31mred" in found)


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_labels_columns_and_titles_are_shown_escaped(tmp_path, terminal):
    rows = "".join(f"{i},{RED if i % 2 else 'grün'}\n" for i in range(20))
    (tmp_path / "t.csv").write_text(f"{TITLE}{BACK},label\n{rows}")
    found = said("data", "show", tmp_path / "t.csv", "--out", tmp_path / "sheet.png", terminal=terminal)
    assert is_clean(found) and SHOWN in found and r"\x1b]0;owned\x07\u202eback" in found and "grün" in found
    recipe = (Path(command_line.__file__).parents[2] / "recipes" / "iris.toml").read_text().splitlines()
    title = next(i for i, line in enumerate(recipe) if line.startswith("title"))
    recipe[title] = r'title = "\u001b[31mred \u009b2J"'
    (tmp_path / "mine.toml").write_text("# \u202eback\n" + "\n".join(recipe))
    for command in ("show", "check"):
        assert is_clean(said("recipes", command, tmp_path / "mine.toml", terminal=terminal))
    found = said("data", "show", tmp_path / "mine.toml", "--out", tmp_path / "sheet.png", terminal=terminal)
    assert is_clean(found) and rf"{SHOWN} \x9b2J" in found


def test_names_of_files_are_logged_escaped(tmp_path):
    """What modules log reaches stderr without the command line's own words."""
    from PIL import Image

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / name / "1.png")
    (tmp_path / "a" / f"{RED}.xyz").touch()
    found = said("data", "show", tmp_path, "--out", tmp_path / "sheet.png")
    assert is_clean(found) and SHOWN in found and "passed over" in found


def test_native_words_are_escaped_too(capfd):
    from zoo.native_output import quiet_stderr

    with pytest.raises(ValueError, match="x"), quiet_stderr():
        os.write(2, RED.encode() + b"\xff\n")
        raise ValueError("x")
    assert capfd.readouterr().err == SHOWN + "\ufffd\n"
    with pytest.raises(KeyboardInterrupt), quiet_stderr():
        os.write(2, b"chatter")
        raise KeyboardInterrupt
    assert capfd.readouterr().err == ""


def test_words_of_modules_are_escaped(capsys, monkeypatch):
    monkeypatch.setattr(logging, "lastResort", logging.StreamHandler(sys.stderr))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    command_line.escape_the_rest()
    logging.lastResort.handle(logging.LogRecord("zoo", logging.WARNING, "", 1, "note: %s", (RED,), None))
    sys.excepthook(ValueError, ValueError(RED), None)
    assert capsys.readouterr().err == f"note: {SHOWN}\nValueError: {SHOWN}\n"


def test_tables_and_lines_are_escaped_and_keep_what_can_be_read(capsys):
    screen = Screen(width=100)
    grid = table("name", f">{RED}", title=TITLE)
    grid.add_row("größer 日本 👩‍🔬 :bug: [bold]", BACK)
    screen.print(grid)
    screen.print("two\nlines\t" + RED)
    shown = capsys.readouterr().out
    assert is_clean(shown) and "größer 日本 👩‍🔬 :bug: [bold]" in shown and r"\u202eback" in shown
    assert f"two\nlines   {SHOWN}\n" in shown and shown.count(SHOWN) == 2 and r"\x1b]0;owned\x07" in shown


def test_every_character_is_either_seen_or_written_out():
    every = "".join(map(chr, range(0x110000)))
    hidden = {c for c in escaped(every) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}
    assert hidden == set("\u200c\u200d")
    assert escaped("a\nb\tc", lines=True) == "a\nb\tc" and escaped("a\nb\\n") == r"a\nb\n"


def test_the_command_line_writes_through_nothing_else():
    """Only `zoo.cli.words` and `zoo.cli.console` know click's and Python's own ways to write."""
    folder = Path(command_line.__file__).parent
    for path in folder.glob("*.py"):
        calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        found = set(calls) & {"print", "click.echo", "click.secho", "Console", "sys.stdout.write"}
        assert not found or path.name == "words.py", f"{path.name} calls {found}"
