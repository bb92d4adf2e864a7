"""What lets each chapter run alone: where runs are, which one is the newest, and whose networks are looked at."""

import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from cincgan_tutorial import weights
from cincgan_tutorial.experiments import chapters, newest_run, runs_folder, train_or_resume, trained_networks
from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.training import Run, train
from cincgan_tutorial.weights import load_weights


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """The folder of runs of these tests, empty; nothing is shipped."""
    monkeypatch.setenv("CINCGAN_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(weights, "SHIPPED", tmp_path / "shipped")
    (tmp_path / "shipped").mkdir()
    return tmp_path / "runs"


@pytest.fixture
def ship(tmp_path, finished_run, small_lesson):
    """Put weights called "mild" into the installation; their seed is 77."""

    def put():
        trained = load_weights(finished_run.folder)
        file = tmp_path / "shipped" / "mild.safetensors"
        weights.save_weights(file, dataclasses.replace(trained, preset=dataclasses.replace(small_lesson, seed=77)))
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        (file.parent / "SHA256SUMS").write_text(f"{digest}  {file.name}\n", encoding="utf-8")

    return put


@pytest.fixture
def add_run(runs, finished_run, small_lesson):
    """Put a finished run into the folder of runs, as old as told, with its seed as a mark."""

    def add(name, seed, age, preset_name="lesson", finished=True):
        folder = Path(shutil.copytree(finished_run.folder, runs / name))
        preset = dataclasses.replace(small_lesson, name=preset_name, seed=seed)
        content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        (folder / "config.json").write_text(json.dumps(content | {"preset": preset.to_dict()}), encoding="utf-8")
        file = folder / "weights.safetensors"
        if finished:
            weights.save_weights(file, dataclasses.replace(load_weights(finished_run.folder), preset=preset))
            os.utime(file, (1_000_000_000 - age, 1_000_000_000 - age))
        else:
            file.unlink()
        return folder

    return add


@pytest.fixture
def on_small_photographs(monkeypatch, photographs, small_lesson):
    """Chapters train on small photographs, the lesson is as short as smoke, and what they train is counted."""
    trained = []
    bundled = dataclasses.replace(photographs, path="bundled")

    def counted(preset, given, folder):
        trained.append(preset.name)
        assert given is bundled
        return train(preset, given, folder)

    monkeypatch.setattr(chapters, "photographs_here", lambda: bundled)
    monkeypatch.setattr(chapters, "train", counted)
    monkeypatch.setitem(PRESETS, "lesson", small_lesson)
    return trained


def test_runs_are_where_the_environment_says(monkeypatch, elsewhere):
    monkeypatch.setenv("CINCGAN_RUNS", "some/where")
    assert runs_folder() == Path("some/where")


@pytest.mark.parametrize("variable", [None, ""])
def test_runs_are_at_the_top_of_a_checkout(monkeypatch, tmp_path, variable):
    monkeypatch.delenv("CINCGAN_RUNS")
    if variable is not None:
        monkeypatch.setenv("CINCGAN_RUNS", variable)
    (tmp_path / "book" / "notebooks").mkdir(parents=True)
    (tmp_path / "book" / "_toc.yml").touch()
    for below in ("book", "book/notebooks"):
        monkeypatch.chdir(tmp_path / below)
        assert runs_folder() == tmp_path / "book" / "runs"


def test_runs_are_here_outside_a_checkout(monkeypatch, elsewhere):
    monkeypatch.delenv("CINCGAN_RUNS")
    assert runs_folder() == elsewhere / "runs"


def test_the_newest_run_is_the_newest_finished_one_of_the_preset(add_run, runs, small_lesson):
    add_run("oldest", seed=1, age=300)
    add_run("a newest", seed=2, age=100)
    add_run("middle", seed=3, age=200)
    add_run("other preset", seed=4, age=10, preset_name="colab")
    add_run("not finished", seed=5, age=0, finished=False)
    (runs / "no run").mkdir()
    shutil.copy(runs / "oldest" / "weights.safetensors", runs / "no run" / "weights.safetensors")
    assert newest_run(small_lesson) == Run(runs / "a newest")
    assert newest_run(dataclasses.replace(small_lesson, name="colab")) == Run(runs / "other preset")


def test_a_seed_or_length_of_its_own_makes_no_other_preset(add_run, runs, small_lesson):
    add_run("mine", seed=9, age=1)
    assert newest_run(small_lesson) == Run(runs / "mine")


def test_there_may_be_no_newest_run(add_run, runs, small_lesson):
    assert newest_run(small_lesson) is None
    add_run("variant", seed=1, age=1)
    (runs / "study").mkdir()
    (runs / "variant").rename(runs / "study" / "variant")
    assert newest_run(small_lesson) is None, "a variant of a study was taken for a run"


def test_the_newest_run_comes_before_shipped_weights(add_run, ship, small_lesson):
    ship()
    add_run("mine", seed=2, age=100)
    assert trained_networks(small_lesson).preset.seed == 2


def test_shipped_weights_come_before_training(ship, small_lesson, on_small_photographs):
    ship()
    assert trained_networks(small_lesson).preset.seed == 77
    assert on_small_photographs == []


def test_with_neither_the_chapter_trains(runs, small_lesson, on_small_photographs):
    trained = trained_networks(small_lesson)
    assert on_small_photographs == ["lesson"]
    assert trained.preset == small_lesson
    assert Run(runs / "chapter-6-lesson").finished
    trained_networks(small_lesson)
    assert on_small_photographs == ["lesson"], "trained twice"


def test_smoke_is_never_looked_at_while_weights_are_shipped(add_run, ship, on_small_photographs):
    ship()
    add_run("smoke", seed=5, age=1, preset_name="smoke")
    trained = trained_networks(PRESETS["smoke"])
    assert (trained.preset.name, trained.preset.seed) == ("lesson", 77)
    assert on_small_photographs == []


def test_smoke_without_shipped_weights_is_trained(on_small_photographs):
    assert trained_networks(PRESETS["smoke"]).preset.name == "smoke"
    assert on_small_photographs == ["smoke"]


def test_the_preset_of_the_environment_is_the_default(monkeypatch, add_run, ship, on_small_photographs):
    monkeypatch.setenv("CINCGAN_PRESET", "colab")
    add_run("lesson", seed=2, age=1)
    add_run("colab", seed=3, age=100, preset_name="colab")
    assert trained_networks().preset.seed == 3
    monkeypatch.setenv("CINCGAN_PRESET", "lesson")
    assert trained_networks().preset.seed == 2
    monkeypatch.setenv("CINCGAN_PRESET", "smoke")
    assert train_or_resume().preset.name == "smoke"


def test_an_interrupted_run_of_a_chapter_goes_on(runs, small_lesson, on_small_photographs):
    first = train_or_resume(small_lesson)
    assert first == Run(runs / "chapter-6-lesson")
    first.weights_path.unlink()
    assert train_or_resume(small_lesson).finished
    assert on_small_photographs == ["lesson"]


def test_a_run_on_other_photographs_has_a_folder_of_its_own(runs, small_lesson, on_small_photographs, monkeypatch):
    other = dataclasses.replace(chapters.photographs_here(), source="div2k-track2", path="elsewhere")
    first = train_or_resume(small_lesson)
    monkeypatch.setattr(chapters, "photographs_here", lambda: other)
    monkeypatch.setattr(chapters, "train", train)
    second = train_or_resume(small_lesson)
    assert (first, second) == (Run(runs / "chapter-6-lesson"), Run(runs / "chapter-6-lesson-div2k-track2"))
    second.weights_path.unlink()
    assert train_or_resume(small_lesson) == second
    assert second.finished
