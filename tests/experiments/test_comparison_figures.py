"""Tables and figures of a comparison, from numbers that are made up here."""

import math

import numpy as np
import pytest
from helpers import picture
from matplotlib.text import Text

from cincgan_tutorial import comparison_figures, tables
from cincgan_tutorial.experiments import Recorded
from cincgan_tutorial.images import from_pixels, write_png

SWEPT = {"psnr": {"bicubic": [22.0, 21.0], "cincgan": [23.0, 22.5]}, "values": [1.0, 2.0]}


def line(key, system, psnr, paper="", admitted=True, sees_pairs=False, used=0):
    return {
        "key": key, "system": system, "psnr": psnr, "ssim": 0.5 + psnr / 100, "vif": 0.1, "paper": paper,
        "admitted": admitted, "sees_pairs": sees_pairs, "parameters": {"used": used, "trained": used},
        "clean_psnr": 24.0, "clean_bicubic": 25.0, "steps": {"first": 7, "joint": 3},
    }  # fmt: skip


@pytest.fixture
def result(tmp_path):
    table = [
        line("bicubic", "bicubic", 21.0, "bicubic"),
        line("fsrcnn", "FSRCNN(56,12,4)", 20.0, "FSRCNN", admitted=False, used=12_000),
        line("edsr-plus", "EDSR-8x32+", 24.0, "EDSR+", sees_pairs=True, used=200_000),
        line("cincgan", "CinCGAN", 22.5, "CinCGAN", used=300_000),
    ]
    for number, key in enumerate(("bicubic", "fsrcnn", "edsr-plus", "cincgan")):
        write_png(tmp_path / f"{key}.png", from_pixels(picture(16, 16, number)))
    runs = {
        row["key"]: {"psnr": {"a": row["psnr"], "b": 30.0}, "ssim": {"a": 0.5, "b": 0.6}, "vif": {"a": 0.1, "b": 0.2}}
        for row in table
    }
    runs["cincgan"]["vif"] = {"a": 0.12, "b": 0.25}
    data = {"table": table, "left_out": {"EDSR-32x256": "too large"}, "runs": {"0": runs}}
    return Recorded("mine", tmp_path, {}, data)


def test_the_table_has_the_paper_in_columns_of_its_own_and_says_what_is_missing(result):
    text = str(tables.of_comparison(result)).splitlines()
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in text if row.startswith("|")][2:]
    assert rows[0] == ["bicubic", "", "21.00", "+0.00", "0.710", "0.100", "22.85", "+0.00"]
    assert rows[1] == ["EDSR-8x32+", "x and z", "24.00", "+3.00", "0.740", "0.100", "25.77", "+2.92"]
    assert rows[2][:4] == ["CinCGAN", "", "22.50", "+1.50"]
    assert rows[2][-2:] == ["24.33", "+1.48"]
    assert ["*FSRCNN*", "", "–", "–", "–", "–", "22.79", "-0.06"] in rows, (
        "the paper's row stays where ours is not shown"
    )
    assert {row[0] for row in rows[3:]} == {"*FSRCNN*", "*EDSR*", "*SRGAN+*", "*BM3D+EDSR*"}
    assert text[-2:] == [
        "* FSRCNN(56,12,4) is not shown. It, or what it begins with, has not learnt enough: 24.00 dB on clean input,"
        " where bicubic has 25.00.",
        "* EDSR-32x256 is left out: too large.",
    ]


def test_variants_are_compared_with_the_whole(result):
    text = str(tables.of_ablations(result)).splitlines()
    assert text[0] == "| Variant | Steps | PSNR (dB) | change (dB) | SSIM | VIF |"
    assert (
        text[3]
        == "| EDSR-8x32+ | first\N{NO-BREAK SPACE}7, joint\N{NO-BREAK SPACE}3 | 24.00 | +0.75 ± 0.75 | 0.740 | 0.100 |"
    )
    assert text[4] == "| CinCGAN | first\N{NO-BREAK SPACE}7, joint\N{NO-BREAK SPACE}3 | 22.50 | – | 0.725 | 0.100 |"
    assert not any("bicubic" in line for line in text)


def test_places_stand_side_by_side_and_what_was_not_admitted_is_a_dash(result):
    assert str(tables.of_places({"here": result, "there": result})).splitlines() == [
        "| Gain over bicubic (dB) | Pairs | here | there |",
        "| :-- | :-- | --: | --: |",
        "| FSRCNN(56,12,4) |  | – | – |",
        "| EDSR-8x32+ | x and z | +3.00 | +3.00 |",
        "| CinCGAN |  | +1.50 | +1.50 |",
        "| *bicubic, dB* |  | *21.00* | *21.00* |",
    ]


def test_rivals_are_compared_photograph_by_photograph(result):
    assert str(tables.of_rivals(result, "cincgan", ["bicubic", "edsr-plus"])).splitlines() == [
        "* **CinCGAN** against bicubic: +0.75 dB (standard error 0.75), not established; better on 1 of 2 photographs.",
        "* **CinCGAN** against EDSR-8x32+: -0.75 dB (standard error 0.75), not established; better on 0 of 2"
        " photographs.",
    ]
    assert str(tables.of_rivals(result, "cincgan", ["bicubic"], "vif")) == (
        "* **CinCGAN** against bicubic: +0.035 in VIF (standard error 0.015), a gain; better on 2 of 2 photographs."
    )


def test_two_scores_are_drawn_with_a_numbered_point_for_each_system_that_is_shown(result):
    figure = comparison_figures.score_against_score(result, [("psnr", "ssim"), ("psnr", "vif")])
    assert [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes] == [
        ("PSNR (dB)", "SSIM"), ("PSNR (dB)", "VIF"),
    ]  # fmt: skip
    first = figure.axes[0]
    assert [tuple(np.ravel(mark.get_xydata())) for mark in first.lines] == [
        pytest.approx((21.0, 0.71)), pytest.approx((24.0, 0.74)), pytest.approx((22.5, 0.725)),
    ]  # fmt: skip
    assert [text.get_text() for text in first.texts] == ["1", "2", "3"]
    (key,) = figure.legends
    assert [text.get_text() for text in key.get_texts()] == ["1  bicubic", "2  EDSR-8x32+ (saw pairs)", "3  CinCGAN"]
    assert [mark.get_markerfacecolor() == "white" for mark in first.lines] == [False, True, False]
    (axes,) = comparison_figures.score_against_score(result, [("psnr", "ssim")], without=["edsr-plus"]).axes
    assert [mark.get_label() for mark in axes.lines] == ["1  bicubic", "2  CinCGAN"]


def test_cost_is_drawn_over_bicubic_which_has_no_weights(result):
    (axes,) = comparison_figures.cost(result).axes
    points = [tuple(np.ravel(mark.get_xydata())) for mark in axes.lines[:-1]]
    assert points == [(200_000, 3.0), (300_000, 1.5)]
    assert axes.get_xscale() == "log"
    assert len(comparison_figures.cost(result, without=["cincgan"]).axes[0].lines) == 2
    assert list(axes.lines[-1].get_ydata()) == [0, 0]


def test_sweeps_have_a_panel_each_and_quality_falls_to_the_right(tmp_path):
    data = {"sweeps": {"blur": SWEPT, "jpeg": SWEPT}, "systems": {"bicubic": "bicubic", "cincgan": "CinCGAN"}}
    figure = comparison_figures.sweeps(Recorded("mine", tmp_path, {}, data), ["cincgan", "bicubic"])
    blur, jpeg, spare = figure.axes
    level, *lines = blur.lines
    assert list(level.get_ydata()) == [0, 0]
    assert [list(drawn.get_ydata()) for drawn in lines] == [[1.0, 1.5], [0.0, 0.0]]
    assert [drawn.get_label() for drawn in lines] == ["CinCGAN", "bicubic"]
    assert not blur.xaxis_inverted()
    assert jpeg.xaxis_inverted()
    assert not spare.get_visible()


def test_spending_has_a_point_for_each_training_and_none_for_what_had_not_learnt(tmp_path):
    points = [
        {
            "budget_seconds": seconds,
            "table": [
                line("bicubic", "bicubic", 20.0),
                line("edsr", "EDSR", psnr, admitted=learnt),
                line("pairs", "PAIRS", psnr + 1, sees_pairs=True),
            ],
        }
        for seconds, psnr, learnt in ((97.3217, 19.0, False), (194.643, 20.5, True), (400, 21.0, True))
    ]
    figure = comparison_figures.spending(Recorded("mine", tmp_path, {}, {"points": points}), ["edsr", "pairs"])
    (axes,) = figure.axes
    level, edsr, pairs = axes.lines
    assert list(level.get_ydata()) == [0, 0]
    assert list(edsr.get_xdata()) == [97.3217, 194.643, 400]
    assert math.isnan(edsr.get_ydata()[0])
    assert list(edsr.get_ydata()[1:]) == [0.5, 1.0]
    assert list(pairs.get_ydata()) == [0.0, 1.5, 2.0]
    assert (edsr.get_label(), pairs.get_label()) == ("EDSR", "PAIRS (saw pairs)")
    assert pairs.get_markerfacecolor() == "white" != edsr.get_markerfacecolor()
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["97.3", "195", "400"]


def test_spending_says_which_system_was_not_run(tmp_path):
    bicubic, denoised = line("bicubic", "bicubic", 20.0), line("bm3d", "BM3D", 21.0)
    points = [{"budget_seconds": 50, "table": [bicubic]}, {"budget_seconds": 100, "table": [bicubic, denoised]}]
    with pytest.raises(ValueError, match=r"not run: bm3d\. There are bicubic\."):
        comparison_figures.spending(Recorded("mine", tmp_path, {}, {"points": points}), ["bicubic", "bm3d"])


def test_the_gallery_shows_what_was_admitted(result):
    titles = [axes.get_title() for axes in comparison_figures.gallery(result).axes if axes.has_data()]
    assert titles == ["bicubic", "EDSR-8x32+", "CinCGAN"]
    chosen = comparison_figures.gallery(result, ["cincgan", "fsrcnn"])
    assert [axes.get_title() for axes in chosen.axes if axes.has_data()] == ["CinCGAN"]


@pytest.mark.parametrize("draw", ["scores", "cost"])
def test_numbers_hide_neither_points_nor_each_other(tmp_path, draw):
    crowd = [line(f"k{i}", f"system {i}", 22.0 + 0.002 * i, used=200_000 + i) for i in range(11)]
    table = [line("bicubic", "bicubic", 21.0), *crowd, line("cincgan", "CinCGAN", 24.0, used=300_000)]
    many = Recorded("mine", tmp_path, {}, {"table": table})
    if draw == "scores":
        figure = comparison_figures.score_against_score(many, [("psnr", "ssim")])
    else:
        figure = comparison_figures.cost(many)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    numbers = [text for text in axes.texts if text.get_text().isdigit()]
    assert [text.get_text() for text in numbers] == [str(n + 1) for n in range(12 if draw == "cost" else 13)]
    # Of the letters alone: without the line that leads to them, and without the air around them.
    boxes = [Text.get_window_extent(text).padded(-1) for text in numbers]
    if draw == "scores":
        points = axes.transData.transform([handle.get_xydata()[0] for handle in axes.get_legend_handles_labels()[0]])
        assert not any(box.contains(*point) for box in boxes for point in points)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
