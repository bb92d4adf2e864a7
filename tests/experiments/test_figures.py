"""Figures: the right pictures under the right titles, closed, and nothing of smoke."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from helpers import picture, random_images, save_picture, soft_image
from matplotlib.figure import Figure

from cincgan_tutorial import figures
from cincgan_tutorial.degradation import BICUBIC, SYNTHETIC_MILD, SYNTHETIC_WHITE, gaussian_kernel
from cincgan_tutorial.experiments import Recorded, Row, noisy
from cincgan_tutorial.figures import Box, Card, card
from cincgan_tutorial.images import to_pixels
from cincgan_tutorial.legible import label_points
from cincgan_tutorial.unpaired import Photograph, Photographs, bundled_photograph

SYSTEMS = ["bicubic", "SR alone", "G1 then SR", "CinCGAN"]
BOX = Box(8, 16, 24, 32)
ROWS = [
    Row("bicubic", {"a": 20.0, "b": 22.0}, {"a": 0.5, "b": 0.6}),
    Row("CinCGAN", {"a": 21.5, "b": 24.5}, {"a": 0.7, "b": 0.6}),
]


@pytest.fixture
def photograph():
    return Photograph("one", picture(61, 78, 201))


def panels(figure: Figure) -> list:
    """The axes that show something."""
    assert isinstance(figure, Figure)
    assert plt.get_fignums() == [], "the figure is still open and would be shown twice"
    return [axes for axes in figure.axes if axes.images or axes.lines or axes.patches]


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in panels(figure)]


def pixels(axes) -> np.ndarray:
    (image,) = axes.images
    return np.asarray(image.get_array())


def test_a_box_cuts_the_same_place_at_either_size():
    z = random_images(1, 40, 60)
    assert torch.equal(BOX.cut(z), z[..., 8:32, 16:48])
    assert torch.equal(BOX.cut(z[..., ::4, ::4], 4), z[..., ::4, ::4][..., 2:8, 4:12])
    assert torch.equal(BOX.cut(z[0]), z[0, :, 8:32, 16:48])


def test_the_running_example_lies_inside_its_photograph():
    height, width = bundled_photograph(figures.EXAMPLE).pixels.shape[:2]
    box = figures.EXAMPLE_BOX
    assert all(side % 4 == 0 for side in box)
    assert (box.top + box.height <= height, box.left + box.width <= width) == (True, True)


def test_show_has_a_panel_for_each_image_with_its_own_pixels():
    images = {"a": soft_image(8, 12, 1), "two\nlines": soft_image(8, 12, 2)[0], "c": soft_image(20, 9, 3)}
    figure = figures.show(images, columns=2)
    assert titles(figure) == list(images)
    assert len(figure.axes) == 4
    for axes, image in zip(panels(figure), images.values(), strict=True):
        assert np.array_equal(pixels(axes), to_pixels(image.reshape(3, *image.shape[-2:])))
        assert axes.images[0].get_interpolation() == "nearest"
    assert not figure.axes[3].axison


@pytest.mark.parametrize(
    ("labels", "width", "panel", "points"),
    [
        (["x"], 4.0, 2.0, 9.0),  # hardly reduced on a phone
        (["x"], 10.0, 2.0, 17.0),  # as large as the reduction asks for
        (["x", "so long\nas it may be at all"], 10.0, 2.0, 72 * 2 / (0.62 * 19)),  # no wider than its panel
        (["$\\mathcal{L}$" * 2], 10.0, 2.0, 17.0),  # no letter of a command is drawn
        (["a label that never fits, however small"], 10.0, 1.0, 9.0),
        ([""], 4.0, 2.0, 9.0),
    ],
)
def test_labels_are_legible_on_a_phone_where_they_fit(labels, width, panel, points):
    assert label_points(labels, width, panel) == pytest.approx(points)


def test_labels_of_a_wide_figure_are_larger():
    sizes = [
        {axes.title.get_fontsize() for axes in panels(figures.show({"a": soft_image(6, 6, 1)} | more))}
        for more in ({}, {"b": soft_image(6, 6, 2), "c": soft_image(6, 6, 3)})
    ]
    assert max(sizes[0]) < min(sizes[1])


@pytest.mark.parametrize("count", [1, 4, 5])
def test_show_fills_rows_of_the_given_length(count):
    figure = figures.show({str(i): soft_image(6, 6, i) for i in range(count)}, columns=4)
    assert len(panels(figure)) == count
    assert len(figure.axes) == (count if count <= 4 else 8)


def test_kernels_are_marked_at_their_origin():
    given = {"round": gaussian_kernel((1, 1)), "shifted": gaussian_kernel((1, 1), 0, (2, 0))}
    figure = figures.kernels(given)
    assert titles(figure) == ["round", "shifted"]
    for axes, k in zip(panels(figure), given.values(), strict=True):
        assert np.array_equal(pixels(axes), k.numpy())
        assert axes.lines[0].get_xydata().tolist() == [[10, 10]]


@pytest.mark.parametrize("degradation", [SYNTHETIC_MILD, SYNTHETIC_WHITE, BICUBIC], ids=lambda d: d.name)
def test_degradation_steps_go_from_z_to_x(photograph, degradation):
    figure = figures.degradation_steps(photograph, degradation, BOX)
    names = titles(figure)
    assert (names[0], names[-1], len(names)) == ("$z$", "$x$", 5)
    shown = panels(figure)
    assert np.array_equal(pixels(shown[0]), photograph.pixels[8:32, 16:48])
    assert [pixels(axes).shape for axes in shown] == [(24, 32, 3)] * 2 + [(6, 8, 3)] * 3
    if degradation is BICUBIC:
        assert np.array_equal(pixels(shown[0]), pixels(shown[1]))
        assert np.array_equal(pixels(shown[2]), pixels(shown[4]))
        assert np.ptp(pixels(shown[3])) == 0
    else:
        assert np.ptp(pixels(shown[3])) > 0


def test_degradation_steps_depend_on_the_seed(photograph):
    first, again, other = (
        pixels(panels(figures.degradation_steps(photograph, SYNTHETIC_MILD, BOX, seed))[-1]) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_split_says_who_is_where():
    given = [Photograph(name, picture(20, 24, i)) for i, name in enumerate("abcd")]
    figure = figures.split(Photographs("mine", (given[0],), (given[1], given[2]), (given[3],)), columns=3)
    assert titles(figure) == ["a\nX", "b\nY, Z", "c\nY, Z", "d\nheld out"]


def test_the_example_is_an_unshifted_pair_of_the_running_photograph():
    x, z = figures.example()
    expected = noisy(bundled_photograph(figures.EXAMPLE), SYNTHETIC_MILD.without_shift())
    assert torch.equal(x, expected[0])
    assert torch.equal(z, expected[1])


def test_scores_show_gains_in_psnr_and_values_in_ssim():
    for measure, bars, dots in (
        ("psnr", [0, 2.0], [[0, 0], [1.5, 2.5]]),
        ("ssim", [0.55, 0.65], [[0.5, 0.6], [0.7, 0.6]]),
    ):
        (axes,) = panels(figures.scores(ROWS, measure))
        assert [bar.get_width() for bar in axes.patches] == pytest.approx(bars)
        for line, expected in zip(axes.lines, dots, strict=False):
            assert list(line.get_xdata()) == pytest.approx(expected)
        assert [label.get_text() for label in axes.get_yticklabels()] == ["bicubic", "CinCGAN"]
    assert "gain over bicubic" in panels(figures.scores(ROWS))[0].get_xlabel()


def test_curves_draw_the_logged_points_of_their_stage():
    log = [
        {"stage": "pretrain", "step": 2, "SR": 0.5},
        {"stage": "first", "step": 2, "D1": 1.0},
        {"stage": "first", "step": 4, "D1": 0.75, "LR cycle": 0.25},
        {"stage": "joint", "step": 2, "D1": 0.5, "D2": 9.0},
    ]
    names = {"pretrain": ["SR"], "first: D1 and cycle": ["D1", "LR cycle"], "joint: judges": ["D1", "D2"]}
    figure = figures.curves(log, names, columns=2)
    assert titles(figure) == list(names)
    drawn = [[(line.get_label(), line.get_xydata().tolist()) for line in axes.lines] for axes in panels(figure)]
    assert drawn == [
        [("SR", [[2, 0.5]])],
        [("D1", [[2, 1.0], [4, 0.75]]), ("LR cycle", [[4, 0.25]])],
        [("D1", [[2, 0.5]]), ("D2", [[2, 9.0]])],
    ]
    assert len(figure.axes) == 4
    assert not figure.axes[3].axison


def test_curves_draw_the_log_of_a_run(finished_run):
    figure = figures.curves(finished_run.log, {"pretrain": ["SR"], "joint": ["HR cycle"]})
    expected = [[line["step"], line["SR"]] for line in finished_run.log if line["stage"] == "pretrain"]
    assert panels(figure)[0].lines[0].get_xydata().tolist() == expected
    assert panels(figure)[1].lines


def test_names_of_curves_stand_above_all_points():
    log = [{"stage": "first", "step": step, "a": 1.0, "b": 0.2, "c": 0.5 + 0.5 * (step % 2)} for step in range(20)]
    drawn = figures.curves(log, {"first: all": ["a", "b", "c"]}, columns=1)
    drawn.draw_without_rendering()
    (axes,) = drawn.axes
    lowest = axes.get_legend().get_window_extent().y0
    highest = max(axes.transData.transform(line.get_xydata())[:, 1].max() for line in axes.get_lines())
    assert highest < lowest


def test_a_dashed_line_does_not_cross_a_number():
    (axes,) = figures.bars({"a": 20.0, "b": 25.7}, "PSNR (dB)", reference=25.8).axes
    assert {text.get_bbox_patch().get_facecolor() for text in axes.texts} == {(1.0, 1.0, 1.0, 1.0)}
    assert min(text.get_zorder() for text in axes.texts) > max(line.get_zorder() for line in axes.lines)


def test_training_curves_show_all_three_stages(finished_run):
    figure = figures.training_curves(finished_run.log)
    assert len(panels(figure)) == 6
    assert all(axes.lines for axes in figure.axes), "a panel without a curve"
    assert {title.split(":")[0] for title in titles(figure)} == {"pretrain", "first", "joint"}


def study_of(folder, measures):
    variants = {"all terms": {"psnr": {"a": 20.0, "b": 24.0}}, "no cycle": {"psnr": {"a": 18.0, "b": 19.0}}}
    data = {"measures": measures, "variants": variants, "untouched": {"a": 17.0, "b": 20.0}}
    return Recorded("mine", folder, {}, data)


@pytest.mark.parametrize(("measures", "label"), [("lr", "LR PSNR (dB)"), ("hr", "PSNR (dB)")])
def test_study_bars_are_means_beside_the_untouched_input(tmp_path, measures, label):
    (axes,) = panels(figures.study_bars(study_of(tmp_path, measures)))
    assert [bar.get_width() for bar in axes.patches] == [22.0, 18.5]
    assert list(axes.lines[0].get_xdata()) == [18.5, 18.5]
    assert axes.get_xlabel() == label


def test_a_gallery_shows_the_recorded_picture_of_each_variant_after_the_extras(tmp_path):
    recorded = {name: picture(8, 8, seed) for seed, name in enumerate(("all-terms", "no-cycle"))}
    for name, shown in recorded.items():
        save_picture(tmp_path / f"{name}.png", shown)
    figure = figures.gallery(study_of(tmp_path, "lr"), {"$x$": soft_image(8, 8, 5)})
    assert titles(figure) == ["$x$", "all terms", "no cycle"]
    for axes, expected in zip(panels(figure)[1:], recorded.values(), strict=True):
        assert np.array_equal(pixels(axes), expected)


@pytest.mark.parametrize("values", [{"a": 1.5, "b": -2.0}, {"only": 3.0}, {"zero": 0.0}, {"same": 2.0, "as": 2.0}])
def test_bars_have_the_given_lengths(values):
    (axes,) = panels(figures.bars(values, "dB", reference=1.0, digits=1))
    assert [bar.get_width() for bar in axes.patches] == list(values.values())
    assert [text.get_text() for text in axes.texts] == [f"{value:.1f}" for value in values.values()]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(values)
    assert list(axes.lines[0].get_xdata()) == [1.0, 1.0]
    low, high = axes.get_xlim()
    assert low < min(values.values()) <= max(values.values()) < high
    assert axes.get_xlabel() == "dB"


def test_bars_need_no_reference():
    assert not panels(figures.bars({"a": 1.0}, "dB"))[0].lines


def test_influence_maps_are_logarithmic_and_empty_where_there_is_none():
    influence = torch.zeros(5, 5)
    influence[2, 2], influence[2, 3] = 10, 0.1
    figure = figures.influence_maps({"D1": influence, "D2": influence + 1})
    assert titles(figure) == ["D1", "D2"]
    shown = pixels(panels(figure)[0])
    assert shown[2, 2] == 0
    assert shown[2, 3] == pytest.approx(math.log10(0.01))
    assert np.isnan(np.ma.filled(shown, np.nan)[0, 0])


def test_score_maps_share_one_scale():
    figure = figures.score_map({"real": torch.full((1, 1, 3, 4), 0.9), "fake": torch.zeros(1, 1, 3, 4)})
    maps = panels(figure)[:2]
    assert [axes.get_title() for axes in maps] == ["real", "fake"]
    assert [axes.images[0].get_clim() for axes in maps] == [(0, 1), (0, 1)]
    assert pixels(maps[0]).shape == (3, 4)
    assert len(figure.axes) == 3


def test_a_card_of_networks_tells_their_history(trained):
    line = repr(card(trained))
    assert line.startswith("Provenance: preset=lesson, photographs=some photographs, seed=0, a CPU, 2 threads, ")
    assert "2026-02-03, commit 0123456789." in line
    assert line.endswith("python -m cincgan_tutorial train --run <here>")


def test_a_card_of_a_result_is_its_caption(tmp_path, trained):
    facts = trained.facts | {"preset": "colab"}
    result = Recorded("comparison", tmp_path, facts, {})
    assert repr(card(result)) == result.caption()
    assert "result=comparison, preset=colab" in result.caption()


def test_a_card_is_folded_html_without_markup_of_its_line():
    assert "<summary>Where a &lt; b comes from</summary>" in Card("x", "a < b")._repr_html_()
    page = Card("Provenance: <b>&")._repr_html_()
    assert page.startswith('<details class="provenance"><summary>')
    assert page.endswith("<p>Provenance: &lt;b&gt;&amp;</p></details>")


def test_nothing_of_smoke_is_shown(smoke_trained, photograph):
    for call in (
        lambda: card(smoke_trained),
        lambda: figures.refuse_smoke("smoke"),
    ):
        with pytest.raises(ValueError, match="trained at smoke"):
            call()
    assert figures.refuse_smoke("lesson") is None
