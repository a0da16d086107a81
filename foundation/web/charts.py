"""Charts as SVG that the server draws: ``{% load charts %}``. No script, no style attribute.

The figures stand in a table beside each chart; the drawing itself is hidden from screen readers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django import template

register = template.Library()

WIDTH, HEIGHT = 720, 160
GAP = 0.25
"""Of a bar's place."""


@dataclass(frozen=True, slots=True)
class Bar:
    """``parts`` lie on each other, the first at the bottom."""

    label: str
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Box:
    x: str
    y: str
    width: str
    height: str
    part: int


@register.inclusion_tag("web/parts/bars.html")
def bars(found: Sequence[Bar]) -> dict[str, object]:
    """Stacked bars. The largest fills the height; where there is nothing, there is a line."""
    most = max((sum(bar.parts) for bar in found), default=0)
    labels = [found[place].label for place in (0, len(found) // 2, -1)] if found else []
    return {"boxes": boxes(found, most), "most": most, "labels": labels, "width": WIDTH, "height": HEIGHT}


def boxes(found: Sequence[Bar], most: int) -> list[Box]:
    place = WIDTH / len(found) if found else 0.0
    drawn = []
    for number, bar in enumerate(found):
        top = float(HEIGHT)
        for part, count in enumerate(bar.parts):
            if not count:
                continue
            # A count that is there can be seen.
            high = max(1.0, HEIGHT * count / most)
            top -= high
            drawn.append(
                Box(
                    x=f"{place * (number + GAP / 2):.1f}",
                    y=f"{max(0.0, top):.1f}",
                    width=f"{place * (1 - GAP):.1f}",
                    height=f"{high:.1f}",
                    part=part,
                )
            )
    return drawn
