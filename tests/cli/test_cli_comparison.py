"""``study table`` and its kin: what the command line hands over, and one real run from nothing."""

import dataclasses
import json

import pytest
import torch

from cincgan_tutorial.cli import studying
from cincgan_tutorial.presets import PRESETS, with_settings

NAMES = ("table", "ablations", "degradations", "budget")


@pytest.mark.parametrize("name", NAMES)
def test_a_comparison_is_called_with_what_was_typed(cincgan, monkeypatch, folder, unseen, tmp_path, name):
    calls = []
    instead = dataclasses.replace(
        studying._STUDIES[name], run=lambda **given: calls.append(given) or tmp_path / "there"
    )
    monkeypatch.setitem(studying._STUDIES, name, instead)
    arguments = ["study", name, "--preset", "smoke", "--photos", folder, "--held-out", unseen, "--results", tmp_path]
    assert cincgan(*arguments).out == f"Recorded: {tmp_path / 'there'}\n"
    tunes = name in ("table", "degradations")
    tune = ["--tune", unseen] if tunes else []
    cincgan(*arguments, "--seeds", 4, 5, "--budget", 7.5, *tune, "--record", "mine")
    plain, full = calls
    assert (plain["seeds"], plain["budget"], plain["name"]) == ([0, 1, 2], None, None)
    assert (full["seeds"], full["budget"], full["name"]) == ([4, 5], 7.5, "mine")
    assert full["results"] == tmp_path
    assert ("tune" in plain) == ("tune" in full) == tunes
    if tunes:
        assert plain["tune"] is None
        assert [p.sha256 for p in full["tune"]] == [p.sha256 for p in full["held_out"]]


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("ablations", "--tune", "DIR"),
        ("budget", "--tune", "DIR"),
        ("seeds", "--budget", 3),
        ("sizes", "--seeds", 1),
        ("left-out", "--degradation", "bicubic"),
    ],
)
def test_what_a_study_does_not_use_is_not_passed_over(cincgan, folder, unseen, tmp_path, name, option, value):
    given = ["--preset", "smoke", "--photos", folder, "--held-out", unseen, "--runs", tmp_path / "runs"]
    answer = cincgan("study", name, *given, option, value)
    assert answer.status == 2
    assert f"{option}: {name} does not use it" in answer.err
    assert not (tmp_path / "runs").exists()


def test_a_study_of_a_setting_takes_another_seed_under_a_name_of_its_own(
    cincgan, monkeypatch, folder, unseen, tmp_path
):
    calls = []
    monkeypatch.setitem(
        studying._STUDIES,
        "joint-control",
        dataclasses.replace(
            studying._STUDIES["joint-control"], run=lambda **given: calls.append(given) or tmp_path / "there"
        ),
    )
    given = ["study", "joint-control", "--preset", "smoke", "--photos", folder, "--held-out", unseen]
    assert "needs --record" in cincgan(*given, "--set", "seed=5").err
    assert cincgan(*given, "--set", "seed=5", "--record", "joint-control-5").status == 0
    (call,) = calls
    assert (call["preset"].seed, call["name"]) == (5, "joint-control-5")


def test_seeds_are_repeated_under_a_name_of_ones_own(cincgan, folder, unseen, tmp_path):
    folders = ["--runs", tmp_path / "runs", "--results", tmp_path / "results"]
    given = ["--preset", "smoke", "--photos", folder, "--held-out", unseen, "--seeds", 0, *folders]
    assert cincgan("study", "seeds", *given).status == 0
    assert cincgan("study", "seeds", *given, "--record", "mine").status == 0
    assert "needs --record" in cincgan("study", "seeds", *given, "--degradation", "bicubic").err
    assert cincgan("study", "seeds", *given, "--degradation", "bicubic", "--record", "clean").status == 0
    recorded = [json.loads((tmp_path / "results" / name / "result.json").read_text()) for name in ("mine", "clean")]
    assert [one["data"]["runs"][0]["degradation"] for one in recorded] == ["synthetic_mild", "bicubic"]
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["clean", "mine", "smoke-seeds"]


def test_a_study_with_other_settings_needs_a_name_of_its_own(cincgan, monkeypatch, folder, unseen, tmp_path):
    calls = []
    seeds = dataclasses.replace(
        studying._STUDIES["seeds"], run=lambda **given: calls.append(given) or tmp_path / "there"
    )
    monkeypatch.setitem(studying._STUDIES, "seeds", seeds)
    given = ["study", "seeds", "--preset", "smoke", "--photos", folder, "--held-out", unseen, "--set", "first.steps=3"]
    refused = cincgan(*given)
    assert refused.status == 2
    assert "--set: needs --record NAME" in refused.err
    assert cincgan(*given, "generator.local_mean=17", "--record", "mine").status == 0
    (call,) = calls
    changed = {"first.steps": 3, "generator.local_mean": 17}
    assert call["preset"] == with_settings(PRESETS["smoke"], changed)


@pytest.mark.parametrize(("name", "record"), [("seeds", "a/b"), ("signals", "mine")])
def test_a_name_that_cannot_be_is_refused_before_anything_is_trained(cincgan, folder, unseen, tmp_path, name, record):
    folders = ["--runs", tmp_path / "runs", "--results", tmp_path / "results"]
    given = ["--preset", "smoke", "--photos", folder, "--held-out", unseen, *folders, "--record", record]
    answer = cincgan("study", name, *given)
    assert answer.status == 2
    assert {"seeds": "expected a plain name", "signals": "under its own name"}[name] in answer.err
    assert not (tmp_path / "runs").exists()


def test_other_studies_take_no_budget(cincgan, monkeypatch, folder, unseen, tmp_path):
    calls = []
    instead = dataclasses.replace(studying._STUDIES["bound"], run=lambda **given: calls.append(given) or tmp_path)
    monkeypatch.setitem(studying._STUDIES, "bound", instead)
    cincgan("study", "bound", "--preset", "smoke", "--photos", folder, "--held-out", unseen)
    assert set(calls[0]) == {"preset", "photographs", "held_out", "runs", "results", "name"}


@pytest.mark.slow
def test_the_table_is_made_from_nothing_on_the_bundled_photographs(cincgan, monkeypatch, tmp_path):
    monkeypatch.delenv("CINCGAN_VGG19", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    folders = ["--runs", tmp_path / "runs", "--results", tmp_path / "results"]
    answer = cincgan("study", "table", "--preset", "smoke", "--seeds", 0, "--budget", 0.3, *folders)
    assert answer.status == 0
    result = json.loads((tmp_path / "results" / "smoke-table" / "result.json").read_text(encoding="utf-8"))
    assert result["data"]["photographs"] == ["astronaut", "chelsea"]
    assert {"bicubic", "fsrcnn", "edsr-plus", "srgan-plus", "cincgan"} <= {
        line["key"] for line in result["data"]["table"]
    }
    assert all(line["steps"] for line in result["data"]["table"] if line["parameters"]["trained"])
