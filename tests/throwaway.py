"""Throwaway environments for tests of what is installed: a bare venv that borrows this environment's packages.

The borrowed folder comes after the venv's own on the path, and its `.pth` files are not read, so neither an editable
install of the zoo here nor anything else of it gets in the way of what the test installs. No network is used.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAPERS = ("README.md", "LICENSE", "NOTICE", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "SECURITY.md")
SOURCES = ("zoo", "recipes", "setup.cfg", "pyproject.toml", "MANIFEST.in", "constraints.txt", *PAPERS)
OFFLINE = ("--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check", "--quiet")


@dataclass(frozen=True)
class Environment:
    """A venv in `folder`."""

    folder: Path

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.folder / "bin" / "python")

    @property
    def zoo(self) -> str:
        """The `zoo` command installed in it."""
        return str(self.folder / "bin" / "zoo")

    def install(self, *what: str) -> None:
        """`pip install`; nothing outside of the venv is touched, whatever pip sees there."""
        pip("--python", self.python, "install", "--ignore-installed", *OFFLINE, *what)


def create(folder: Path) -> Environment:
    """A venv without pip of its own."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    borrowed = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    (own / "borrowed.pth").write_text("".join(f"{path}\n" for path in borrowed), encoding="utf-8")
    return Environment(folder)


def pip(*arguments: str) -> None:
    """Run this environment's pip."""
    done = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def copy_checkout(folder: Path) -> Path:
    """What the package is built from, without earlier builds' leavings."""
    folder.mkdir(parents=True)
    leavings = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=leavings)
        elif source.exists():
            shutil.copy2(source, folder / name)
    return folder


def build_wheel(base: Path) -> Path:
    """The zoo's wheel, built once below `base`."""
    out = base / "wheel"
    if not out.exists():
        pip("wheel", *OFFLINE, "--wheel-dir", str(out), str(copy_checkout(base / "sources")))
    (wheel,) = out.glob("*.whl")
    return wheel


def installed_wheel(base: Path) -> Environment:
    """An environment with the wheel in it, made once below `base`."""
    folder = base / "with-wheel"
    if not folder.exists():
        create(folder).install(str(build_wheel(base)))
    return Environment(folder)


TALK = """
import contextlib, io, json, sys
from zoo.cli import main
said = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["zoo", *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main(arguments)
        except SystemExit as ended:
            said.append([ended.code or 0, out.getvalue(), err.getvalue()])
print(json.dumps(said))
"""


def talk(environment: Environment, *commands: Sequence[str], cwd: Path) -> list[subprocess.CompletedProcess[str]]:
    """Several commands of `zoo` one after the other in one process, which imports TensorFlow once."""
    done = run(environment.python, "-c", TALK, json.dumps(commands), cwd=cwd).stdout.splitlines()[-1]
    return [subprocess.CompletedProcess(c, *said) for c, said in zip(commands, json.loads(done), strict=True)]


def run(*command: str, cwd: Path, code: int | None = 0) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would, with nothing of this process's Python about it; `code` None: any exit code."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "KERAS_BACKEND")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert code in (None, done.returncode), f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done
