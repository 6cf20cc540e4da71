"""What other packages add through entry points: one that breaks is told by name and harms nothing else.

Each is imported first in a process of its own, with a limit and unheard: one that hangs, or ends the process, is found
out there. What is found is kept in `plugins.json` in the zoo's folder while the plug-in's files are as they were. Of
models it is all that listing needs: such a plug-in is imported here only when one of its models is asked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from zoo import __version__
from zoo.catalogue.folders import own_folder
from zoo.errors import UsageError, ZooError
from zoo.files import JSON, read_bytes, read_json, write_json
from zoo.native_output import silence

SECONDS = 30.0  # to import one; TensorFlow alone takes 10 on a busy machine
T = TypeVar("T")
KEPT_WRONG = 86_400.0  # seconds for which one that hangs, or ends the process, is not tried again
MOST_FILES = 2_000
CHILD = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from zoo.catalogue import {module}; {module}.tell(*sys.argv[2:])"
)


class Found(NamedTuple):
    """What a plug-in registers (of models), as JSON can say it, or what is wrong with it."""

    records: list[dict[str, Any]]
    wrong: str = ""
    lasts: bool = True  # False: found out anew each time, since something else may be the cause


def load(
    group: str,
    add: Callable[[Any, str], None],
    enter: Callable[[Any, str, list[dict[str, Any]]], None] | None = None,
) -> dict[str, str]:
    """Let `add` load each entry point of a group, unheard; it is told the package that it comes from.

    Where `enter` is given it is told what the plug-in registers instead, unless that is imported already.

    Returns:
        the plug-ins that do not load, or that are refused: `entry point of package` -> what went wrong.
    """
    broken = {}
    for point in entry_points(group=group):
        try:
            found = None if point.module in sys.modules else look(point)
            if found is not None and found.wrong:
                broken[called(point)] = found.wrong
            elif found is not None and enter is not None:
                enter(point, package(point), found.records)
            else:
                with silence():
                    add(point, package(point))
        except (Exception, SystemExit) as error:
            broken[called(point)] = f"{type(error).__name__}: {error}"
    return broken


class Brought(NamedTuple, Generic[T]):
    """Objects of other packages, and the plug-ins that are left out: `entry point of package` -> what went wrong."""

    objects: list[T]
    broken: dict[str, str]


def brought(
    group: str, form: type[T], *, what: str, key: str, pattern: str, taken: Iterable[str], refuse: Callable[[T], None]
) -> Brought[T]:
    """What the entry points of a group give: an object of the class `form`, or several.

    Args:
        what: messages call such an object so.
        key: its attribute that holds the name, which no two packages may use; it has the form of `pattern`.
        taken: names that are there already.
        refuse: raises UsageError for what else is wrong with an object.
    """
    found, names = list[T](), set(taken)

    def add(point: Any, origin: str) -> None:
        given = point.load()
        new = list(given) if isinstance(given, list | tuple) else [given]
        for one in new:
            if not isinstance(one, form):
                raise UsageError(f"{one!r:.100} is no {form.__module__}.{form.__name__}")
            name = getattr(one, key, None)
            if not isinstance(name, str) or not re.fullmatch(pattern, name):
                raise UsageError(f"a {what}'s {key} {name!r} is not of the form {pattern}")
            if name in names:
                raise UsageError(f"the {what} {name!r} is there already; choose another {key}")
            refuse(one)
        found.extend(new)
        names.update(getattr(one, key) for one in new)

    return Brought(found, load(group, add))


def called(point: Any) -> str:
    """What messages call a plug-in."""
    return f"{point.name} of {point.dist.name}" if point.dist else str(point.name)


def package(point: Any) -> str:
    """Where its models come from."""
    return str(point.dist.name if point.dist else point.name)


def look(point: EntryPoint) -> Found:
    """What comes of importing a plug-in: as it is kept, or else found out by a process that does."""
    path, key, name = own_folder() / "plugins.json", _key(point), f"{point.group}: {called(point)}"
    kept = _kept(path)
    entry = kept.get(name, {})
    if entry.get("key") == key and (not entry["wrong"] or 0 <= time.time() - entry["time"] < KEPT_WRONG):
        return Found(entry["records"], entry["wrong"])
    found = _imported_elsewhere(point)
    if found.lasts:
        kept[name] = {"key": key, "time": time.time(), "records": found.records, "wrong": found.wrong}
        with suppress(OSError, ZooError):  # then it is found out again
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_json(path, kept)
    return found


def _kept(path: Path) -> dict[str, Any]:
    """What was found out before, unless the file is damaged or of somebody else."""
    try:
        if path.stat().st_uid != os.getuid():
            return {}
        entries = read_json(path)
        return {name: entry for name, entry in entries.items() if entry.keys() >= {"key", "time", "records", "wrong"}}
    except (OSError, ZooError, AttributeError):
        return {}


def _key(point: EntryPoint) -> str:
    """Changes with the plug-in's files, their times, its version and ours."""
    files = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in sources(point.module)]
    whose = (point.value, point.dist.version if point.dist else "", __version__, platform.python_version())
    return hashlib.sha256(repr((whose, files)).encode()).hexdigest()


def sources(module: str) -> list[Path]:
    """The Python files of the package that a module belongs to, found without importing anything."""
    top = find_spec(module.partition(".")[0])
    folders = [Path(place) for place in (top.submodule_search_locations or [])] if top else []
    alone = [Path(top.origin)] if top and top.origin and not folders and Path(top.origin).is_file() else []
    return [*alone, *sorted(file for folder in folders for file in folder.rglob("*.py"))][:MOST_FILES]


def _imported_elsewhere(point: EntryPoint) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        teller = CHILD.format(module="registry" if point.group == "zoo.models" else "plugins")
        command = [
            sys.executable,
            "-c",
            teller,
            json.dumps(sys.path),
            point.name,
            point.value,
            point.group,
            str(answer),
        ]
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return Found([], f"it was not imported within {SECONDS:g} seconds")
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        try:
            said = json.loads(read_bytes(answer, JSON))
        except (OSError, ValueError, ZooError):
            how = f"by {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
            return Found([], f"it ended the process that imported it, {how}")
        return Found(said["records"], said["wrong"], lasts=not said["wrong"])


def tell(name: str, value: str, group: str, answer: str) -> None:
    """In a process of its own: import a plug-in, and write what is wrong with it."""
    wrong = ""
    try:
        EntryPoint(name, value, group).load()
    except (Exception, SystemExit) as error:
        wrong = f"{type(error).__name__}: {error}"
    write_json(Path(answer), {"records": [], "wrong": wrong})
