"""Pictures that a reader can touch on a page: no kernel, no network, and without JavaScript plain pictures.

Python writes figures with captions and nothing else. The book's own script lays them on each other: `Comparison` with a
line between two of them and a loupe that looks at all at one place, `Steps` with a slider from the first to the last,
`Film` with a curve below it. In `Sights` it moves a frame. Where the script is missing, as in print or in an exported
notebook, the figures stand side by side.
"""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Mapping
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from .images import to_pixels
from .page_curve import Curve


class _View:
    """Figures of equal proportions, by caption, in a block that the script of the book knows by its class."""

    kind = ""

    def __init__(self, images: Mapping[str, Tensor], of: str) -> None:
        """Take images (1, 3, h, w) or (3, h, w) in [0, 1] by what they show; ``of`` is the thing that all show."""
        if len(images) < 2:
            raise ValueError(f"expected two images or more to compare, got {len(images)}.")
        self.images, self.of = dict(images), of

    def __repr__(self) -> str:
        return f"{self.of}: {', '.join(self.images)}"

    def _repr_html_(self) -> str:
        figures = "".join(self._figure(label, image) for label, image in self.images.items())
        data = "".join(
            f' data-{name}="{html.escape(value)}"' for name, value in {"of": self.of, **self._first()}.items()
        )
        return f'<div class="page-view {self.kind}"{data}>{figures}{self._below()}</div>'

    def _below(self) -> str:
        """What stands below the figures, ready for a page."""
        return ""

    def _first(self) -> dict[str, str]:
        """What the script has to know besides the figures."""
        return {}

    def _figure(self, label: str, image: Tensor) -> str:
        text = html.escape(label)
        return (
            f'<figure><img src="{_source(image)}" width="160" alt="{html.escape(self.of)}: {text}">'
            f"<figcaption>{text}</figcaption></figure>"
        )


class Comparison(_View):
    """Two of several results on the two sides of a line, and all of them under a loupe."""

    kind = "comparison"

    def __init__(self, images: Mapping[str, Tensor], of: str, left: str, right: str) -> None:
        """Take images as above; ``left`` and ``right`` are the captions of those that the reader sees first."""
        super().__init__(images, of)
        for label in (left, right):
            if label not in images:
                raise ValueError(f"expected one of {', '.join(images)} beside the line, got {label!r}.")
        self.left, self.right = left, right

    def _first(self) -> dict[str, str]:
        return {"left": self.left, "right": self.right}


class Steps(_View):
    """One thing after the other, as a slider moves."""

    kind = "steps"


class Film(Steps):
    """One thing after the other as time goes by, and a curve on which a mark moves along."""

    kind = "steps film"

    def __init__(self, images: Mapping[str, Tensor], of: str, curve: Curve) -> None:
        """Take images and ``of`` as above, and what changes with them."""
        super().__init__(images, of)
        if len(curve.frames) != len(images):
            raise ValueError(
                f"expected a place on the curve for each of {len(images)} images, got {len(curve.frames)}."
            )
        self.curve = curve

    def _figure(self, label: str, image: Tensor) -> str:
        x, y = self.curve.places()[list(self.images).index(label)]
        return super()._figure(label, image).replace("<figure>", f'<figure data-x="{x:.1f}" data-y="{y:.1f}">', 1)

    def _below(self) -> str:
        return self.curve.svg()


class Judged(NamedTuple):
    """A picture that a judge looks at, and where its outputs look.

    Attributes:
        image: (1, 3, h, w) or (3, h, w) in [0, 1].
        size: Pixels that an output sees, each way.
        stride: Pixels from one output to the next.
        first: The first row and column that output 0 sees; negative where it sees padding.
        cells: Rows and columns of outputs.
    """

    image: Tensor
    size: int
    stride: int
    first: int
    cells: tuple[int, int]

    def cell_at(self, down: float, across: float) -> tuple[int, int]:
        """Return row and column of the output that looks nearest to a place, given in shares of height and width."""
        sides = zip((down, across), self.image.shape[-2:], self.cells, strict=True)
        nearest = [
            (math.floor((share * pixels - self.first - self.size / 2) / self.stride + 0.5), cells)
            for share, pixels, cells in sides
        ]
        row, column = (min(max(place, 0), cells - 1) for place, cells in nearest)
        return row, column

    def seen(self, cell: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the rows and columns, first and last, that an output sees; some may lie outside the picture."""
        first_row, first_column = (self.first + self.stride * place for place in cell)
        return (first_row, first_row + self.size - 1), (first_column, first_column + self.size - 1)


class Sights(_View):
    """What one output of each of several judges looks at, and where it stands in the judge's map."""

    kind = "sights"

    def __init__(self, judges: Mapping[str, Judged], of: str) -> None:
        """Take what each judge looks at by what it is; ``of`` is the thing that all pictures show."""
        super().__init__({label: judged.image for label, judged in judges.items()}, of)
        self.judges = dict(judges)

    def _figure(self, label: str, image: Tensor) -> str:
        judged, text = self.judges[label], html.escape(label)
        cell = judged.cell_at(0.5, 0.5)
        height, width = image.shape[-2:]
        rows, columns = judged.cells
        field = [(low, judged.size) for low, _ in judged.seen(cell)]
        numbers = {"size": judged.size, "stride": judged.stride, "first": judged.first, "rows": rows}
        numbers |= {"columns": columns, "height": height, "width": width}
        data = "".join(f' data-{name}="{value}"' for name, value in numbers.items())
        place = [(number, 1) for number in cell]
        return (
            f'<figure{data}><div class="stage"><img src="{_source(image)}" width="160"'
            f' alt="{html.escape(self.of)}, as {text} sees it">{_frame("field", field, (height, width))}</div>'
            f'<div class="map" role="img" aria-label="The map of scores of {text}, {rows} by {columns}" style='
            f'"--rows: {rows}; --columns: {columns}">{_frame("cell", place, judged.cells)}</div>'
            f'<figcaption><b>{text}</b><br><span class="said">{_said(judged, cell)}</span></figcaption></figure>'
        )


def _frame(name: str, spans: list[tuple[int, int]], whole: tuple[int, int]) -> str:
    """Return a frame around rows and columns, each given as first and number, in hundredths of the whole."""
    shares = [f"{100 * value / side:.4g}%" for span, side in zip(spans, whole, strict=True) for value in span]
    top, tall, left, wide = shares
    return f'<span class="{name}" style="top: {top}; height: {tall}; left: {left}; width: {wide}"></span>'


def _said(judged: Judged, cell: tuple[int, int]) -> str:
    """Say in words which output sees which pixels of the picture; the script of the book says the same."""
    sides = zip(judged.seen(cell), judged.image.shape[-2:], strict=True)
    (top, bottom), (left, right) = ((max(low, 0), min(high, pixels - 1)) for (low, high), pixels in sides)
    return (
        f"score {cell[0]}, {cell[1]} of {judged.cells[0]} × {judged.cells[1]} sees rows {top} to {bottom}, columns"
        f" {left} to {right}"
    )


def _source(image: Tensor) -> str:
    """Return an image as an address that holds the whole PNG."""
    file = io.BytesIO()
    Image.fromarray(to_pixels(image[0] if image.ndim == 4 else image)).save(file, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
