"""An architecture as SVG, from a walk over the model's own layers; needs no graphviz.

Calls are placed in rows by their longest path from the input, so branches stand side by side; a nested model is opened
in a frame. Colours come from CSS classes, with a second set for dark backgrounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from zoo.catalogue.arithmetic import parameter_arithmetic
from zoo.catalogue.inspect import Key, Node, graph, is_model, output_shape

if TYPE_CHECKING:
    import keras

HEIGHT, GAP_X, GAP_Y, PAD, LETTER = 46, 26, 26, 16, 6.7  # pixels; LETTER is the width of one at 12 px
STYLE = """
text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #1f2933 }
.name { font-weight: 600 } .soft { fill: #5b6670; font-size: 11px } .box { fill: #f4f6f8; stroke: #b4bec8 }
.weights { fill: #dcebf7; stroke: #0072B2 } .io { fill: #fdf0d5; stroke: #E69F00 }
.frame { fill: none; stroke: #8a96a3; stroke-dasharray: 5 4 } .edge { fill: none; stroke: #5b6670; stroke-width: 1.4 }
.tip { fill: #5b6670 } .paper { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e8edf2 } .soft { fill: #a9b4bf } .box { fill: #2a323a; stroke: #56626e }
  .weights { fill: #123a57; stroke: #56B4E9 } .io { fill: #4a3a14; stroke: #E69F00 } .frame { stroke: #77838f }
  .edge { stroke: #a9b4bf } .tip { fill: #a9b4bf } .paper { fill: #171c21 }
}
"""
PAPER = '<rect class="paper" width="100%" height="100%" rx="8"/>'  # its own ground: viewers differ in theirs


@dataclass(eq=False)
class Block:
    """Something placed: a layer's box, the frame around a nested model, or (no node) where an edge passes a row."""

    node: Node | None
    width: float = 0
    height: float = HEIGHT
    x: float = 0
    y: float = 0
    inside: Layout | None = None

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass
class Layout:
    """Blocks in rows from top to bottom, and the edges, each a list of blocks from start to end."""

    rows: list[list[Block]]
    edges: list[list[Block]]
    width: float = 0
    height: float = 0


def architecture(model: keras.Model) -> str:
    """The model as SVG text: one block a layer with its name, type, output shape and parameters.

    Valid XML that also stands on its own as a file; readable on light and dark backgrounds.
    """
    whole = _layout(model)
    title = f"{model.name}: {model.count_params():,} parameters"
    width = max(whole.width, len(title) * LETTER * 1.15)
    body = [f'<text class="name" x="{PAD}" y="{PAD + 8}">{escape(title)}</text>']
    _draw(body, whole, PAD + (width - whole.width) / 2, PAD + 26)
    w, h = round(width + 2 * PAD), round(whole.height + 2 * PAD + 26)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img">'
    return (
        "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", PAPER, *body, "</svg>"]) + "\n"
    )


def _layout(model: keras.Model) -> Layout:
    nodes = graph(model)
    used = {key for node in nodes for key in node.sources}
    shown = [n for n in nodes if hasattr(n.layer, "count_params") or n.key in used]  # a mask's leftovers are not
    blocks = {node.key: _block(node) for node in shown}
    rank = _ranks(shown)
    rows: list[list[Block]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for key, block in blocks.items():
        rows[rank[key]].append(block)
    edges = []
    for node in shown:
        for source in node.sources:
            passing = [Block(None) for _ in range(rank[source] + 1, rank[node.key])]
            for row, block in enumerate(passing, start=rank[source] + 1):
                rows[row].append(block)
            edges.append([blocks[source], *passing, blocks[node.key]])
    return _placed(Layout(rows, edges))


def _block(node: Node) -> Block:
    if is_model(node.layer):
        inside = _layout(node.layer)
        width = max(inside.width, len(node.layer.name) * LETTER)
        return Block(node, width + 2 * PAD, inside.height + 2 * PAD + 18, inside=inside)
    widest = max(len(line) for line in _lines(node.layer))
    return Block(node, max(120, widest * LETTER + 2 * 12))


def _lines(layer: Any) -> tuple[str, str]:
    """What stands in a box: name and type above, shape and parameters below."""
    params = layer.count_params() if hasattr(layer, "count_params") else 0
    kind = type(layer).__name__
    above = f"{layer.name}  {kind}" if layer.name.lower() != kind.lower() else kind
    below = output_shape(layer) + (f"  ·  {params:,} = {_short(parameter_arithmetic(layer))}" if params else "")
    return above, below


def _short(arithmetic: str) -> str:
    return arithmetic if len(arithmetic) < 40 else arithmetic[:36] + " ..."


def _ranks(nodes: list[Node]) -> dict[Key, int]:
    """Row of each call: one below the lowest of its sources; calls without known links stand one under another."""
    found: dict[Key, int] = {}
    for index, node in enumerate(nodes):
        above = [found[key] + 1 for key in node.sources]
        found[node.key] = max(above, default=0 if node.linked else index)
    return found


def _placed(layout: Layout) -> Layout:
    """Set every block's place: rows centred under each other, blocks in a row in the order of what feeds them."""
    feeds: dict[Block, list[Block]] = {}
    for edge in layout.edges:
        for upper, lower in pairwise(edge):
            feeds.setdefault(lower, []).append(upper)
    widths = [sum(b.width for b in row) + GAP_X * (len(row) - 1) for row in layout.rows]
    layout.width = max(widths, default=0)
    y = 0.0
    for row, width in zip(layout.rows, widths, strict=True):
        row.sort(key=lambda b: sum(f.middle for f in feeds.get(b, [])) / max(len(feeds.get(b, [])), 1))
        x, tallest = (layout.width - width) / 2, max(b.height for b in row if b.node)
        for block in row:
            block.x, block.y = x, y
            block.height = tallest if block.node is None else block.height
            x += block.width + GAP_X
        y += tallest + GAP_Y
    layout.height = max(y - GAP_Y, 0)
    _straighten(layout)
    return layout


def _straighten(layout: Layout) -> None:
    """Edges that pass rows at their right end do so in one vertical line."""
    ends = {row[-1] for row in layout.rows}
    for edge in layout.edges:
        if all(block in ends for block in edge[1:-1]):
            x = max((block.x for block in edge[1:-1]), default=0)
            for block in edge[1:-1]:
                block.x = x


def _draw(body: list[str], layout: Layout, left: float, top: float) -> None:
    body.extend(_edge(edge, left, top) for edge in layout.edges)
    for block in (b for row in layout.rows for b in row if b.node):
        x, y = left + block.x, top + block.y
        if block.inside:
            assert block.node
            body.append(_rect("frame", x, y, block))
            body.append(f'<text class="soft" x="{x + PAD:.1f}" y="{y + 18:.1f}">{escape(block.node.layer.name)}</text>')
            _draw(body, block.inside, x + (block.width - block.inside.width) / 2, y + PAD + 14)
        else:
            _box(body, block, x, y)


def _box(body: list[str], block: Block, x: float, y: float) -> None:
    assert block.node
    layer = block.node.layer
    is_input = type(layer).__name__ == "InputLayer"
    kind = "io" if is_input else "weights" if getattr(layer, "weights", None) else "box"
    above, below = _lines(layer)
    name, _, rest = above.partition("  ")
    tail = f'<tspan class="soft" dx="6" style="font-weight:400">{escape(rest)}</tspan>' if rest else ""
    middle = x + block.width / 2
    body.append(_rect(kind, x, y, block))
    body.append(
        f'<text class="name" text-anchor="middle" x="{middle:.1f}" y="{y + 19:.1f}">{escape(name)}{tail}</text>'
    )
    body.append(f'<text class="soft" text-anchor="middle" x="{middle:.1f}" y="{y + 36:.1f}">{escape(below)}</text>')


def _rect(kind: str, x: float, y: float, block: Block) -> str:
    size = f'width="{block.width:.1f}" height="{block.height:.1f}"'
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" {size} rx="6"/>'


def _edge(edge: list[Block], left: float, top: float) -> str:
    """A line from the foot of the first block to the head of the last, straight through the rows between."""
    x, y = left + edge[0].middle, top + edge[0].y + edge[0].height
    path = f"M{x:.1f} {y:.1f}"
    for block in edge[1:]:
        to_x, to_y = left + block.middle, top + block.y - (6 if block.node else 0)
        half = (to_y - y) / 2
        path += f"C{x:.1f} {y + half:.1f} {to_x:.1f} {to_y - half:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
        if block.node is None:
            y += block.height
            path += f"V{y:.1f}"
    return f'<path class="edge" d="{path}"/><path class="tip" d="M{x:.1f} {y + 6:.1f}l-4 -7h8z"/>'
