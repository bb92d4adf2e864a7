"""The same training from several seeds."""

import dataclasses
import importlib
import json
from itertools import chain

import pytest
import torch
from helpers import picture, shake

from cincgan_tutorial.degradation import SYNTHETIC_MILD, SYNTHETIC_WHITE
from cincgan_tutorial.experiments import (
    Row,
    cleaning,
    evaluate,
    leave_out,
    mean_over_seeds,
    noisy,
    recorded,
    repeat,
    rows_of_seeds,
)
from cincgan_tutorial.experiments.repeat import lost_most, turns
from cincgan_tutorial.images import read_image
from cincgan_tutorial.training import Run
from cincgan_tutorial.unpaired import Photograph, bundled_photographs
from cincgan_tutorial.weights import load_weights

# The package gives the name to the function.
module = importlib.import_module("cincgan_tutorial.experiments.repeat")


@pytest.fixture(scope="module")
def repeated(small_lesson, photographs, held_out, tmp_path_factory):
    folder = tmp_path_factory.mktemp("repeat")
    repeat(small_lesson, [3, 1], photographs, held_out, folder / "runs", folder / "results")
    return folder


def test_every_seed_is_a_run_of_its_own_scored_on_the_same_photographs(repeated, held_out):
    result = recorded("lesson-seeds", repeated / "results")
    assert result.provenance["seed"] == [3, 1]
    of_seed = rows_of_seeds(result)
    assert list(of_seed) == [3, 1]
    for seed, rows in of_seed.items():
        trained = load_weights(repeated / "runs" / "seeds-lesson" / str(seed))
        assert trained.preset.seed == seed
        assert rows == evaluate(trained, held_out)
    assert of_seed[3][0] == of_seed[1][0]  # bicubic: the same noisy photographs
    assert of_seed[3][1] != of_seed[1][1]


def test_the_mean_over_seeds_keeps_the_photographs_apart(repeated):
    result = recorded("lesson-seeds", repeated / "results")
    mean, (one, other) = mean_over_seeds(result), rows_of_seeds(result).values()
    assert [row.system for row in mean] == [row.system for row in one]
    for row, a, b in zip(mean, one, other, strict=True):
        assert row.psnr == {name: pytest.approx((a.psnr[name] + b.psnr[name]) / 2) for name in a.psnr}
        assert row.ssim == {name: pytest.approx((a.ssim[name] + b.ssim[name]) / 2) for name in a.ssim}


def test_the_alarms_of_every_run_are_told(repeated, small_lesson, photographs, held_out, tmp_path):
    assert [run["alarms"] for run in recorded("lesson-seeds", repeated / "results").data["runs"]] == [[], []]
    for path in repeated.glob("runs/**/3/log.jsonl"):
        line = {"stage": "first", "step": 6, "alarm": "flat output", "of": "G1(x)", "value": 0.1, "entry": "x"}
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
    repeat(small_lesson, [3, 1], photographs, held_out, repeated / "runs", tmp_path)
    assert [run["alarms"] for run in recorded("lesson-seeds", tmp_path).data["runs"]] == [["flat output"], []]


def test_a_finished_seed_is_not_trained_again(repeated, small_lesson, photographs, held_out, monkeypatch):
    weights = {path: path.stat().st_mtime_ns for path in repeated.rglob("weights.safetensors")}
    repeat(small_lesson, [3, 1, 2], photographs, held_out, repeated / "runs", repeated / "results")
    assert all(path.stat().st_mtime_ns == then for path, then in weights.items())
    content = json.loads((repeated / "results" / "lesson-seeds" / "result.json").read_text(encoding="utf-8"))
    assert [run["seed"] for run in content["data"]["runs"]] == [3, 1, 2]


def test_runs_are_scored_under_another_degradation_and_not_trained_again(
    repeated, small_lesson, photographs, held_out, tmp_path
):
    weights = {path: path.stat().st_mtime_ns for path in repeated.rglob("weights.safetensors")}
    given = small_lesson, [3, 1], photographs, held_out, repeated / "runs", tmp_path
    repeat(*given, name="white", degradation="synthetic_white")
    assert weights
    assert all(path.stat().st_mtime_ns == then for path, then in weights.items())
    result = recorded("white", tmp_path)
    for run, (seed, rows) in zip(result.data["runs"], rows_of_seeds(result).items(), strict=True):
        trained = load_weights(repeated / "runs" / "seeds-lesson" / str(seed))
        white = SYNTHETIC_WHITE.without_shift()
        assert (run["degradation"], rows) == (white.name, evaluate(trained, held_out, white))
        assert run["lr_psnr"] == cleaning(trained, held_out, degradation=white)


def test_an_unknown_degradation_is_noticed_before_training(small_lesson, photographs, held_out, tmp_path):
    with pytest.raises(ValueError, match="unknown degradation 'rain'"):
        repeat(small_lesson, [3], photographs, held_out, tmp_path, tmp_path, degradation="rain")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_settings_is_refused(repeated, small_lesson, photographs, held_out):
    other = dataclasses.replace(small_lesson, clip=0.5)
    with pytest.raises(ValueError, match="other settings"):
        repeat(other, [3], photographs, held_out, repeated / "runs", repeated / "results")


def test_lr_photographs_as_they_came_are_refused(small_lesson, photographs, held_out, tmp_path):
    given = dataclasses.replace(photographs, x_is_lr=True)
    with pytest.raises(ValueError, match="LR photographs as they came"):
        repeat(small_lesson, [0], given, held_out, tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("study", [repeat, leave_out])
@pytest.mark.parametrize("seeds", [[], [3, 3]])
def test_no_seed_and_one_twice_are_refused(study, seeds, small_lesson, photographs, held_out, tmp_path):
    with pytest.raises(ValueError, match="expected one or more, all different"):
        study(small_lesson, seeds, photographs, held_out, tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_turn_holds_out_others_and_keeps_the_sizes():
    bundled = bundled_photographs()
    divided = turns(bundled, bundled.held_out)
    assert divided[0] == bundled
    assert [[len(part) for part in (turn.x, turn.yz, turn.held_out)] for turn in divided] == [[2, 3, 2]] * 3
    left_out = [photograph.name for turn in divided for photograph in turn.held_out]
    assert len(set(left_out)) == 6
    everything = {photograph.name for photograph in (*bundled.x, *bundled.yz, *bundled.held_out)}
    for turn in divided:
        assert {photograph.name for photograph in (*turn.x, *turn.yz, *turn.held_out)} == everything


def test_turns_need_photographs_that_can_be_told_apart(photographs):
    named = dataclasses.replace(photographs.x[0], name=photographs.yz[0].name)
    with pytest.raises(ValueError, match=f"two photographs are called {named.name}"):
        turns(photographs, [named])


@pytest.mark.parametrize("count", [0, 5])
def test_turns_need_somebody_to_take_turns_with(photographs, count):
    held_out = [Photograph(str(seed), picture(66, 70, seed)) for seed in range(count)]
    with pytest.raises(ValueError, match=f"{count} of {4 + count} photographs are held out"):
        turns(photographs, held_out)


def test_leaving_out_scores_every_photograph_with_networks_that_did_not_see_it(small_lesson, photographs, tmp_path):
    held_out = [Photograph(name, picture(66, 70, seed)) for name, seed in (("one", 201), ("two", 202))]
    leave_out(small_lesson, [5, 2], photographs, held_out, tmp_path / "runs", tmp_path)
    result = recorded("lesson-left-out", tmp_path)
    assert result.provenance["seed"] == [5, 2]
    divided = turns(photographs, held_out)
    left_out = [[photograph.name for photograph in turn.held_out] for turn in divided]
    assert len(left_out) > 1
    for (seed, rows), run in zip(rows_of_seeds(result).items(), result.data["runs"], strict=True):
        assert run["photographs"] == [*chain(*left_out)]
        assert [training["held_out"] for training in run["trainings"]] == left_out
        assert [*chain(*(training["alarms"] for training in run["trainings"]))] == run["alarms"]
        for turn, part in enumerate(divided):
            trained = load_weights(tmp_path / "runs" / "left-out-lesson" / f"{seed}-{turn}")
            assert trained.preset.seed == seed
            Run.open(tmp_path / "runs" / "left-out-lesson" / f"{seed}-{turn}").check_photographs(part)
            for row, own in zip(rows, evaluate(trained, part.held_out), strict=True):
                assert {name: row.psnr[name] for name in own.psnr} == own.psnr
                assert {name: row.ssim[name] for name in own.ssim} == own.ssim
        assert all(list(row.psnr) == list(row.ssim) == run["photographs"] for row in rows)
    lost = result.data["lost_most"]
    turn = next(turn for turn, names in enumerate(left_out) if lost in names)
    photograph = next(photograph for photograph in divided[turn].held_out if photograph.name == lost)
    x, _ = noisy(photograph, SYNTHETIC_MILD.without_shift())
    for seed in (5, 2):
        trained = load_weights(tmp_path / "runs" / "left-out-lesson" / f"{seed}-{turn}")
        with torch.no_grad():
            cleaned = trained.before_joint.G1(x).clamp(0, 1)[0]
        assert (read_image(result.folder / f"cleaned-{seed}.png") - cleaned).abs().max() < 1 / 255


def test_lost_most_is_where_cleaning_first_is_furthest_below_enlarging_alone():
    alone = Row("SR alone", {"a": 20.0, "b": 30.0, "c": 25.0}, {})
    cleaned = Row("G1 then SR", {"a": 21.0, "b": 28.0, "c": 24.0}, {})
    assert lost_most([alone, cleaned]) == "b"


def test_cleaned_pictures_are_by_the_g1_of_before_the_joint_stage(finished_run, monkeypatch):
    trained = load_weights(finished_run.folder)
    shake(trained.nets.G1, 0.5)
    monkeypatch.setattr(module, "load_weights", lambda run: trained)
    photograph = Photograph("one", picture(66, 70, 201))
    x, _ = noisy(photograph, SYNTHETIC_MILD.without_shift())
    with torch.no_grad():
        before, after = (nets.G1(x).clamp(0, 1)[0] for nets in (trained.before_joint, trained.nets))
    assert not torch.allclose(before, after, atol=0.1)
    assert torch.equal(module._cleaned(finished_run.folder, photograph), before)
