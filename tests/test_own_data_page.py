"""The page on own data says nothing that the command line does not know."""

import re
from pathlib import Path

import click
import pytest

from zoo.catalogue.registry import list_models
from zoo.cli import group
from zoo.data.missing import OF_SERIES, OF_TABLES
from zoo.data.reading import READ_AS

PAGE = Path(__file__).parents[1] / "docs" / "your-own-data.md"


def options(*names):
    found = set()
    for name in names:
        command = group.get_command(click.Context(group), name)
        commands = list(command.commands.values()) if isinstance(command, click.Group) else [command]
        found |= {flag for one in commands for option in one.params for flag in (*option.opts, *option.secondary_opts)}
    return found


def test_every_option_and_model_of_the_page_is_there():
    text = re.sub(r"`scripts/[^`]*`", "", PAGE.read_text())  # which have options of their own
    assert set(re.findall(r"--[a-z][a-z-]*", text)) <= options(
        "run", "data", "generate", "eval", "predict", "explain", "compare"
    )
    assert set(re.findall(r"zoo run ([a-z_.]+)", text)) <= {*list_models()} | {"..."}


@pytest.mark.parametrize(
    "word",
    [*(f"--missing {way}" for way in (*OF_TABLES, *OF_SERIES)), *(f"`{kind}`" for kind in READ_AS if kind != "table")],
)
def test_every_way_is_on_the_page(word):
    assert word in PAGE.read_text()


def test_the_guide_leads_to_it():
    assert "docs/your-own-data.md" in (PAGE.parents[1] / "README.md").read_text()
