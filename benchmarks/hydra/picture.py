"""The replay as a drawing: units an hour that the hydra gets, on a scale of powers of ten."""

import math
from collections.abc import Sequence

WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 64, 52
DECADES = (1, 5)
"""From ten to a hundred thousand."""


def draw(alone: Sequence[int], ours: Sequence[int], *, found_at: int, budget: int) -> str:
    """SVG. ``alone`` and ``ours``: units let through in each hour."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="13" role="img">',
        f"<title>Units an hour for 25,000 linked accounts: {alone[-1]:,} by limits per credential alone, "
        f"{ours[-1]:,} once they share one budget</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="26" font-size="16" font-weight="600" fill="#16202c">'
        "One actor with 25,000 accounts: what gets through</text>",
        f'<text x="{LEFT}" y="46" fill="#4a5766">'
        "each asks 26 times a day; units an hour, on a scale of powers of ten</text>",
        *_grid(len(alone)),
        _line(alone, "#a0191f"),
        _line(ours, "#0f5a8f"),
        _label(len(alone), alone[-1], f"limits per credential alone: {alone[-1]:,}", "#a0191f", -10),
        _label(len(ours), ours[-1], f"credential, account and cluster: {ours[-1]:,}", "#0f5a8f", 20),
        _mark(found_at, len(alone)),
        _budget(budget),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _x(hour: float, hours: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * hour / max(hours - 1, 1)


def _y(units: float) -> float:
    low, high = DECADES
    share = (math.log10(max(units, 10**low)) - low) / (high - low)
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(share, 1)


def _grid(hours: int) -> list[str]:
    lines = []
    for power in range(DECADES[0], DECADES[1] + 1):
        y = _y(10**power)
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d5dbe2"/>')
        lines.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#4a5766">{10**power:,}</text>'
        )
    for hour in range(0, hours, max(1, hours // 8)):
        x, y = _x(hour, hours), HEIGHT - BOTTOM + 20
        lines.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle" fill="#4a5766">{hour} h</text>')
    return lines


def _line(units: Sequence[int], colour: str) -> str:
    points = " ".join(f"{_x(hour, len(units)):.1f},{_y(value):.1f}" for hour, value in enumerate(units))
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>'


def _label(hours: int, units: int, words: str, colour: str, lower: int) -> str:
    return (
        f'<text x="{_x(hours - 1, hours) - 4:.1f}" y="{_y(units) + lower:.1f}" text-anchor="end" '
        f'font-weight="600" fill="{colour}">{words}</text>'
    )


def _mark(hour: int, hours: int) -> str:
    x = _x(hour, hours)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#4a5766" '
        'stroke-dasharray="4 4"/>'
        f'<text x="{x + 6:.1f}" y="{(TOP + HEIGHT - BOTTOM) / 2:.1f}" fill="#4a5766">found linked</text>'
    )


def _budget(units: int) -> str:
    y = _y(units)
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
        'stroke="#4a5766" stroke-dasharray="2 4"/>'
        f'<text x="{LEFT + 6}" y="{y - 6:.1f}" fill="#4a5766">budget of one account: {units}</text>'
    )
