"""The project's own papers: name, licence, versions, and what a newcomer is told agree with the code."""

from __future__ import annotations

import configparser
from pathlib import Path

from zoo.errors import DISTRIBUTION, pip_install

ROOT = Path(__file__).resolve().parent.parent


def setup_cfg() -> configparser.ConfigParser:
    """setup.cfg, read."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_the_distribution_has_one_name():
    assert setup_cfg()["metadata"]["name"] == DISTRIBUTION != "zoo"  # another project holds `zoo` on the package index


def test_every_install_hint_names_the_distribution_and_an_extra_that_exists():
    extras = setup_cfg()["options.extras_require"]
    wrong = [path for path in ROOT.glob("zoo/**/*.py") if "'zoo[" in path.read_text(encoding="utf-8")]
    used = [
        line.split("pip_install('")[1].split("'")[0]
        for path in ROOT.glob("zoo/**/*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "pip_install('" in line
    ]
    assert wrong == []
    assert set(used) == {"gpu", "tensorboard", "translate", "export"} <= set(extras)
    assert pip_install("export") == "pip install 'classic-networks-zoo[export]'"
