"""The config: every object known by name, every number in proportion, and no more layers than a model has."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from zoo.safety.calls import check_call
from zoo.safety.names import computes, is_known
from zoo.safety.refusals import refused

MOST_VALUES = 500_000  # in the whole config; the largest of keras.applications have 50,000
MOST_LAYERS = 3_000  # calls of layers; the largest of keras.applications have 1,100
MOST_DEPTH = 100  # tables in tables; a model in a model in a model has 25
MOST_FORWARD = 200  # calls on layers that are listed later: Keras goes through all calls again for each
NOT_SIZES = frozenset({"seed", "salt", "shared_object_id", "vocabulary", "value", "mask_value", "max_value"})


def check_config(path: Path, config: dict[str, Any], most: int) -> None:
    """Refuse a config that asks for more than Keras builds in a moment; no number in it is larger than `most`."""
    _Reader(path, most).layers("", {**config, "compile_config": None}, 0)  # how it was trained is not read


class _Reader:
    """Goes through a config once, from front to back."""

    def __init__(self, path: Path, most: int) -> None:
        self.path, self.most = path, most
        self.plugins = {point.module.split(".")[0] for point in entry_points(group="zoo.models")}
        self.values = 0
        self.shared: dict[Any, int] = {}  # objects that stand for another by its number -> layers in it

    def layers(self, key: str, value: Any, depth: int) -> int:
        """How often Keras calls a layer to build `value`."""
        self.values += 1
        if self.values > MOST_VALUES:
            raise refused(self.path, f"its config has more than {MOST_VALUES:,} values")
        if depth > MOST_DEPTH:
            raise refused(self.path, f"its config is nested more than {MOST_DEPTH} deep")
        if isinstance(value, dict):
            return self._table(value, depth)
        if isinstance(value, list):
            return sum(self.layers(key, item, depth + 1) for item in value)
        if isinstance(value, int) and abs(value) > self.most and key not in NOT_SIZES:
            raise refused(self.path, f"{key} is {value:,}, and there are not so many weights in it")
        return 0

    def _table(self, table: dict[str, Any], depth: int) -> int:
        if "class_name" in table and not is_known(table, self.plugins):
            what = f"{table.get('module')}.{table['class_name']}"
            raise refused(self.path, f"it asks for {what[:200]}, which is no layer of Keras or of the zoo")
        if isinstance(table.get("vocabulary"), str):
            raise refused(self.path, f"it names a file to read: vocabulary {table['vocabulary']!r:.200}")
        calls = self._calls(table)
        found = sum(self.layers(key, value, depth + 1) for key, value in table.items() if key != "inbound_nodes")
        if "class_name" in table and computes(table):
            found = self._layer(table, found) * calls
        if found > MOST_LAYERS:
            raise refused(self.path, f"it calls more than {MOST_LAYERS:,} layers")
        return found

    def _calls(self, table: dict[str, Any]) -> int:
        """How often a layer is called; of the layers of a model also, in which order."""
        calls = table.get("inbound_nodes", [])
        if not isinstance(calls, list) or len(calls) > MOST_LAYERS:
            raise refused(self.path, f"a layer is called more than {MOST_LAYERS:,} times")
        self._check_order(table.get("layers"))
        return max(1, len(calls))

    def _layer(self, table: dict[str, Any], inside: int) -> int:
        """A layer with the layers in it, or the one that it stands for."""
        found = 1 + inside * (2 if table["class_name"] == "Bidirectional" else 1)
        number = table.get("shared_object_id")
        if isinstance(number, int):
            found = self.shared[number] = max(found, self.shared.get(number, 0))
        return found

    def _check_order(self, layers: Any) -> None:
        """Check the calls of a model's layers: what each is called on, most of it from layers that come before."""
        before: set[Any] = set()
        forward = 0
        for layer in layers if isinstance(layers, list) else ():
            if not isinstance(layer, dict):
                continue
            for call in layer["inbound_nodes"] if isinstance(layer.get("inbound_nodes"), list) else ():
                forward += any(name not in before for name in check_call(self.path, call, self.most))
            before.add(str(layer.get("name")))
            if forward > MOST_FORWARD:
                raise refused(self.path, "its layers stand in no order")
