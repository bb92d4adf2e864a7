"""How to score: shifts and protocols, in numbers, tables and figures, and what chapter 7 says of them."""

import dataclasses
import math

import matplotlib.pyplot as plt
import pytest
import torch
from helpers import picture

from cincgan_tutorial import degradation, score_figures, tables
from cincgan_tutorial.degradation import BICUBIC, SYNTHETIC_MILD
from cincgan_tutorial.experiments import (
    Row,
    bicubic,
    evaluate,
    evaluation_data,
    noisy,
    papers_loss,
    scores_by_shift,
    shift_that_costs,
    systems,
    table,
)
from cincgan_tutorial.experiments.results import rows_from
from cincgan_tutorial.metrics import psnr
from cincgan_tutorial.protocols import PROTOCOLS, scored
from cincgan_tutorial.unpaired import Photograph, bundled_photographs


@pytest.fixture(scope="module")
def large():
    """A photograph that leaves enough for the challenge's scoring."""
    return Photograph("large", picture(163, 190, 31))


@pytest.fixture(scope="module")
def curves():
    """As chapter 7 measures them."""
    return {p.name: scores_by_shift(p) for p in bundled_photographs().held_out}


@pytest.fixture(scope="module")
def four_results():
    """The results of chapter 7 and their truth."""
    x, z = noisy(bundled_photographs().held_out[1], SYNTHETIC_MILD.without_shift())
    result = bicubic(x)
    soft = degradation.blur(result, degradation.gaussian_kernel((2.0, 2.0)))
    changed = {
        "moved": result.roll((2, 2), (-2, -1)),
        "darker": 0.9 * result,
        "sharpened": (2 * result - soft).clamp(0, 1),
    }
    return {"bicubic": result, **changed}, z


@pytest.fixture(scope="module")
def scores(four_results):
    results, z = four_results
    return {name: scored(result, z) for name, result in results.items()}


def test_without_a_shift_the_score_is_that_of_the_cut_photograph(large):
    pixels = large.pixels[:, 3:-3]
    x, z = noisy(Photograph("cut", pixels), BICUBIC)
    by_shift = scores_by_shift(large, range(-3, 4), ["rgb", "luma"], degradation=BICUBIC)
    assert list(by_shift) == ["rgb", "luma"]
    assert list(by_shift["rgb"]) == list(range(-3, 4))
    assert by_shift["rgb"][0] == pytest.approx(psnr(bicubic(x), z))
    assert by_shift["luma"][0] == pytest.approx(psnr(bicubic(x), z, luma_only=True))


@pytest.mark.parametrize("shift", [3, -2])
def test_a_positive_shift_moves_the_picture_to_the_right(large, shift):
    seen = {}
    scores_by_shift(large, [0, shift], ["rgb"], lambda x: seen.setdefault(len(seen), bicubic(x)), BICUBIC)
    at_rest, moved = seen[0], seen[1]
    differences = {
        s: (moved[..., 4 + s : moved.shape[-1] - 4 + s] - at_rest[..., 4:-4]).square().mean() for s in range(-4, 5)
    }
    assert min(differences, key=differences.get) == shift


def test_nothing_but_the_shift_differs(large):
    """The same blur and noise at every shift: with the shift undone, x is nearly the same."""
    inputs = []
    scores_by_shift(large, [0, 4], ["rgb"], lambda x: inputs.append(x) or bicubic(x))
    blurred_only = dataclasses.replace(SYNTHETIC_MILD, noise_std_8bit=0, poisson_peak=math.inf)
    clean = []
    scores_by_shift(large, [0, 4], ["rgb"], lambda x: clean.append(x) or bicubic(x), blurred_only)
    noise = [(a - b)[..., 5:-5, 5:-5] for a, b in zip(inputs, clean, strict=True)]
    assert noise[0].std() > 5 / 255
    assert (noise[0] - noise[1]).std() < 0.2 * noise[0].std()


def test_any_system_and_seed_can_be_asked(large):
    first, again, other = (scores_by_shift(large, [0], ["rgb"], seed=seed)["rgb"][0] for seed in (0, 0, 1))
    assert first == again != other
    grey = scores_by_shift(large, [0], ["rgb"], lambda x: bicubic(torch.full_like(x, 0.5)))["rgb"][0]
    assert grey < first


def test_a_photograph_without_room_names_the_protocol(large):
    with pytest.raises(ValueError, match=r"protocol challenge: .*160 pixels"):
        scores_by_shift(large, [0, 20])


def test_the_shift_that_costs_a_loss_by_hand():
    curve = {-3: 5.0, 0: 30.0, 1: 28.0, 2: 24.0, 4: 20.0}
    assert shift_that_costs(curve, 2) == 1
    assert shift_that_costs(curve, 4) == 1.5
    assert shift_that_costs(curve, 8) == 3
    assert shift_that_costs(curve, 11) is None


def test_the_papers_loss_is_that_of_its_bicubic_row():
    assert papers_loss() == pytest.approx(22.85 - 17.56)


def test_chapter_7_only_the_score_that_does_not_align_falls(curves):
    for of_photograph in curves.values():
        falling = list(of_photograph["rgb"].values())
        assert falling == sorted(falling, reverse=True)
        for name in ("best-shift", "challenge"):
            level = of_photograph[name].values()
            assert max(level) - min(level) < 0.2
        assert of_photograph["best-shift"][10] > of_photograph["rgb"][10] + 5


def test_chapter_7_two_pixels_of_x_explain_the_missing_decibels(curves):
    for of_photograph in curves.values():
        shift = shift_that_costs(of_photograph["rgb"], papers_loss())
        assert shift is not None
        assert shift <= 2 * 4


def test_chapter_7_what_moving_darkening_and_sharpening_cost(scores):
    change = {
        kind: {name: scores[kind][name] - scores["bicubic"][name] for name in PROTOCOLS if name != "lpips"}
        for kind in ("moved", "darker", "sharpened")
    }
    for name in ("rgb", "luma", "ssim", "ms-ssim", "vif"):
        assert change["moved"][name] < -0.03 * scores["bicubic"][name]
    for name in ("best-shift", "challenge", "challenge-ssim", "blur", "noise"):
        assert abs(change["moved"][name]) < 0.005
    for name in ("rgb", "luma"):
        assert change["darker"][name] < change["moved"][name]
    assert change["darker"]["best-shift"] < change["moved"]["rgb"]
    assert abs(change["darker"]["challenge"]) < 0.05
    assert abs(change["darker"]["ssim"]) < 0.01
    for name, protocol in PROTOCOLS.items():
        if name not in ("noise", "blur", "lpips"):
            assert change["sharpened"][name] < 0, protocol
    assert change["sharpened"]["blur"] < -0.02
    assert len({round(of_result["noise"], 3) for of_result in scores.values()}) == 1
    assert scores["bicubic"]["noise"] < 0.5


def test_chapter_7_the_challenge_forgives_whatever_lies_beyond_its_patch(four_results):
    """The solution of the exercise."""
    results, z = four_results
    honest = results["bicubic"]
    spoilt = torch.zeros_like(honest)
    middle, centre = (side // 2 for side in honest.shape[-2:])
    inside = (..., slice(middle - 70, middle + 70), slice(centre - 70, centre + 70))
    spoilt[inside] = 0.8 * honest[inside]
    lost = {name: PROTOCOLS[name](honest, z) - PROTOCOLS[name](spoilt, z) for name in ("rgb", "challenge")}
    assert abs(lost["challenge"]) < 0.1
    assert lost["rgb"] > 3


def test_the_table_has_a_line_for_each_protocol_with_unit_and_direction(scores):
    lines = str(tables.of_protocols(scores)).splitlines()
    assert lines[0] == "| Protocol | What it does | bicubic | moved | darker | sharpened |"
    assert lines[1] == "| :-- | :-- | --: | --: | --: | --: |"
    assert len(lines) == 2 + len(scores["bicubic"])
    assert lines[2].startswith(f"| `rgb` (dB) ↑ | {PROTOCOLS['rgb'].line} | {scores['bicubic']['rgb']:.2f} |")
    (blur,) = (line for line in lines if "`blur`" in line)
    assert blur.startswith("| `blur` ↓ |")
    assert blur.endswith(f" {scores['sharpened']['blur']:.4f} |")


def test_one_result_has_a_panel_for_each_unit_and_a_mark_for_each_score(scores):
    figure = score_figures.one_result(scores)
    assert plt.get_fignums() == []
    assert [axes.get_xlabel() for axes in figure.axes] == ["dB, higher is better", "no unit", "levels of 255"]
    rows = [[label.get_text() for label in axes.get_yticklabels()] for axes in figure.axes]
    assert rows[0] == ["rgb", "luma", "best-shift", "challenge"]
    assert rows[1] == ["ssim ↑", "challenge-ssim ↑", "ms-ssim ↑", "vif ↑", "blur ↓"]
    for axes, names in zip(figure.axes, rows, strict=True):
        assert [line.get_label() for line in axes.lines] == list(scores)
        for line, of_result in zip(axes.lines, scores.values(), strict=True):
            assert list(line.get_xdata()) == [of_result[name.split()[0]] for name in names]
        low, high = axes.get_xlim()
        assert all(low < value < high for line in axes.lines for value in line.get_xdata())
        assert high - low > 0.1, "what differs by rounding must not fill the panel"
    places = {tuple(line.get_ydata()) for line in figure.axes[0].lines}
    assert len(places) == len(scores), "equal scores would hide each other"


def test_one_result_leaves_out_a_unit_without_protocols():
    assert len(score_figures.one_result({"a": {"rgb": 20.0}, "b": {"rgb": 21.0}}).axes) == 1


def test_shift_curves_mark_no_shift_and_where_the_loss_is_met():
    curve = {"rgb": {0: 30.0, 1: 28.0, 2: 24.0}, "best-shift": {0: 30.0, 1: 29.9, 2: 30.1}}
    figure = score_figures.shift_curves({"one": curve, "two": {"rgb": {0: 25.0, 2: 24.0}}}, loss=4)
    assert plt.get_fignums() == []
    one, two = figure.axes
    assert (one.get_title(), two.get_title()) == ("one", "two")
    lines = {line.get_label(): line for line in one.lines}
    assert lines["rgb"].get_xydata().tolist() == [[0, 30], [1, 28], [2, 24]]
    assert lines["best-shift"].get_xydata().tolist() == [[0, 30], [1, 29.9], [2, 30.1]]
    assert lines["no shift"].get_xydata().tolist() == [[0, 30]]
    assert list(lines["4.00 dB lost"].get_ydata()) == [26, 26]
    (cross,) = (line for line in one.lines if line.get_marker() == "x")
    assert cross.get_xydata().tolist() == [[1.5, 26]]
    assert [text.get_text() for text in one.texts] == ["1.5"]
    assert not [line for line in two.lines if line.get_marker() == "x"], "a loss that is not met has no cross"


def test_evaluate_also_scores_by_protocols(trained, held_out):
    plain = evaluate(trained, held_out)
    rows = evaluate(trained, held_out, protocols=["luma", "vif"])
    assert [dataclasses.replace(row, protocols={}) for row in rows] == plain
    for row, system in zip(rows, systems(trained).values(), strict=True):
        assert list(row.protocols) == ["luma", "vif"]
        for photograph in held_out:
            x, z = noisy(photograph, SYNTHETIC_MILD.without_shift())
            assert row.protocols["vif"][photograph.name] == pytest.approx(PROTOCOLS["vif"](system(x), z))


def test_a_photograph_too_small_for_a_protocol_is_named_before_anything_is_enlarged(trained, held_out):
    never = {"never": lambda x: pytest.fail("enlarged")}
    with pytest.raises(ValueError, match=r"one: 76x60 .* protocol challenge needs 160 pixels"):
        evaluate(trained, held_out, chosen=never, protocols=["rgb", "challenge"])
    with pytest.raises(ValueError, match="unknown protocol 'psnr'"):
        evaluate(trained, held_out, chosen=never, protocols=["psnr"])


def test_further_protocols_are_columns_of_the_table():
    rows = [
        Row("bicubic", {"a": 20.0}, {"a": 0.5}, {"luma": {"a": 21.0, "b": 22.0}, "vif": {"a": 0.25, "b": 0.5}}),
        Row("CinCGAN", {"a": 21.0}, {"a": 0.6}, {"luma": {"a": 23.0, "b": 24.0}, "vif": {"a": 0.75, "b": 0.5}}),
    ]
    lines = table(rows).splitlines()
    assert lines[0] == "| System | PSNR (dB) | gain (dB) | SSIM | luma (dB) | vif |"
    assert lines[1] == "|:--|--:|--:|--:|--:|--:|"
    assert lines[3] == "| CinCGAN | 21.00 | +1.00 | 0.6000 | 23.50 | 0.6250 |"


def test_protocols_are_recorded_and_read_again(trained):
    rows = [Row("bicubic", {"a": 20.0}, {"a": 0.5}, {"luma": {"a": 21.0}}), Row("other", {"a": 20.0}, {"a": 0.5})]
    data, _ = evaluation_data(trained, rows, {"x": 20.0}, SYNTHETIC_MILD, 0)
    assert data["rows"][0]["protocols"] == {"luma": {"a": 21.0}}
    assert "protocols" not in data["rows"][1]
    assert rows_from(data) == rows


def test_spectra_begin_at_the_longest_wave_and_noise_lifts_the_fine_ones():
    smooth = torch.linspace(0.2, 0.8, 64).expand(1, 3, 64, 64)
    rough = smooth + 0.05 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    (axes,) = score_figures.spectra({"smooth": smooth, "rough": rough}).axes
    below, above = (line for line in axes.lines if line.get_label() in ("smooth", "rough"))
    assert above.get_xdata()[0] == pytest.approx(1 / 16)
    assert above.get_xdata()[-1] == pytest.approx(2**0.5 / 2, abs=0.02)
    fine = slice(len(above.get_ydata()) // 2, None)
    assert min(above.get_ydata()[fine]) > max(below.get_ydata()[fine]) + 10
