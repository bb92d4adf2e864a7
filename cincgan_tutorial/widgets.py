"""Things to touch in a live notebook; the same calls give pictures that need no kernel on a page (`page_views`).

A view is drawn to PNG and put into an `ipywidgets.Image`, which ipywidgets 7 and 8 both have. No ``interact``: its
output area makes a headless run wait now and then until the cell times out.
"""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from .architectures import sight
from .comparison_figures import restored, shown
from .degradation import DEGRADATIONS, Degradation, bicubic_downsample, blur, correlate, gaussian_kernel, white_noise
from .experiments import STAGES, Recorded, frames_of, noisy, systems
from .figures import EXAMPLE_BOX, Box, example, judged_places, moment, refuse_smoke, show
from .front_end import attended
from .images import Images, to_pixels
from .page_curve import Curve
from .page_views import Comparison, Film, Judged, Sights, Steps
from .seeds import torch_generator
from .unpaired import Photograph
from .weights import Trained

# What a small crop is enlarged by, pixel by pixel, where nothing else does it.
_ZOOM = 3


def degraded(
    photograph: Photograph,
    box: Box = EXAMPLE_BOX,
    sigma_1: float = 1.9,
    sigma_2: float = 1.2,
    angle: float = 0.5,
    down: float = 0.0,
    right: float = 0.0,
    noise: float = 8.0,
    correlated: bool = True,
) -> Figure:
    """Show one crop blurred, shifted, reduced and soiled as told; HR pixels for sigma and shift, 1/255 for noise."""
    z = photograph.cropped(4).image
    k = gaussian_kernel((sigma_1, sigma_2), angle, (down, right))
    reduced = bicubic_downsample(blur(z, k))
    n = white_noise(reduced, noise, math.inf, torch_generator(0))
    x = reduced + (correlate(n) if correlated else n)
    return show(
        {
            "$z$": box.cut(z),
            "$k$": 1 - (k / k.max())[None].expand(3, -1, -1),
            "$(z \\otimes k)\\downarrow_4$": box.cut(reduced, 4),
            "$x$": box.cut(x, 4),
        }
    )


def explore_degradation(photograph: Photograph, box: Box = EXAMPLE_BOX) -> Any:
    """Let the reader turn blur, shift and noise; on a page, step from the scene to x.

    Returns:
        A widget in a live notebook, else steps for a page.
    """
    if not attended():
        return _steps(photograph, box)
    import ipywidgets

    def slider(start: float, low: float, high: float, name: str) -> Any:
        return ipywidgets.FloatSlider(start, min=low, max=high, step=0.1, description=name, continuous_update=False)

    controls = {
        "sigma_1": slider(1.9, 0.3, 4, "blur, long"),
        "sigma_2": slider(1.2, 0.3, 4, "blur, short"),
        "angle": slider(0.5, 0, math.pi, "angle"),
        "down": slider(0, -4, 4, "shift down"),
        "right": slider(0, -4, 4, "shift right"),
        "noise": slider(8, 0, 30, "noise / 255"),
        "correlated": ipywidgets.Checkbox(True, description="correlated noise"),
    }
    return _view(controls, lambda **settings: _png(degraded(photograph, box, **settings)))


def _steps(photograph: Photograph, box: Box) -> Steps:
    """Take one crop from z to x, one part of the degradation at a time."""
    z = photograph.cropped(4).image
    blurred, moved = (blur(z, gaussian_kernel((2.8, 1.0), 0.5, shift)) for shift in ((0.0, 0.0), (4.0, 4.0)))
    reduced = bicubic_downsample(moved)
    x = reduced + correlate(white_noise(reduced, 12.0, math.inf, torch_generator(0)))
    stages = {
        "z, the scene": box.cut(z),
        "blurred": box.cut(blurred),
        "blurred and shifted": box.cut(moved),
        "then reduced by four": box.cut(reduced, 4),
        "then with noise: x": box.cut(x, 4),
    }
    return Steps(stages, "A crop of the photograph")


def before_after(trained: Trained, photograph: Photograph, degradation: Degradation, box: Box | None = None) -> Any:
    """Let the reader draw a line across the photograph: one system on its left, another on its right.

    Returns:
        A widget in a live notebook; on a page, the same for one crop, of any two of x, all systems and the truth.

    Raises:
        ValueError: The networks were trained at smoke.
    """
    refuse_smoke(trained.preset.name)
    if box is None and not attended():
        box = EXAMPLE_BOX
    x, z = noisy(photograph, degradation, trained.preset.scale)
    pictures: dict[str, Images] = {name: system(x) for name, system in systems(trained).items()} | {"truth": z}
    if box is not None:
        x, pictures = box.cut(x, trained.preset.scale), {name: box.cut(image) for name, image in pictures.items()}
    return _beside_each_other(x, pictures, "bicubic", "CinCGAN")


def look_closer(result: Recorded, chosen: Sequence[str], left: str, right: str) -> Any:
    """Let the reader do as in `before_after` with the running example, as systems of a recorded comparison restore it.

    So systems can be seen that this machine can't run, such as BM3D.

    Args:
        result: Of the study `table` or `ablations`.
        chosen: Keys of the systems; those that may not be shown are left out.
        left: Key of the system on the left of the line at first, one of ``chosen``.
        right: The same on its right.

    Raises:
        ValueError: ``left`` or ``right`` is not chosen, or may not be shown.
    """
    may_be_shown = [line["key"] for line in shown(result) if line["key"] in chosen]
    for key in (left, right):
        if key not in may_be_shown:
            raise ValueError(f"{key!r} can't lie beside the line; give one of {', '.join(may_be_shown)}.")
    x, z = example(DEGRADATIONS[result.data["degradation"]].without_shift())
    pictures = {name: image[None] for name, image in restored(result, chosen).items()} | {"truth": EXAMPLE_BOX.cut(z)}
    (at_left,), (at_right,) = restored(result, [left]), restored(result, [right])
    if attended():  # A page enlarges pictures by itself.
        pictures = {
            name: image.repeat_interleave(_ZOOM, -1).repeat_interleave(_ZOOM, -2) for name, image in pictures.items()
        }
    return _beside_each_other(EXAMPLE_BOX.cut(x, z.shape[-1] // x.shape[-1]), pictures, at_left, at_right)


def _beside_each_other(x: Images, pictures: Mapping[str, Images], left: str, right: str) -> Any:
    """Lay x, every system's result and the truth on each other; in a live notebook x, which is smaller, stays out."""
    if not attended():
        return Comparison({"x": x, **pictures}, "A crop of the photograph", left=left, right=right)
    import ipywidgets

    names = list(pictures)
    controls = {
        "left": ipywidgets.Dropdown(options=names, value=left, description="left"),
        "right": ipywidgets.Dropdown(options=names, value=right, description="right"),
        "place": ipywidgets.FloatSlider(0.5, min=0, max=1, step=0.01, description="line"),
    }
    return _view(controls, lambda left, right, place: _png(divided(pictures[left], pictures[right], place)))


def follow_judges(judges: Mapping[str, tuple[nn.Module, Tensor]], of: str) -> Any:
    """Let the reader point at a place and see what each judge looks at there, and which score of its map says so.

    Sizes and strides are measured in the networks, see `architectures.sight`.

    Args:
        judges: Each network with the picture that it looks at, (1, 3, h, w) or (3, h, w), by what it is.
        of: The thing that all pictures show.

    Returns:
        A widget in a live notebook; on a page, pictures that follow the pointer.
    """
    judged = {label: _judged(network, image) for label, (network, image) in judges.items()}
    if not attended():
        return Sights(judged, of)
    import ipywidgets

    controls = {
        name: ipywidgets.FloatSlider(0.5, min=0, max=1, step=0.01, description=name) for name in ("down", "across")
    }
    return _view(controls, lambda down, across: _png(judged_places(judged, down, across)))


def watch_training(result: Recorded) -> Any:
    """Let the reader go through a recorded run, picture by picture, with the score of each (`experiments.frames_of`).

    The curve is the gain over bicubic on the photograph that is shown. What lies more than half a decibel below
    bicubic, as untrained networks do, is drawn at the lower edge.

    Returns:
        A widget in a live notebook; on a page, steps with a curve.
    """
    frames = frames_of(result)
    pictures = {number: frame.image for number, frame in enumerate(frames) if frame.image is not None}
    captions = {number: f"{frames[number].label}: {frames[number].gain:+.2f} dB" for number in pictures}
    points = [(frame.at, frame.gain) for frame in frames]
    if not attended():
        ends = {frame.stage: frame.at for frame in frames}
        begins = {STAGES[stage]: begun for stage, begun in zip(ends, (0, *ends.values()), strict=False)}
        curve = Curve(points, list(pictures), begins, "gain over bicubic on this photograph (dB)", lowest=-0.5)
        return Film({captions[number]: image for number, image in pictures.items()}, "A crop of the photograph", curve)
    import ipywidgets

    options = [(captions[number], number) for number in pictures]
    control = ipywidgets.SelectionSlider(options=options, description="step", continuous_update=False)
    return _view({"step": control}, lambda step: _png(moment(pictures[step], points, step, captions[step])))


def _judged(network: nn.Module, image: Tensor) -> Judged:
    """Measure where the outputs of a judge look in a picture."""
    with torch.no_grad():
        rows, columns = copy.deepcopy(network).eval()(image.reshape(1, *image.shape[-3:])).shape[-2:]
    return Judged(image, *sight(network), (rows, columns))


def divided(left: Images, right: Images, place: float) -> Images:
    """Return one picture: ``left`` up to the share ``place`` of the width, then a white line, then ``right``."""
    column = round(place * (left.shape[-1] - 1))
    joined = torch.cat([left[..., :column], right[..., column:]], dim=-1).clone()
    joined[..., column : column + 1] = 1
    return joined


def _view(controls: dict[str, Any], draw: Callable[..., bytes]) -> Any:
    """Put controls above a picture that is drawn anew whenever one of them changes."""
    import ipywidgets

    def current() -> bytes:
        return draw(**{name: control.value for name, control in controls.items()})

    picture = ipywidgets.Image(value=current(), format="png")

    def redraw(_: Any) -> None:
        picture.value = current()

    for control in controls.values():
        control.observe(redraw, names="value")
    return ipywidgets.VBox([*controls.values(), picture])


def _png(picture: Figure | Images) -> bytes:
    """Return a figure or an image as the bytes of a PNG."""
    buffer = io.BytesIO()
    if isinstance(picture, Figure):
        picture.savefig(buffer, format="png", dpi=plt.rcParams["figure.dpi"])
    else:
        Image.fromarray(to_pixels(picture[0])).save(buffer, format="PNG")
    return buffer.getvalue()
