"""What the FAQ says of its pictures holds in the recorded runs."""

from __future__ import annotations

from typing import Any

import pytest

from cincgan_tutorial.experiments import recorded
from cincgan_tutorial.training.alarms import LEVELS


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, Any]]:
    return recorded("symptoms").data["variants"]


def alarms(run: dict[str, Any]) -> set[str]:
    return {line["alarm"] for line in run["log"] if "alarm" in line}


def logged(run: dict[str, Any], name: str) -> list[float]:
    return [line[name] for line in run["log"] if name in line]


def mean_psnr(run: dict[str, Any]) -> float:
    return sum(run["psnr"].values()) / len(run["psnr"])


@pytest.mark.parametrize("label", ["flat output", "colour drift", "at chance", "saturated"])
def test_the_sick_run_sets_off_its_alarm_and_the_healthy_one_none(runs: dict[str, dict[str, Any]], label: str) -> None:
    assert label in alarms(runs[label])
    assert alarms(runs["healthy"]) == set()


def test_the_run_that_exploded_ended_at_a_checkpoint_far_above_one(runs: dict[str, dict[str, Any]]) -> None:
    assert "not finite" in runs["not finite"]["stopped"]
    assert min(logged(runs["not finite"], "LR gan")) > 1e26
    assert max(logged(runs["healthy"], "LR gan")) < 1.5
    assert runs["not finite"]["log"][-1]["step"] == 200


def test_fog_keeps_a_third_of_the_contrast(runs: dict[str, dict[str, Any]]) -> None:
    assert logged(runs["flat output"], "LR contrast")[0] > 0.9
    assert 0.25 < logged(runs["flat output"], "LR contrast")[-1] < 0.45
    assert min(logged(runs["healthy"], "LR contrast")) > 0.95


def test_the_drift_leaps_and_then_stays_near_the_line(runs: dict[str, dict[str, Any]]) -> None:
    drift = logged(runs["colour drift"], "LR drift")
    assert max(drift) > 100
    assert all(0.5 * LEVELS["colour drift"] < value < 3 * LEVELS["colour drift"] for value in drift[-10:])
    assert max(logged(runs["healthy"], "LR drift")) < 2


@pytest.mark.parametrize("label", ["at chance", "saturated", "no adversary"])
def test_g1_has_not_left_the_identity(runs: dict[str, dict[str, Any]], label: str) -> None:
    untouched = recorded("cycle-one").data["untouched"]
    assert mean_psnr(runs[label]) == pytest.approx(sum(untouched.values()) / len(untouched), abs=0.01)
    assert mean_psnr(runs["healthy"]) > mean_psnr(runs[label]) + 1


def test_the_judges_are_where_the_text_says(runs: dict[str, dict[str, Any]]) -> None:
    assert all(0.4 < loss < 0.65 for loss in logged(runs["at chance"], "D1"))
    assert max(logged(runs["saturated"], "D1")[-10:]) < 0.1
    late = logged(runs["healthy"], "D1")[10:]
    assert 0.25 < sum(late) / len(late) < 0.45


def test_without_a_judge_the_cycle_is_perfect(runs: dict[str, dict[str, Any]]) -> None:
    assert logged(runs["no adversary"], "LR cycle")[-1] < 0.001 < 0.005 < logged(runs["healthy"], "LR cycle")[-1]


def test_the_checkerboard_goes_with_training(runs: dict[str, dict[str, Any]]) -> None:
    assert runs["SR after 20 steps"]["grid_8bit"] > 10 * runs["SR after 400 steps"]["grid_8bit"]
