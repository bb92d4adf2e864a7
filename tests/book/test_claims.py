"""What the prose says of recorded results holds for the recorded results."""

from __future__ import annotations

import statistics

import pytest

from cincgan_tutorial.experiments import Recorded, recorded, rows_of
from cincgan_tutorial.tables import departures, paired, verdict


def means(study: Recorded) -> dict[str, float]:
    return {label: statistics.fmean(v["psnr"].values()) for label, v in study.data["variants"].items()}


@pytest.fixture(scope="module")
def cycle_one() -> Recorded:
    return recorded("cycle-one")


def test_chapter_3_without_adversary_g1_returns_its_input(cycle_one: Recorded) -> None:
    untouched = statistics.fmean(cycle_one.data["untouched"].values())
    assert means(cycle_one)["no adversary"] == pytest.approx(untouched, abs=0.05)


def test_chapter_3_without_identity_the_colours_run_away(cycle_one: Recorded) -> None:
    variants = cycle_one.data["variants"]
    assert variants["no identity"]["colour_drift_8bit"] > 5 * variants["all terms"]["colour_drift_8bit"]


def test_chapter_3_the_cycle_is_missed_least_and_a_little(cycle_one: Recorded) -> None:
    score = means(cycle_one)
    missing_one = {
        label: value for label, value in score.items() if label not in ("all terms", "no cycle, no identity")
    }
    assert max(missing_one, key=lambda label: missing_one[label]) == "no cycle"
    assert 0 < score["all terms"] - score["no cycle"] < 0.5
    assert score["no cycle, no identity"] == min(score.values())


def test_chapter_3_without_tv_it_is_no_better_than_the_input(cycle_one: Recorded) -> None:
    untouched = statistics.fmean(cycle_one.data["untouched"].values())
    assert means(cycle_one)["no TV"] <= untouched + 0.05


@pytest.fixture(scope="module")
def cycle_two() -> Recorded:
    return recorded("cycle-two")


def test_chapter_4_the_control_does_as_well_or_better(cycle_two: Recorded) -> None:
    variants = cycle_two.data["variants"]
    gain, error = paired(variants["all terms"]["psnr"], variants["control: supervision only"]["psnr"])
    assert gain < 2 * error


def test_chapter_4_no_supervision_is_worst_and_no_cycle_next(cycle_two: Recorded) -> None:
    score = means(cycle_two)
    assert sorted(score, key=lambda label: score[label])[:2] == ["no supervision", "no cycle"]


def test_chapter_4_the_papers_adversarial_weight_costs_both_scores(cycle_two: Recorded) -> None:
    variants = cycle_two.data["variants"]
    for measure in ("psnr", "ssim"):
        gain, error = paired(variants["paper's adversarial weight"][measure], variants["all terms"][measure])
        assert gain < -2 * error


@pytest.fixture(scope="module")
def changes() -> dict[str, tuple[float, float]]:
    variants = recorded("departures").data["variants"]
    return {label: paired(v["psnr"], variants["lesson"]["psnr"]) for label, v in variants.items()}


def test_chapter_6_what_helps_a_short_run_and_in_which_order(changes: dict[str, tuple[float, float]]) -> None:
    helping = (
        "all of the paper's settings",
        "no residual output",
        "D1 starts at random",
        "BatchNorm in D1",
        "no average",
    )
    assert sorted(changes, key=lambda label: changes[label][0])[: len(helping)] == list(helping)
    for label in helping:
        mean, error = changes[label]
        assert mean < -2 * error, label


@pytest.mark.parametrize("label", ["paper's norms and weights", "no clipping"])
def test_chapter_6_what_makes_no_difference(changes: dict[str, tuple[float, float]], label: str) -> None:
    mean, error = changes[label]
    assert abs(mean) < 2 * error


@pytest.mark.parametrize("label", ["paper's learning rate", "constant learning rate"])
def test_chapter_6_the_raised_learning_rate_was_a_wrong_guess(
    changes: dict[str, tuple[float, float]], label: str
) -> None:
    mean, error = changes[label]
    assert mean > 2 * error


@pytest.mark.parametrize("label", ["D1 starts at random", "all of the paper's settings"])
def test_chapter_6_no_better_than_the_untouched_input(label: str) -> None:
    study = recorded("departures")
    untouched = statistics.fmean(study.data["untouched"].values())
    assert means(study)[label] <= untouched + 0.05


def test_chapter_7_cleaning_first_gains_over_enlarging_alone() -> None:
    rows = {row.system: row for row in rows_of(recorded("lesson-val"))}
    gain, error = paired(rows["G1 then SR"].psnr, rows["SR alone"].psnr)
    assert gain > 2 * error


@pytest.mark.parametrize("result", ["lesson-val", "lesson-val-shift"])
def test_chapter_7_gains_on_the_noise_it_was_trained_for(result: str) -> None:
    rows = {row.system: row.mean_psnr for row in rows_of(recorded(result))}
    assert min(rows["G1 then SR"], rows["CinCGAN"]) > rows["SR alone"] > rows["bicubic"]


def test_chapter_7_falls_below_interpolation_on_white_noise() -> None:
    rows = {row.system: row for row in rows_of(recorded("lesson-val-white"))}
    for system in ("G1 then SR", "CinCGAN"):
        mean, error = paired(rows[system].psnr, rows["bicubic"].psnr)
        assert mean < -2 * error


def test_chapter_7_on_clean_input_cleaning_has_a_price() -> None:
    rows = {row.system: row for row in rows_of(recorded("lesson-val-bicubic"))}
    assert verdict(*paired(rows["SR alone"].psnr, rows["bicubic"].psnr)) == "a gain"
    for system in ("G1 then SR", "CinCGAN"):
        assert verdict(*paired(rows[system].psnr, rows["bicubic"].psnr)) != "a gain"
        assert verdict(*paired(rows[system].psnr, rows["SR alone"].psnr)) == "a loss"


def test_chapter_7_the_joint_stage_does_not_improve() -> None:
    rows = {row.system: row for row in rows_of(recorded("lesson-val"))}
    mean, error = paired(rows["CinCGAN"].psnr, rows["G1 then SR"].psnr)
    assert mean < 2 * error


def test_chapter_7_five_photographs_are_too_few() -> None:
    rows = {row.system: row.mean_psnr for row in rows_of(recorded("lesson-on-bundled"))}
    assert rows["SR alone"] > max(rows["G1 then SR"], rows["CinCGAN"])


def test_every_departure_that_names_a_variant_was_measured() -> None:
    measured = {label for name in ("departures", "cycle-two", "sizes") for label in recorded(name).data["variants"]}
    named = {departure.variant for departure in departures() if departure.variant is not None}
    assert named
    assert named <= measured
