"""Matplotlib drawings as inline SVG that takes its colours and letters from the page.

Every colour is one of the tokens below; the page's style sheet decides what they look like, so that one drawing serves
light mode, dark mode and print. Equal data give equal bytes.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from occpred.report.text import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, GRID, ACCENT, SOFT = "#010101", "#020202", "#030303", "#040404", "#050505"
_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--rule)",
    ACCENT: "var(--accent)",
    SOFT: "var(--soft)",
}
_STYLE = {
    "svg.hashsalt": "occpred",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "text.color": INK,
    "font.size": 10,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlecolor": INK,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.labelcolor": INK,
}


@dataclass(frozen=True)
class Drawing:
    """An `<svg>` element, which carries its own description in words, and the caption to go below it."""

    svg: str
    caption: str


def draw(
    paint: Callable[[Figure], None],
    *,
    name: str,
    title: str,
    description: str,
    caption: str,
    size: tuple[float, float],
) -> Drawing:
    """Turn what `paint` draws into an empty matplotlib figure into a drawing for a page.

    Args:
        paint: fills the figure it is given, in the colours of this file.
        name: letters, digits and hyphens, unique in the page; it prefixes all ids.
        title: what the drawing is, for those who cannot see it.
        description: what the drawing shows, for those who cannot see it.
        caption: what stands below the drawing, for all.
        size: width and height in inches of 72 points.
    """
    import matplotlib.style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=size)
        paint(figure)
        document = io.StringIO()
        no_metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(document, metadata=no_metadata)
    return Drawing(_inline(document.getvalue(), name, one_line(title), one_line(description)), caption)


def _inline(document: str, name: str, title: str, description: str) -> str:
    """Make a stand-alone SVG document an element that may stand beside others in a page and takes on its theme."""
    root = ElementTree.fromstring(document)
    for element in root.iter():
        element.tag = _without_namespace(element.tag)
        element.attrib = {_without_namespace(key): value for key, value in element.attrib.items()}
        _adapt(element, name)
        if element.tag != "text" and not (element.text or "").strip():
            element.text = None
        element.tail = None
    for definitions in root.findall("defs"):
        for style in definitions.findall("style"):
            definitions.remove(style)
    width, height = root.attrib["viewBox"].split()[2:]
    root.attrib = {"viewBox": f"0 0 {width} {height}", "role": "img", "aria-labelledby": f"{name}-title {name}-text"}
    root.attrib["style"] = f"width: {float(width) / 12:.4g}rem"
    for tag, identifier, text in (("desc", "text", description), ("title", "title", title)):
        label = ElementTree.Element(tag, id=f"{name}-{identifier}")
        label.text = text
        root.insert(0, label)
    return ElementTree.tostring(root, encoding="unicode")


def _without_namespace(name: str) -> str:
    return name.rpartition("}")[2]


def _adapt(element: ElementTree.Element, name: str) -> None:
    """Make ids and the references to them unique to the drawing, and leave colours and typeface to the page."""
    for key, prefix in (("id", ""), ("href", "#"), ("clip-path", "url(#")):
        if key in element.attrib:
            element.attrib[key] = f"{prefix}{name}-{element.attrib[key].removeprefix(prefix)}"
    if "style" in element.attrib:
        declarations = element.attrib["style"].split("; ")
        style = "; ".join(entry for entry in declarations if not entry.startswith("font-family"))
        for colour, variable in _VARIABLES.items():
            style = style.replace(colour, variable)
        element.attrib["style"] = style
