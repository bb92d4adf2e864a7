"""The study of symptoms: each run kept as it ended, with its log, what it said, and its picture."""

from pathlib import Path

import pytest
import torch

from cincgan_tutorial import symptom_figures, tables
from cincgan_tutorial.experiments import SYMPTOMS, Recorded, Study, recorded, run_symptoms, symptoms
from cincgan_tutorial.images import read_image
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training.alarms import ENTRIES, LEVELS

SR = {"degradation": "bicubic", "first.steps": 0, "pretrain.steps": 2}
TINY = Study(
    "symptoms",
    "a question",
    {"pretrain.steps": 0, "joint.steps": 0, "log_every": 1, "validate_every": 0},
    {"healthy": {}, "not finite": {"first.lr": 1e30}, "SR": SR},
)


@pytest.fixture(scope="module")
def done(small_lesson, photographs, held_out, tmp_path_factory):
    """The study on smoke networks, done once; its folders."""
    folder = tmp_path_factory.mktemp("symptoms")
    run_symptoms(TINY, small_lesson, photographs, held_out, folder / "runs", folder / "results")
    return folder


def test_a_run_that_finished_is_scored_and_one_that_was_stopped_is_kept_with_what_it_said(done, held_out):
    result = recorded("symptoms", done / "results")
    healthy, broken, sr = result.data["variants"].values()
    assert (healthy["stopped"], sr["stopped"]) == (None, None)
    assert "LR gan' is not finite" in broken["stopped"] or "not finite any more" in broken["stopped"]
    assert "psnr" not in broken
    assert set(healthy["psnr"]) == set(sr["psnr"]) == {photograph.name for photograph in held_out}
    assert "colour_drift_8bit" in healthy
    assert sr["grid_8bit"] > 0
    assert {line["stage"] for line in healthy["log"]} == {"first"}
    assert {line["stage"] for line in sr["log"]} == {"pretrain"}
    assert broken["log"], "what led to it is kept"
    assert not any("seconds" in line for line in healthy["log"] + broken["log"])
    assert sorted(path.name for path in result.folder.glob("*.png")) == ["SR.png", "healthy.png"]
    high, low = (read_image(result.folder / f"{name}.png").shape[-1] for name in ("SR", "healthy"))
    assert high == 4 * low


def test_what_is_finished_is_not_trained_again_and_what_was_stopped_stops_again(
    done, small_lesson, photographs, held_out, monkeypatch, tmp_path
):
    before = {path: path.stat().st_mtime_ns for path in (done / "runs").rglob("weights.safetensors")}
    run_symptoms(TINY, small_lesson, photographs, held_out, done / "runs", tmp_path)
    first, again = (recorded("symptoms", folder).data for folder in (done / "results", tmp_path))
    assert {path: path.stat().st_mtime_ns for path in (done / "runs").rglob("weights.safetensors")} == before
    assert [variant.get("psnr") for variant in again["variants"].values()] == [
        variant.get("psnr") for variant in first["variants"].values()
    ]
    assert again["variants"]["not finite"]["stopped"] == first["variants"]["not finite"]["stopped"]


def test_another_error_is_not_taken_for_a_symptom(done, small_lesson, photographs, held_out, tmp_path):
    other = Study(TINY.name, TINY.question, dict(TINY.common) | {"seed": 7}, {"healthy": {}})
    with pytest.raises(ValueError, match="holds a run with other settings"):
        run_symptoms(other, small_lesson, photographs, held_out, done / "runs", tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_settings_of_every_symptom_exist():
    for settings in SYMPTOMS.variants.values():
        with_settings(PRESETS["lesson"], dict(SYMPTOMS.common) | dict(settings))
    assert set(ENTRIES) <= set(SYMPTOMS.variants)


def test_the_grid_is_what_repeats_with_the_period_and_nothing_else():
    stripes = torch.zeros(1, 3, 16, 24)
    stripes[..., ::4] = 1.0
    # A quarter of the phases at 1, the others at 0.
    assert symptoms.grid(stripes, 4) == pytest.approx((0.25 * 0.75) ** 0.5)
    assert symptoms.grid(stripes.roll(1, -1), 4) == pytest.approx((0.25 * 0.75) ** 0.5)
    halves = torch.zeros(1, 3, 16, 24)
    halves[..., 12:] = 1.0
    assert symptoms.grid(halves, 4) == pytest.approx(0, abs=1e-7)


def test_the_grid_of_sr_is_what_it_adds_to_interpolation(done, held_out, monkeypatch):
    trained = symptoms.load_weights(done / "runs" / "symptoms-lesson" / "SR")
    monkeypatch.setattr(symptoms, "super_resolve", lambda _, x: symptoms.bicubic_upsample(x, 4))
    assert symptoms._mean_grid(trained, held_out) == 0


def test_a_symptom_is_drawn_beside_health_and_a_stopped_run_has_its_curve_alone(done):
    result = recorded("symptoms", done / "results")
    both = symptom_figures.symptom(result, "SR")
    assert [axes.get_title() for axes in both.axes] == ["healthy", "SR"]
    whole = symptom_figures.symptom(result, "healthy", "D1")
    assert [axes.get_title() for axes in whole.axes] == ["healthy", "healthy", "D1"]
    (axes,) = symptom_figures.symptom(result, "not finite", "D1").axes
    logs = [result.data["variants"][name]["log"] for name in ("healthy", "not finite")]
    for line, log in zip(axes.lines, logs, strict=True):
        assert list(line.get_ydata()) == [entry["D1"] for entry in log if "D1" in entry]
    assert axes.get_yscale() == "linear"


def test_settings_and_grids_are_told(done):
    result = recorded("symptoms", done / "results")
    assert str(tables.settings_of(result, "not finite")) == "*Differs from the healthy run by* `--set first.lr=1e+30`"
    shown = result.data["variants"]["SR"]["grid_8bit"]
    assert str(tables.of_grids(result)).splitlines()[2:] == [f"| SR | {shown:.2f} |"]
    awake = Recorded(
        "mine", Path(), {}, {"variants": {"a": {"settings": {"discriminator.high_pass": False, "clip": 0}}}}
    )
    assert (
        str(tables.settings_of(awake, "a"))
        == "*Differs from the healthy run by* `--set discriminator.high_pass=false clip=0`"
    )


def test_numbers_that_explode_are_drawn_on_a_logarithmic_scale():
    sick = [{"step": 1, "LR gan": 1e7}, {"step": 2, "alarm": "flat"}]
    logs = {"healthy": [{"step": 1, "LR gan": 0.3}], "saturated": sick}
    data = {"variants": {name: {"stopped": "why", "log": log} for name, log in logs.items()}}
    (axes,) = symptom_figures.symptom(Recorded("mine", Path(), {}, data), "saturated", "LR gan").axes
    assert axes.get_yscale() == "log"
    assert [list(line.get_ydata()) for line in axes.lines] == [[0.3], [1e7], [LEVELS["saturated"]] * 2]
