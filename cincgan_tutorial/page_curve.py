"""A small curve for a page, as text: drawn without a script, in the colours of the page, with a mark to move."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import NamedTuple

# Size of the drawing, and left, top, right and bottom of the curve in it.
_WIDTH, _HEIGHT = 320, 140
_LEFT, _TOP, _RIGHT, _BOTTOM = 34.0, 22.0, 314.0, 116.0


class Curve(NamedTuple):
    """A number that changes from one end of a film to the other.

    Attributes:
        points: Where the curve goes, (x, y), x rising.
        frames: Which of the points each picture of the film is.
        parts: Where on x each part of the film begins, by its name.
        label: What y is, and its unit.
        lowest: What lies lower is drawn here, at the lower edge.
    """

    points: Sequence[tuple[float, float]]
    frames: Sequence[int]
    parts: Mapping[str, float]
    label: str
    lowest: float

    def places(self) -> list[tuple[float, float]]:
        """Return where in the drawing each picture of the film stands on the curve: to the right, and down."""
        return [(self._across(x), self._down(y)) for x, y in (self.points[frame] for frame in self.frames)]

    def svg(self) -> str:
        """Return the drawing; its mark, of class ``now``, stands at the first picture."""
        path = " ".join(f"{self._across(x):.1f},{self._down(y):.1f}" for x, y in self.points)
        dots = "".join(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in self.places())
        x, y = self.places()[0]
        return (
            f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
            f' aria-label="{html.escape(self.label)}, from one picture to the next">'
            f'{self._axes()}<polyline points="{path}" fill="none" stroke="#0d55b9"/>{dots}'
            f'<circle class="now" cx="{x:.1f}" cy="{y:.1f}" r="5"/></svg>'
        )

    def _highest(self) -> float:
        return max(y for _, y in self.points)

    def _across(self, x: float) -> float:
        first, last = self.points[0][0], self.points[-1][0]
        return _LEFT + (_RIGHT - _LEFT) * (x - first) / (last - first)

    def _down(self, y: float) -> float:
        high = self._highest()
        return _TOP + (_BOTTOM - _TOP) * (high - max(y, self.lowest)) / (high - self.lowest)

    def _axes(self) -> str:
        """Return the dashed line at 0, three numbers, and the parts with their names."""
        drawn = f'<text x="{_LEFT}" y="10">{html.escape(self.label)}</text>'
        drawn += f'<path class="axis" d="M{_LEFT} {self._down(0):.1f}H{_RIGHT}" stroke="gray" stroke-dasharray="4 3"/>'
        for value in (self.lowest, 0.0, self._highest()):
            shown = f"{value:+.1f}" if value else "0"
            drawn += f'<text x="{_LEFT - 4}" y="{self._down(value) + 3:.1f}" text-anchor="end">{shown}</text>'
        for name, begins in self.parts.items():
            x = self._across(begins)
            # A part at the very end has no room for its name on its right.
            at, anchor = (x + 3, "start") if x < 0.75 * _RIGHT else (_RIGHT, "end")
            drawn += f'<path class="axis" d="M{x:.1f} {_TOP}V{_BOTTOM}" stroke="gray"/>'
            drawn += f'<text x="{at:.1f}" y="{_BOTTOM + 13}" text-anchor="{anchor}">{html.escape(name)}</text>'
        return drawn
