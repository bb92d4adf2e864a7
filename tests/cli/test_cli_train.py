"""``train`` and ``resume``: what they make, what they refuse, and what survives an interruption."""

import json
import shutil
from pathlib import Path

import pytest
from helpers import assert_same_tensors, picture, save_picture, write_photographs
from PIL import Image
from safetensors.torch import load_file

from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.training import Run, load_photographs, loop
from cincgan_tutorial.unpaired import bundled_photographs, folder_of_photographs
from cincgan_tutorial.weights import load_weights, save_weights

RUN_FILES = {"config.json", "log.jsonl", "checkpoint.pt", "weights.safetensors"}


def config(run: Path) -> dict:
    return json.loads((run / "config.json").read_text(encoding="utf-8"))


def test_training_on_the_bundled_photographs_leaves_a_whole_run(cincgan, tmp_path):
    run = tmp_path / "deep" / "run"
    answer = cincgan("train", "--preset", "smoke", "--run", run)
    assert answer.status == 0
    assert answer.out == f"Finished: {run / 'weights.safetensors'}\n"
    assert {path.name for path in run.iterdir()} == RUN_FILES
    bundled = bundled_photographs()
    facts = load_weights(run).facts
    assert facts["source"] == "bundled"
    assert facts["x_photographs"] == {p.name: p.sha256 for p in bundled.x}
    assert facts["yz_photographs"] == {p.name: p.sha256 for p in bundled.yz}


def test_training_on_a_folder_uses_its_halves(cincgan, folder, tmp_path):
    run = tmp_path / "run"
    assert cincgan("train", "--preset", "smoke", "--photos", folder, "--run", run).status == 0
    photographs = folder_of_photographs(folder)
    trained = load_weights(run)
    assert trained.preset == PRESETS["smoke"]
    assert trained.facts["x_photographs"] == {p.name: p.sha256 for p in photographs.x}
    assert trained.facts["yz_photographs"] == {p.name: p.sha256 for p in photographs.yz}
    stages = [line["stage"] for line in Run(run).log]
    assert list(dict.fromkeys(stages)) == ["pretrain", "first", "joint"]


def test_a_split_csv_is_obeyed(cincgan, tmp_path):
    photos = write_photographs(tmp_path / "photos", count=3)
    (photos / "split.csv").write_text("file,half\np1.png,A\np0.png,B\n", encoding="utf-8")
    settings = ["first.steps=0", "joint.steps=0", "pretrain.steps=1"]
    run = tmp_path / "run"
    assert cincgan("train", "--preset", "smoke", "--photos", photos, "--run", run, "--set", *settings).status == 0
    assert list(config(run)["photographs"]["x"]) == ["p1.png"]
    assert list(config(run)["photographs"]["yz"]) == ["p0.png"]


def test_settings_reach_the_run(cincgan, folder, tmp_path):
    arguments = ["train", "--preset", "smoke", "--photos", folder, "--run", tmp_path / "run"]
    first, second = ["--set", "seed=3", "first.steps=2"], ["--set", "first.cycle_one.tv=0.25", "first.warm_up=0"]
    assert cincgan(*arguments, *first, *second).status == 0
    preset = load_weights(tmp_path / "run").preset
    assert (preset.seed, preset.first.steps, preset.first.cycle_one.tv) == (3, 2, 0.25)
    assert [line["step"] for line in Run(tmp_path / "run").log if line["stage"] == "first"] == [2]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["first.stpes=3"], "'steps'"),
        (["frist.steps=3"], "'first'"),
        (["sede=3"], "'seed'"),
        (["first.cycle_one.tw=3"], "tv"),
        (["first.steps=ten"], "expected int, got 'ten'"),
        (["first.steps=2.5"], "expected int, got '2.5'"),
        (["first.steps=nan"], "expected int, got 'nan'"),
        (["first.lr=fast"], "expected float, got 'fast'"),
        (["generator.residual=perhaps"], "expected true or false"),
        (["precision=fp8"], "auto, fp32, bf16, fp16"),
        (["first=3"], "group of settings"),
        (["seed.steps=3"], "single value"),
        (["first.steps"], "expected KEY=VALUE"),
        (["=3"], "expected KEY=VALUE"),
        (["first.cycle_two.tv=3"], "takes no part"),
        (["seed=1", "patch=18"], "multiple of 4"),
        (["scale=3"], "expected 2 or 4"),
        (["first.steps=-1"], "can't be negative"),
        (["joint.batch=0"], "at least 1"),
        (["save_every=0"], "at least 1"),
        (["first.cycle_one=none"], "cycle_one"),
        (["ema=1"], "ema"),
        (["seed=-1"], "seed"),
        (["start=nowhere"], "nowhere"),
        (["degradation=synthetic_mid"], "synthetic_mild"),
        (["first.lr=-1"], "lr"),
        (["joint.lr_D=-1"], "lr_D"),
        (["first.lr=nan"], "lr"),
        (["beta1=2"], "beta1"),
        (["clip=-1"], "clip"),
        (["generator.blocks=-1"], "blocks"),
        (["discriminator.widest=0"], "widest"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_setting_that_makes_no_sense_is_named_before_anything_is_made(cincgan, folder, tmp_path, settings, said):
    run = tmp_path / "run"
    answer = cincgan("train", "--preset", "smoke", "--photos", folder, "--run", run, "--set", *settings)
    assert said in answer.error()
    assert not run.exists()


@pytest.mark.parametrize(("name", "nearest"), [("smok", "'smoke'"), ("leson", "'lesson'"), ("papre", "'paper'")])
def test_an_unknown_preset_suggests_the_nearest(cincgan, folder, tmp_path, name, nearest):
    error = cincgan("train", "--preset", name, "--photos", folder, "--run", tmp_path / "run").error()
    assert f"Did you mean {nearest}?" in error
    assert all(preset in error for preset in PRESETS)
    assert not (tmp_path / "run").exists()


def test_photographs_that_can_not_be_trained_on_are_named_before_anything_is_made(cincgan, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    one = write_photographs(tmp_path / "one", count=1)
    small = write_photographs(tmp_path / "small", count=2, height=40, width=90)
    broken = write_photographs(tmp_path / "broken")
    (broken / "p2.png").write_bytes((broken / "p2.png").read_bytes()[:900])
    text = write_photographs(tmp_path / "text")
    (text / "note.jpg").write_text("no image", encoding="utf-8")
    cmyk = write_photographs(tmp_path / "cmyk")
    Image.fromarray(picture(72, 84)).convert("CMYK").save(cmyk / "print.jpg")
    for photos, said in {
        tmp_path / "missing": "not a folder",
        empty: "no images",
        one: "at least two",
        small: "smaller than a patch",
        broken: "p2.png",
        text: "note.jpg",
        cmyk: "print.jpg: colour mode CMYK",
    }.items():
        answer = cincgan("train", "--preset", "smoke", "--photos", photos, "--run", tmp_path / "run")
        assert said in answer.error()
        assert not (tmp_path / "run").exists(), photos


def test_one_photograph_in_both_halves_is_named(cincgan, tmp_path):
    photos = tmp_path / "photos"
    save_picture(photos / "a.png", picture(72, 84, 1))
    save_picture(photos / "copy of a.bmp", picture(72, 84, 1))
    (photos / "split.csv").write_text("file,half\na.png,A\ncopy of a.bmp,B\n", encoding="utf-8")
    error = cincgan("train", "--preset", "smoke", "--photos", photos, "--run", tmp_path / "run").error()
    assert "'a.png'" in error
    assert "'copy of a.bmp'" in error
    assert not (tmp_path / "run").exists()


def test_a_folder_with_other_things_in_it_is_refused_and_kept(cincgan, folder, tmp_path, snapshot):
    run = tmp_path / "run"
    run.mkdir()
    (run / "diary.txt").write_text("dear", encoding="utf-8")
    before = snapshot(run)
    assert "not an empty folder" in cincgan("train", "--preset", "smoke", "--photos", folder, "--run", run).error()
    assert snapshot(run) == before


def test_a_file_in_the_place_of_the_run_is_refused_and_kept(cincgan, folder, tmp_path):
    run = tmp_path / "run"
    run.write_text("mine", encoding="utf-8")
    assert str(run) in cincgan("train", "--preset", "smoke", "--photos", folder, "--run", run).error()
    assert run.read_text(encoding="utf-8") == "mine"


def test_an_empty_folder_may_become_a_run(cincgan, folder, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    settings = ["first.steps=0", "joint.steps=0", "pretrain.steps=1"]
    assert cincgan("train", "--preset", "smoke", "--photos", folder, "--run", run, "--set", *settings).status == 0


def test_an_unfinished_run_is_refused_with_the_way_on(cincgan, folder, tmp_path, interrupt, snapshot):
    run = tmp_path / "run"
    interrupt("cycle_one_step", 5)
    assert cincgan("train", "--preset", "smoke", "--photos", folder, "--run", run).status == 130
    before = snapshot(run)
    error = cincgan("train", "--preset", "smoke", "--photos", folder, "--run", run).error()
    assert f"resume {run}" in error
    assert snapshot(run) == before


def test_training_again_into_a_finished_run_does_nothing(cincgan, folder, finished, snapshot):
    before, written = snapshot(finished), {path: path.stat().st_mtime_ns for path in finished.iterdir()}
    answer = cincgan("train", "--preset", "smoke", "--photos", folder, "--run", finished)
    assert answer.status == 0
    assert "already finished" in answer.out
    assert f"evaluate --weights {finished}" in answer.out
    assert snapshot(finished) == before
    assert {path: path.stat().st_mtime_ns for path in finished.iterdir()} == written


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (["seed=5"], "seed is 0 there and 5 here."),
        (["generator.blocks=2"], "generator.blocks is 1 there and 2 here."),
        (["ema=0"], "ema is 0.998 there and 0.0 here."),
        (["precision=bf16"], "precision is 'fp32' there and 'bf16' here."),
        (["seed=5", "ema=0", "clip=2", "joint.lr=1", "first.lr=1"], "; and 2 more."),
    ],
)
def test_a_finished_run_of_other_settings_is_no_answer(cincgan, folder, finished, snapshot, settings, named):
    before = snapshot(finished)
    arguments = ["train", "--preset", "smoke", "--photos", folder, "--run", finished, "--set", *settings]
    error = cincgan(*arguments).error()
    assert "already holds a finished run" in error
    assert named in error
    assert snapshot(finished) == before


def test_a_finished_run_of_another_preset_or_other_photographs_is_no_answer(
    cincgan, folder, finished, snapshot, tmp_path
):
    before = snapshot(finished)
    arguments = ["train", "--run", finished, "--photos"]
    error = cincgan(*arguments, folder).error()
    assert "asked for: preset is 'smoke' there and 'lesson' here." in error
    others = write_photographs(tmp_path / "others", count=3, first_seed=50)
    error = cincgan(*arguments, others, "--preset", "smoke").error()
    assert f"X photographs are the 2 of {folder.name!r} there and the 1 of 'others' here" in error
    assert f"YZ photographs are the 2 of {folder.name!r} there and the 2 of 'others' here" in error
    assert "preset is" not in error
    error = cincgan("train", "--run", finished, "--preset", "smoke").error()
    assert "of 'bundled' here" in error
    assert snapshot(finished) == before


def test_the_same_photographs_in_another_folder_are_the_same(cincgan, folder, finished, snapshot, tmp_path):
    before = snapshot(finished)
    shutil.copytree(folder, tmp_path / "copied")
    answer = cincgan("train", "--preset", "smoke", "--photos", tmp_path / "copied", "--run", finished)
    assert (answer.status, snapshot(finished)) == (0, before)


def test_a_finished_run_is_known_again_although_its_precision_was_settled(cincgan, folder, tmp_path):
    nothing = ["--set", "pretrain.steps=0", "first.steps=0", "joint.steps=0", "precision=auto"]
    arguments = ["train", "--preset", "smoke", "--photos", folder, "--run", tmp_path / "run", *nothing]
    assert cincgan(*arguments).status == 0
    assert "already finished" in cincgan(*arguments).out


def test_resuming_a_finished_run_does_nothing(cincgan, finished, snapshot):
    before = snapshot(finished)
    answer = cincgan("resume", finished)
    assert (answer.status, answer.out) == (0, f"Already finished: {finished / 'weights.safetensors'}\n")
    assert snapshot(finished) == before


def test_a_run_that_only_has_its_config_is_resumed_from_step_0(cincgan, folder, finished_run, tmp_path):
    photographs = load_photographs(str(folder))
    run = Run.create(tmp_path / "run", PRESETS["smoke"], photographs, finished_run.config["facts"])
    answer = cincgan("resume", run.folder)
    assert (answer.status, answer.out) == (0, f"Finished: {run.weights_path}\n")
    assert_same_tensors(load_file(run.weights_path), load_file(finished_run.weights_path))


def test_a_run_that_was_moved_goes_on_with_its_photographs_where_they_are_now(
    cincgan, folder, finished_run, tmp_path, interrupt
):
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(folder, here / "photographs")
    interrupt("cycle_one_step", 4)
    arguments = ("--preset", "smoke", "--photos", here / "photographs", "--run", here / "run")
    assert cincgan("train", *arguments).status == 130
    here.rename(there)
    assert f"resume {there / 'run'} --photos" in cincgan("resume", there / "run").error()
    interrupt("cycle_one_step", 1)
    assert cincgan("resume", there / "run", "--photos", there / "photographs").status == 130
    assert cincgan("resume", there / "run").status == 0, "where they are is remembered"
    weights = there / "run" / "weights.safetensors"
    assert_same_tensors(load_file(weights), load_file(finished_run.weights_path))


def test_a_finished_run_needs_no_photographs_any_more(cincgan, finished, tmp_path):
    assert cincgan("resume", finished, "--photos", tmp_path / "gone").out.startswith("Already finished")


def test_a_moved_run_misses_what_it_began_with_before_it_trains(cincgan, folder, finished, tmp_path, interrupt):
    (tmp_path / "start").mkdir()
    start = shutil.copy(finished / "weights.safetensors", tmp_path / "start" / "w.safetensors")
    run = tmp_path / "run"
    interrupt("joint_step", 2)
    arguments = ("--preset", "smoke", "--photos", folder, "--run", run, "--set", f"start={start}")
    assert cincgan("train", *arguments).status == 130
    Path(start).unlink()
    before = (run / "log.jsonl").read_bytes()
    assert str(start) in cincgan("resume", run).error()
    assert (run / "log.jsonl").read_bytes() == before


def test_a_run_that_was_moved_takes_no_other_photographs(cincgan, unseen, finished, snapshot):
    (finished / "weights.safetensors").unlink()
    before = snapshot(finished)
    error = cincgan("resume", finished, "--photos", unseen).error()
    assert "are not those that the run was started with" in error
    assert snapshot(finished) == before


@pytest.mark.parametrize(
    ("name", "number"), [("pretrain_step", 2), ("pretrain_step", 5), ("cycle_one_step", 4), ("joint_step", 3)]
)
def test_ctrl_c_says_how_to_go_on_and_going_on_gives_the_undisturbed_weights(
    cincgan, folder, finished_run, tmp_path, interrupt, name, number
):
    run = tmp_path / "run"
    interrupt(name, number)
    answer = cincgan("train", "--preset", "smoke", "--photos", folder, "--run", run)
    assert answer.status == 130
    assert "Traceback" not in answer.err
    assert f"python -m cincgan_tutorial resume {run}" in answer.err
    assert not (run / "weights.safetensors").exists()
    assert not list(run.glob(".*.part"))
    assert cincgan("resume", run).status == 0  # the interruption comes once: the count goes on
    assert_same_tensors(load_file(run / "weights.safetensors"), load_file(finished_run.weights_path))


def test_ctrl_c_while_resuming_says_how_to_go_on(cincgan, folder, tmp_path, interrupt):
    run = tmp_path / "run"
    interrupt("cycle_one_step", 4)
    cincgan("train", "--preset", "smoke", "--photos", folder, "--run", run)
    interrupt("cycle_one_step", 1)
    answer = cincgan("resume", run)
    assert answer.status == 130
    assert f"resume {run}" in answer.err


def test_ctrl_c_before_there_is_a_run_promises_no_resume(cincgan, folder, tmp_path, monkeypatch):
    def pressed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cincgan_tutorial.cli.training.load_photographs", pressed)
    answer = cincgan("train", "--preset", "smoke", "--photos", folder, "--run", tmp_path / "run")
    assert answer.status == 130
    assert "resume" not in answer.err


@pytest.mark.parametrize("size", [10_000, 100_000, 200_000])
def test_a_full_disk_loses_nothing_and_the_run_goes_on_later(cincgan, folder, finished_run, tmp_path, full_disk, size):
    """At these sizes config.json can still be written and a checkpoint can't."""
    run = tmp_path / "run"
    with full_disk(size):
        answer = cincgan("train", "--preset", "smoke", "--photos", folder, "--run", run)
    assert f"resume {run}" in answer.error()
    assert "could not be read or written" in answer.err
    assert {path.name for path in run.iterdir()} == {"config.json", "log.jsonl"}
    assert cincgan("resume", run).status == 0
    assert_same_tensors(load_file(run / "weights.safetensors"), load_file(finished_run.weights_path))


def test_a_disk_that_fills_up_later_keeps_the_checkpoint(cincgan, folder, finished_run, tmp_path, interrupt, full_disk):
    run = tmp_path / "run"
    interrupt("cycle_one_step", 4)
    cincgan("train", "--preset", "smoke", "--photos", folder, "--run", run)
    checkpoint = (run / "checkpoint.pt").read_bytes()
    with full_disk(100_000):
        assert "the last checkpoint is untouched" in cincgan("resume", run).error()
    assert (run / "checkpoint.pt").read_bytes() == checkpoint
    assert cincgan("resume", run).status == 0
    assert_same_tensors(load_file(run / "weights.safetensors"), load_file(finished_run.weights_path))


def test_no_room_for_the_weights_says_how_to_go_on(cincgan, finished, finished_run, full_disk, monkeypatch):
    """The last checkpoint fits, the weights don't: all training is done, and only the weights have to be written."""
    (finished / "weights.safetensors").unlink()

    def save_on_a_full_disk(*arguments):
        with full_disk(100_000):
            save_weights(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_weights", save_on_a_full_disk)
        error = cincgan("resume", finished).error()
    assert {path.name for path in finished.iterdir()} == RUN_FILES - {"weights.safetensors"}
    assert cincgan("resume", finished).status == 0
    assert_same_tensors(load_file(finished / "weights.safetensors"), load_file(finished_run.weights_path))
    assert "weights.safetensors" in error
    assert f"resume {finished}" in error


def test_no_room_for_the_config_leaves_the_folder_free(cincgan, folder, tmp_path, full_disk):
    arguments = ["train", "--preset", "smoke", "--photos", folder, "--run", tmp_path / "run"]
    with full_disk(100):
        cincgan(*arguments).error()
    assert cincgan(*arguments, "--set", "pretrain.steps=1", "first.steps=0", "joint.steps=0").status == 0


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"preset": {}}', '{"preset": {"nam": "smoke"}}', "\xff"])
def test_resuming_a_damaged_config_is_refused(cincgan, tmp_path, content):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text(content, encoding="latin-1")
    assert str(run) in cincgan("resume", run).error()


@pytest.mark.parametrize("make", [lambda run: None, lambda run: run.mkdir(), lambda run: run.write_text("x")])
def test_resuming_where_there_is_no_run_is_refused(cincgan, tmp_path, make):
    run = tmp_path / "run"
    make(run)
    error = cincgan("resume", run).error()
    assert "no run here" in error
    assert f"train --run {run}" in error


@pytest.mark.parametrize("keep", [0, 100, 300_000])
def test_resuming_a_damaged_checkpoint_is_refused_and_it_is_kept(cincgan, finished, snapshot, keep):
    (finished / "weights.safetensors").unlink()
    checkpoint = finished / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:keep])
    before = snapshot(finished)
    assert "damaged, or not a checkpoint" in cincgan("resume", finished).error()
    assert snapshot(finished) == before


def test_resuming_with_changed_photographs_is_refused(cincgan, tmp_path, interrupt):
    photos, run = write_photographs(tmp_path / "photos"), tmp_path / "run"
    interrupt("cycle_one_step", 4)
    assert cincgan("train", "--preset", "smoke", "--photos", photos, "--run", run).status == 130
    save_picture(photos / "p0.png", picture(72, 84, 50))
    assert "the X photographs are not those that the run was started with" in cincgan("resume", run).error()
    for path in photos.iterdir():
        path.unlink()
    photos.rmdir()
    assert "not a folder" in cincgan("resume", run).error()


def test_a_run_begun_with_a_relative_folder_is_resumed_from_anywhere(cincgan, tmp_path, monkeypatch, interrupt):
    write_photographs(Path("photos"))
    interrupt("cycle_one_step", 4)
    assert cincgan("train", "--preset", "smoke", "--photos", "photos", "--run", tmp_path / "run").status == 130
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert cincgan("resume", tmp_path / "run").status == 0


def test_training_begins_with_given_weights(cincgan, folder, finished, tmp_path):
    nothing = ["pretrain.steps=0", "first.steps=0", "joint.steps=0"]
    arguments = ["train", "--preset", "smoke", "--photos", folder, "--run", tmp_path / "run"]
    assert cincgan(*arguments, "--set", f"start={finished}", *nothing).status == 0
    start, end = (load_weights(run).nets.state_dict() for run in (finished, tmp_path / "run"))
    assert_same_tensors(start, end)


def test_weights_of_another_size_are_no_start(cincgan, folder, finished, tmp_path):
    arguments = ["train", "--preset", "smoke", "--photos", folder, "--run", tmp_path / "run"]
    error = cincgan(*arguments, "--set", f"start={finished}", "sr.features=12").error()
    assert "another sr" in error
    assert not (tmp_path / "run").exists()


def test_the_loop_is_the_one_that_is_interrupted_here():
    """The fixture `interrupt` patches these names; a renamed step would make its tests pass without one."""
    assert all(hasattr(loop, name) for name in ("pretrain_step", "cycle_one_step", "joint_step"))
