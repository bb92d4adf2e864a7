"""Widgets where a person is looking, the same views as plain pictures where nobody is."""

import ast
import dataclasses
import io
import math

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from helpers import LIBRARY, picture, random_images
from matplotlib.figure import Figure
from PIL import Image

from cincgan_tutorial import widgets
from cincgan_tutorial.architectures import Networks, PatchDiscriminator
from cincgan_tutorial.degradation import SYNTHETIC_MILD
from cincgan_tutorial.experiments import EXAMPLE_BOX, Recorded, example, noisy, recorded, systems
from cincgan_tutorial.figures import Box, judged_places, moment
from cincgan_tutorial.images import read_image, to_pixels, write_png
from cincgan_tutorial.page_views import Comparison, Film, Sights, Steps
from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.unpaired import Photograph

BOX = Box(8, 16, 24, 32)
DEGRADATION = SYNTHETIC_MILD.without_shift()
CONTROLS = ["blur, long", "blur, short", "angle", "shift down", "shift right", "noise / 255", "correlated noise"]


@pytest.fixture
def photograph():
    return Photograph("one", picture(61, 78, 201))


@pytest.fixture
def live(monkeypatch):
    """A person is looking."""
    monkeypatch.setattr(widgets, "attended", lambda: True)


def controls(view) -> dict:
    assert isinstance(view, ipywidgets.VBox)
    *given, shown = view.children
    assert isinstance(shown, ipywidgets.Image)
    return {control.description: control for control in given}


def shown(view) -> np.ndarray:
    with Image.open(io.BytesIO(view.children[-1].value)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def titles(figure) -> list[str]:
    assert isinstance(figure, Figure)
    assert plt.get_fignums() == []
    return [axes.get_title() for axes in figure.axes if axes.images]


def test_on_a_page_the_degradation_is_taken_in_steps(photograph):
    view = widgets.explore_degradation(photograph, BOX)
    assert isinstance(view, Steps)
    z, blurred, moved, reduced, x = view.images.values()
    assert torch.equal(z, BOX.cut(photograph.cropped(4).image))
    assert (blurred.shape, reduced.shape, x.shape) == (z.shape, (1, 3, 6, 8), (1, 3, 6, 8))
    assert all(not torch.equal(a, b) for a, b in ((z, blurred), (blurred, moved), (reduced, x)))
    # What is shifted by four pixels each way is found four pixels lower and further right.
    assert (moved[..., 4:, 4:] - blurred[..., :-4, :-4]).abs().mean() < 0.5 * (moved - blurred).abs().mean()


def test_on_a_page_all_systems_lie_on_each_other(trained, photograph):
    view = widgets.before_after(trained, photograph, DEGRADATION, BOX)
    assert isinstance(view, Comparison)
    assert list(view.images) == ["x", *systems(trained), "truth"]
    assert (view.left, view.right) == ("bicubic", "CinCGAN")
    x, z = noisy(photograph, DEGRADATION)
    assert torch.equal(view.images["x"], BOX.cut(x, 4))
    assert torch.equal(view.images["truth"], BOX.cut(z))
    assert torch.equal(view.images["CinCGAN"], BOX.cut(systems(trained)["CinCGAN"](x)))


def test_live_the_degradation_has_a_control_for_each_part(live, photograph):
    view = widgets.explore_degradation(photograph, BOX)
    assert list(controls(view)) == CONTROLS
    assert plt.get_fignums() == []


@pytest.mark.parametrize(("name", "value"), list(zip(CONTROLS, [3.0, 0.4, 2.0, 4.0, -4.0, 25.0, False], strict=True)))
def test_live_the_picture_follows_every_control(live, photograph, name, value):
    view = widgets.explore_degradation(photograph, BOX)
    before = shown(view)
    control = controls(view)[name]
    start = control.value
    control.value = value
    assert control.value == value, "outside the range of its slider"
    assert not np.array_equal(shown(view), before)
    control.value = start
    assert np.array_equal(shown(view), before), "the picture depends on more than its controls"


def test_live_a_line_divides_two_systems(live, trained, photograph):
    view = widgets.before_after(trained, photograph, DEGRADATION)
    given = controls(view)
    assert list(given) == ["left", "right", "line"]
    assert given["left"].options == given["right"].options == (*systems(trained), "truth")
    assert (given["left"].value, given["right"].value, given["line"].value) == ("bicubic", "CinCGAN", 0.5)
    x, z = noisy(photograph, DEGRADATION)
    pictures = {name: system(x) for name, system in systems(trained).items()} | {"truth": z}
    for left, right, place in (("bicubic", "CinCGAN", 0.5), ("SR alone", "truth", 0.5), ("truth", "G1 then SR", 0.25)):
        given["left"].value, given["right"].value, given["line"].value = left, right, place
        expected = to_pixels(widgets.divided(pictures[left], pictures[right], place)[0])
        assert np.array_equal(shown(view), expected)


TABLE = "lesson-table-val"
SEEN = ["bicubic", "edsr", "bm3d-tuned", "cincgan"]


def test_on_a_page_recorded_systems_lie_on_each_other_too():
    table = recorded(TABLE)
    view = widgets.look_closer(table, SEEN, "bm3d-tuned", "cincgan")
    assert isinstance(view, Comparison)
    named = [line["system"] for line in table.data["table"] if line["key"] in SEEN]
    assert list(view.images) == ["x", *named, "truth"]
    assert (view.left, view.right) == (named[2], named[3])
    for key, name in zip(SEEN, named, strict=True):
        assert torch.equal(view.images[name][0], read_image(table.folder / f"{key}.png"))
    x, z = example(SYNTHETIC_MILD)
    assert torch.equal(view.images["x"], EXAMPLE_BOX.cut(x, 4))
    assert torch.equal(view.images["truth"], EXAMPLE_BOX.cut(z))


def test_live_recorded_systems_are_enlarged_pixel_by_pixel(live):
    view = widgets.look_closer(recorded(TABLE), SEEN, "bm3d-tuned", "cincgan")
    given = controls(view)
    given["left"].value, given["right"].value, given["line"].value = "bicubic", "bicubic", 0.0
    once = to_pixels(read_image(recorded(TABLE).folder / "bicubic.png"))
    # The first column is the line.
    assert np.array_equal(shown(view)[:, 1:], once.repeat(3, 0).repeat(3, 1)[:, 1:])
    assert given["left"].options[-1] == "truth"


def test_a_system_beside_the_line_has_to_be_one_of_those_shown():
    with pytest.raises(ValueError, match="'cincgan' can't lie beside the line; give one of bicubic, edsr"):
        widgets.look_closer(recorded(TABLE), ["bicubic", "edsr"], "edsr", "cincgan")


def test_a_system_that_has_not_learnt_enough_does_not_lie_beside_the_line():
    table = recorded(TABLE)
    lines = [line | {"admitted": line["key"] != "edsr"} for line in table.data["table"]]
    poor = dataclasses.replace(table, data=table.data | {"table": lines})
    with pytest.raises(ValueError, match="'edsr' can't lie beside the line; give one of bicubic, cincgan"):
        widgets.look_closer(poor, ["bicubic", "edsr", "cincgan"], "edsr", "cincgan")


@pytest.fixture
def judges():
    """D1 on an LR patch and D2 on an HR patch."""
    nets = Networks.from_preset(PRESETS["smoke"])
    return {"D1": (nets.D1, random_images(1, 32, 32, 1)), "D2": (nets.D2, random_images(1, 128, 128, 2)[0])}


def test_on_a_page_what_judges_see_is_measured_in_them(judges):
    view = widgets.follow_judges(judges, "The face")
    assert isinstance(view, Sights)
    assert [tuple(judged[1:]) for judged in view.judges.values()] == [
        (16, 1, -5, (27, 27)),
        (70, 8, -23, (14, 14)),
    ]
    other = {"other": (PatchDiscriminator((2, 1), PRESETS["smoke"].discriminator), judges["D1"][1])}
    assert widgets.follow_judges(judges | other, "The face").judges["other"][1:] == (10, 2, -3, (15, 15))


def test_live_a_frame_follows_two_sliders(live, judges):
    view = widgets.follow_judges(judges, "The face")
    given = controls(view)
    assert list(given) == ["down", "across"]
    for control in given.values():
        before = shown(view)
        control.value = 0.1
        assert not np.array_equal(shown(view), before)


def test_live_frame_and_score_are_those_of_the_place(judges):
    judged = {label: widgets._judged(*given) for label, given in judges.items()}
    figure = judged_places(judged, 0.5, 1.0)
    assert titles(figure) == ["D1", "D2", "score 13, 26 of 27×27", "score 7, 13 of 14×14"]
    field = figure.axes[0].patches[0]
    assert (field.get_xy(), field.get_width(), field.get_height()) == ((20.5, 7.5), 16, 16)
    assert np.argwhere(figure.axes[2].images[0].get_array()).tolist() == [[13, 26]]


@pytest.fixture
def film(tmp_path):
    """A recorded run of four checkpoints, three of which have pictures."""
    rows = []
    scores = [("pretrain", 0, 10.0), ("pretrain", 5, 21.0), ("first", 4, 20.5), ("first", 8, 22.0)]
    for number, (stage, step, score) in enumerate(scores):
        rows.append({"stage": stage, "step": step, "psnr": {"face": score, "other": score + 1}})
        if number != 2:
            rows[-1]["picture"] = f"{number}.png"
            write_png(tmp_path / f"{number}.png", random_images(1, 8, 8, number)[0])
    data = {
        "shown": "face", "held_out": ["other"], "bicubic": {"face": 20.0, "other": 22.0},
        "steps": {"pretrain": 5, "first": 8, "joint": 0}, "checkpoints": rows,
    }  # fmt: skip
    return Recorded("frames", tmp_path, {"preset": "lesson"}, data)


def test_on_a_page_a_training_is_a_film(film):
    view = widgets.watch_training(film)
    assert isinstance(view, Film)
    assert list(view.images) == [
        "pre-training, step 0: -10.00 dB",
        "pre-training, step 5: +1.00 dB",
        "stage one, step 8: +2.00 dB",
    ]
    assert view.curve.points == [(0, -10.0), (5, 1.0), (9, 0.5), (13, 2.0)]
    assert (view.curve.frames, view.curve.parts) == ([0, 1, 3], {"pre-training": 0, "stage one": 5})
    for shown_image, number in zip(view.images.values(), (0, 1, 3), strict=True):
        assert torch.equal(shown_image, read_image(film.folder / f"{number}.png"))


def test_live_a_training_is_a_slider(live, film):
    view = widgets.watch_training(film)
    (control,) = controls(view).values()
    assert [text for text, _ in control.options][-1] == "stage one, step 8: +2.00 dB"
    seen = [shown(view)]
    for number in (1, 3):
        control.value = number
        seen.append(shown(view))
    assert not np.array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[1], seen[2])


def test_a_moment_marks_its_place_on_the_curve(film):
    points = [(0, -10.0), (5, 1.0), (9, 0.5)]
    figure = moment(random_images(1, 8, 8, 1)[0], points, 1, "now")
    curve, mark, zero = figure.axes[1].lines
    assert list(zip(*curve.get_data(), strict=True)) == points
    assert [list(values) for values in mark.get_data()] == [[5], [1.0]]
    assert set(zero.get_ydata()) == {0}
    assert titles(figure) == ["now"]


def test_live_a_box_is_cut_out(live, trained, photograph):
    assert shown(widgets.before_after(trained, photograph, DEGRADATION, BOX)).shape == (24, 32, 3)


@pytest.mark.parametrize("looking", [True, False])
def test_networks_of_smoke_are_refused(monkeypatch, smoke_trained, photograph, looking):
    monkeypatch.setattr(widgets, "attended", lambda: looking)
    with pytest.raises(ValueError, match="trained at smoke"):
        widgets.before_after(smoke_trained, photograph, DEGRADATION)


@pytest.mark.parametrize(("place", "column"), [(0.0, 0), (0.25, 5), (0.5, 10), (1.0, 20)])
def test_left_is_on_the_left_of_a_white_line_and_right_on_its_right(place, column):
    left, right = random_images(1, 6, 21, 1) * 0.9, random_images(1, 6, 21, 2) * 0.9
    joined = widgets.divided(left, right, place)
    assert joined.shape == left.shape
    assert torch.equal(joined[..., :column], left[..., :column])
    assert (joined[..., column] == 1).all()
    assert torch.equal(joined[..., column + 1 :], right[..., column + 1 :])
    assert left.max() < 1, "an input was written to"
    assert right.max() < 1


def test_degraded_shows_what_its_arguments_say(photograph):
    figure = widgets.degraded(photograph, BOX, noise=0, sigma_1=0.3, sigma_2=0.3)
    assert titles(figure) == ["$z$", "$k$", "$(z \\otimes k)\\downarrow_4$", "$x$"]
    crops = [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]
    assert np.array_equal(crops[0], photograph.pixels[8:32, 16:48])
    assert np.array_equal(crops[2], crops[3]), "noise of strength 0"
    assert crops[3].shape == (6, 8, 3)
    assert math.prod(crops[1].shape[:2]) == 21 * 21


def test_the_library_makes_no_use_of_interact():
    """Its output area makes a headless run wait until the cell times out."""
    for path in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [getattr(node, field, None) for field in ("id", "attr", "name")]
            found = {"interact", "interactive", "interact_manual", "interactive_output"} & set(map(str, names))
            assert not found, f"{path.name}, line {getattr(node, 'lineno', '?')}: {found}"
