"""The runs that assignment 4 hands out: really made, from a clean commit, and they show what they are there for."""

import json
import math

import broken_runs
import pytest
import torch

from cincgan_tutorial.grading.handouts import NAMES, handed_out

CURVES = ("LR gan", "LR cycle", "LR identity", "LR tv", "D1", "LR drift", "LR contrast")


def late(name, curve):
    """The mean of a curve over the last quarter of a run."""
    values = [line[curve] for line in handed_out(name).log][-10:]
    return sum(values) / len(values)


def test_they_come_from_one_clean_commit_and_are_whole():
    facts = [handed_out(name).provenance for name in NAMES]
    (commit,) = {fact["commit"] for fact in facts}
    assert len(commit) == 40
    assert {fact["command"] for fact in facts} == {"python assignments/broken_runs.py"}
    for name in NAMES:
        run = handed_out(name)
        assert [line["step"] for line in run.log] == list(range(10, 401, 10))
        assert all(math.isfinite(line[curve]) for line in run.log for curve in CURVES)
        assert run.picture.shape == run.x.shape == (1, 3, 32, 32)


def test_the_first_shows_both_sides_of_a_game_content_at_once():
    assert late("broken-1", "LR gan") < 0.2 * late("sound", "LR gan")
    assert late("broken-1", "D1") < 0.5 * late("sound", "D1")
    assert torch.equal(handed_out("broken-1").picture, handed_out("broken-1").x), "nothing was cleaned"


def test_the_second_shows_a_drift_of_colour_and_a_game_like_the_sound_one():
    assert late("broken-2", "LR drift") > 2 * late("sound", "LR drift")
    assert late("broken-2", "LR identity") > 2 * late("sound", "LR identity")
    for curve in ("LR gan", "D1", "LR tv"):
        assert late("broken-2", curve) == pytest.approx(late("sound", curve), rel=0.15)


def test_how_they_are_made_is_noted_before_the_first_file_is_written(tmp_path, monkeypatch):
    """Their own files are in git: a commit that is asked for after the first run is no longer clean."""
    there = []

    def provenance(command):
        there.append(list(tmp_path.iterdir()))
        return {"command": command}

    for name, value in {"FOLDER": tmp_path, "STEPS": 1, "EVERY": 1, "provenance": provenance}.items():
        monkeypatch.setattr(broken_runs, name, value)
    broken_runs.main()
    assert there == [[]]
    written = {"x.png", *(f"{name}.{kind}" for name in NAMES for kind in ("json", "png"))}
    assert {path.name for path in tmp_path.iterdir()} == written
    logs = [json.loads((tmp_path / f"{name}.json").read_text("utf-8")) for name in NAMES]
    assert [len(log["log"]) for log in logs] == [1, 1, 1]
    assert logs[0]["log"][0]["D1"] != logs[1]["log"][0]["D1"]
