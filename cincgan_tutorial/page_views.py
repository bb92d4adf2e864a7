"""Pictures that a reader can touch on a page: no kernel, no network, and without JavaScript plain pictures.

Python writes figures with captions and nothing else. The book's own script lays them on each other: `Comparison` with a
line between two of them and a loupe that looks at all at one place, `Steps` with a slider from the first to the last.
Where the script is missing, as in print or in an exported notebook, the figures stand side by side.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping

from PIL import Image
from torch import Tensor

from .images import to_pixels


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
        return f'<div class="page-view {self.kind}"{data}>{figures}</div>'

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


def _source(image: Tensor) -> str:
    """Return an image as an address that holds the whole PNG."""
    file = io.BytesIO()
    Image.fromarray(to_pixels(image[0] if image.ndim == 4 else image)).save(file, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
