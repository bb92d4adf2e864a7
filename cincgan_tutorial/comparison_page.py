"""A page that shows pictures before and after enlargement: one HTML file that needs no network and no other file."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from .enlargement import Box, cubic_enlarged
from .pictures import Picture

# A part of this size, enlarged by four, fills a screen: 320 x 240 pixels of the original.
_VIEW_HEIGHT, _VIEW_WIDTH = 240, 320
# Places that are tried for the part with the most detail, each way.
_PLACES = 5
_JPEG_QUALITY = 95


@dataclass(frozen=True)
class Pair:
    """One picture on the page.

    Attributes:
        name: What the file is called.
        size: Height and width of the original.
        box: The part that is shown, in pixels of the original.
        before: That part, enlarged by the cubic kernel, as the bytes of an image file.
        after: That part, enlarged by the networks, as the bytes of an image file.
    """

    name: str
    size: tuple[int, int]
    box: Box
    before: bytes = field(repr=False)
    after: bytes = field(repr=False)


def most_detailed(picture: Picture) -> Box:
    """Return the part to look at: the whole of a small picture, or where neighbouring pixels differ most."""
    height, width = (min(a, b) for a, b in zip(picture.size, (_VIEW_HEIGHT, _VIEW_WIDTH), strict=True))
    tops, lefts = (
        sorted({round((whole - part) * i / (_PLACES - 1)) for i in range(_PLACES)})
        for whole, part in zip(picture.size, (height, width), strict=True)
    )

    def detail(box: Box) -> float:
        green = picture.levels[box.top : box.top + height, box.left : box.left + width, -1 if picture.grey else 1]
        green = green.astype(np.float32)
        return float(np.abs(np.diff(green, axis=0)).sum() + np.abs(np.diff(green, axis=1)).sum())

    return max((Box(top, left, height, width) for top in tops for left in lefts), key=detail)


def pair(name: str, picture: Picture, box: Box, after: np.ndarray, scale: int) -> Pair:
    """Put the enlarged part, levels (h, w, channels), beside the same part as the cubic kernel enlarges it."""
    channels = [cubic_enlarged(channel, box, scale) for channel in np.moveaxis(picture.levels, 2, 0)]
    before = np.stack(channels, axis=2)
    return Pair(name, picture.size, box, *(_packed(levels, picture.icc_profile) for levels in (before, after)))


def _packed(levels: np.ndarray, icc_profile: bytes | None) -> bytes:
    """Pack levels as an image file for a browser: JPEG, or PNG where there is an alpha channel."""
    if levels.dtype == np.uint16:
        levels = (levels / 257).round().astype(np.uint8)
    image = Image.fromarray(levels.squeeze(2) if levels.shape[2] == 1 else levels)
    file = io.BytesIO()
    if levels.shape[2] in (2, 4):
        image.save(file, format="PNG", icc_profile=icc_profile)
    else:
        image.save(file, format="JPEG", quality=_JPEG_QUALITY, subsampling=0, icc_profile=icc_profile)
    return file.getvalue()


def comparison_page(pairs: Sequence[Pair], weights: str, scale: int = 4, *, self_ensemble: bool = False) -> str:
    """Return the page; the pictures are inside it. A self-ensemble is named as such.

    Without JavaScript both pictures stand one below the other; with it they lie on each other and a slider, which the
    keyboard moves too, uncovers one or the other.
    """
    figures = "".join(_figure(pair, scale) for pair in pairs)
    how = ", the mean of eight turned views" if self_ensemble else ""
    head = (
        f"<h1>Before and after</h1><p>Enlarged {scale} times by CinCGAN with the weights “{_text(weights)}”{how}."
        " <strong>Before</strong> is the original, enlarged by bicubic interpolation; <strong>after</strong> is the"
        " result of the networks. Fine detail is their guess.</p>"
        f"<p class=small>Shown here as JPEG of quality {_JPEG_QUALITY}, or as PNG where there is transparency; the"
        " files that were written are PNG.</p>"
    )
    body = f"<body><main>{head}{figures}</main>{_SCRIPT}</body>"
    return f"<!doctype html>\n<html lang=en><head>{_HEAD}</head>{body}</html>\n"


def _figure(pair: Pair, scale: int) -> str:
    name, (height, width), box = _text(pair.name), pair.size, pair.box
    whole = (box.height, box.width) == pair.size
    part = "the whole picture" if whole else f"the part at {box.left} right, {box.top} down"
    before, after = (_source(packed) for packed in (pair.before, pair.after))
    size = f"width={box.width * scale} height={box.height * scale}"
    return (
        f"<figure><figcaption><h2>{name}</h2><p class=small>{width} × {height} pixels became {width * scale} ×"
        f" {height * scale}; shown: {part}, {box.width} × {box.height} pixels of the original.</p></figcaption>"
        f"<div class=view><div class=stage>"
        f"<div class=before><img {size} src='{before}' alt='{name}, before: enlarged by bicubic interpolation'>"
        f"<span class=label aria-hidden=true>before</span></div>"
        f"<div class=after><img {size} src='{after}' alt='{name}, after: enlarged by the networks'>"
        f"<span class=label aria-hidden=true>after</span></div><div class=line></div></div>"
        f"<label class=slider><span>Line</span><input type=range min=0 max=100 value=50"
        f" aria-label='{name}: how much of the picture is shown as before, in per cent'></label>"
        f"</div></figure>"
    )


def _text(text: str) -> str:
    """Escape for HTML; bytes of a file name that are no text become question marks."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"), quote=True)


def _source(packed: bytes) -> str:
    kind = "png" if packed.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(packed).decode('ascii')}"


_HEAD = """
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<meta http-equiv=Content-Security-Policy
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Before and after: CinCGAN</title>
<link rel=icon href="data:,">
<style>
:root { color-scheme: light dark; --text: #1b1b1b; --back: #fcfcfa; --quiet: #55585c; --accent: #0b63a5 }
@media (prefers-color-scheme: dark) {
  :root { --text: #ececec; --back: #15171a; --quiet: #b3b7bc; --accent: #7cc0f5 }
}
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 80rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.6rem; line-height: 1.2 } h2 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere }
p { max-width: 45rem } .small { color: var(--quiet); font-size: .9rem; margin: .25rem 0 .5rem }
figure { margin: 2.5rem 0 0 }
.view { width: fit-content; max-width: 100% }
.stage { position: relative; width: fit-content; max-width: 100% }
.stage > div { position: relative } .after { margin-top: .5rem }
img { display: block; max-width: 100%; height: auto;
  background: repeating-conic-gradient(#999 0 25%, #666 0 50%) 0 0 / 16px 16px }
.label { position: absolute; top: .5rem; left: .5rem; padding: 0 .5rem; border-radius: .25rem;
  background: #000b; color: #fff; font-size: .85rem }
.slider, .line { display: none }
.js .stage { --at: 50%; cursor: ew-resize; touch-action: pan-y; user-select: none }
.js .after { position: absolute; inset: 0; margin: 0; clip-path: inset(0 0 0 var(--at)) }
.js .after .label { left: auto; right: .5rem }
.js .stage > .line { display: block; position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px;
  margin-left: -1px; background: #fff; box-shadow: 0 0 2px #000; pointer-events: none }
.js .slider { display: flex; align-items: center; gap: .75rem; margin-top: .5rem }
.slider input { flex: 1; min-width: 0; height: 2rem; accent-color: var(--accent) }
.slider input:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
</style>
"""

_SCRIPT = """
<script>
document.documentElement.classList.add("js");
for (const figure of document.querySelectorAll("figure")) {
  const stage = figure.querySelector(".stage"), slider = figure.querySelector("input");
  const show = () => stage.style.setProperty("--at", slider.value + "%");
  const follow = event => {
    const place = stage.getBoundingClientRect();
    slider.value = 100 * (event.clientX - place.left) / place.width;
    show();
  };
  slider.addEventListener("input", show);
  stage.addEventListener("pointerdown", event => { stage.setPointerCapture(event.pointerId); follow(event); });
  stage.addEventListener("pointermove", event => { if (event.buttons) follow(event); });
  stage.addEventListener("dragstart", event => event.preventDefault());
  show();
}
</script>
"""
