"""The code of the zoo's layers in a network, as a module beside a `.keras` file, so that Keras loads it without zoo.

The file itself holds no code. Whoever loads it imports the module first, which registers the layers with Keras.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.eject.lifting import Lifted, import_lines, lift

if TYPE_CHECKING:
    import keras

MISSING_CELLS = "zoo>MissingCells"  # the layer that fills empty cells of a table
HEAD = '''"""Layers of {file}: import this module, then load the file with Keras.

{names}. In a process that has the zoo, `import zoo.layers` does instead.
"""

from __future__ import annotations

{imports}


{code}
'''


def place(path: Path) -> Path:
    """Where the module of a `.keras` file stands: `lstm-imdb.keras` -> `lstm_imdb_layers.py`."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", path.stem).strip("_")
    return path.with_name(f"{'' if name[:1].isalpha() else 'net_'}{name}_layers.py")


def names(model: keras.Model) -> list[str]:
    """Names under which a network's own layers and functions are registered, such as `zoo>LastStep`."""
    import keras

    registered = keras.saving.get_custom_objects()
    found = set(_words(json.loads(model.to_json())))
    return sorted(word for word in found if word.startswith("zoo>") and word in registered)


def source(registered: list[str], file: str) -> str:
    """A module that defines and registers them; `file` is the name of what it stands beside."""
    import keras

    lifted = Lifted()
    for name in registered:
        lift(keras.saving.get_registered_object(name), lifted)
    return HEAD.format(
        file=file,
        names=", ".join(name.partition(">")[2] for name in registered),
        imports=import_lines(lifted.imports),
        code=lifted.code,
    )


def _words(config: Any) -> Iterator[str]:
    """All words in a config, however deep."""
    if isinstance(config, str):
        yield config
    elif isinstance(config, dict):
        for value in config.values():
            yield from _words(value)
    elif isinstance(config, list):
        for value in config:
            yield from _words(value)
