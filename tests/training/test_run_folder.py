"""The run folder and everything that can be wrong with it; whatever happens, nothing is lost."""

import errno
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
import torch
from helpers import ROOT, assert_same_tensors, picture, save_picture, write_photographs
from training_helpers import PulledPlug, assert_same_run, pull_the_plug_at

from cincgan_tutorial.presets import PRESETS, check, with_settings
from cincgan_tutorial.training import Run, checkpoint, load_photographs, loop, read_log, resume, train
from cincgan_tutorial.training.run import writing
from cincgan_tutorial.unpaired import folder_of_photographs
from cincgan_tutorial.weights import load_weights


@pytest.fixture
def interrupted(smoke, photographs, tmp_path, monkeypatch):
    """A run that stopped in stage one."""
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 10)
        with pytest.raises(PulledPlug):
            train(smoke, photographs, tmp_path / "run", command="test")
    return Run.open(tmp_path / "run")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_config_is_written_first(smoke, photographs, tmp_path, monkeypatch):
    pull_the_plug_at(monkeypatch, 0)
    with pytest.raises(PulledPlug):
        train(smoke, photographs, tmp_path / "run", command="the command")
    run = Run.open(tmp_path / "run")
    assert run.preset == smoke
    config = run.config
    assert config["facts"]["command"] == "the command"
    assert config["photographs"]["x"] == {p.name: p.sha256 for p in photographs.x}
    assert config["photographs"]["yz"] == {p.name: p.sha256 for p in photographs.yz}
    assert config["photographs"]["path"] == photographs.path


def test_auto_precision_is_settled_and_recorded(smoke, photographs, tmp_path, monkeypatch):
    monkeypatch.setattr("cincgan_tutorial.training.loop.settle", lambda precision, device: "bf16")
    pull_the_plug_at(monkeypatch, 0)
    with pytest.raises(PulledPlug):
        train(with_settings(smoke, {"precision": "auto"}), photographs, tmp_path / "run")
    assert Run.open(tmp_path / "run").preset.precision == "bf16"


@pytest.mark.parametrize("kind", ["finished", "unfinished", "other file", "a file itself"])
def test_an_occupied_folder_is_refused_and_left_alone(finished_run, smoke, photographs, tmp_path, kind):
    folder = tmp_path / "run"
    if kind == "a file itself":
        folder.write_text("mine")
    else:
        shutil.copytree(finished_run.folder, folder)
    if kind == "unfinished":
        (folder / "weights.safetensors").unlink()
    if kind == "other file":
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "thesis.txt").write_text("mine")
    before = contents(folder) if folder.is_dir() else folder.read_bytes()
    message = {
        "finished": "already holds a finished run",
        "unfinished": r"not finished \(go on with: resume",
        "other file": "not an empty folder",
        "a file itself": "not an empty folder",
    }[kind]
    with pytest.raises(ValueError, match=message):
        train(smoke, photographs, folder)
    assert (contents(folder) if folder.is_dir() else folder.read_bytes()) == before


def test_a_run_that_cannot_start_leaves_no_folder(photographs, tmp_path):
    with pytest.raises(ValueError, match="smaller than a patch"):
        train(PRESETS["lesson"], photographs, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("name", "nearest"), [("syntetic_mild", "synthetic_mild"), ("bicubik", "bicubic")])
def test_an_unknown_degradation_is_refused_and_the_right_name_shown(smoke, photographs, tmp_path, name, nearest):
    with pytest.raises(ValueError, match=rf"{name}.*{nearest}"):
        train(with_settings(smoke, {"degradation": name}), photographs, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("settings", [{"scale": 2}, {"patch": 8}, {"scale": 2, "patch": 8}])
def test_whatever_passes_the_check_can_be_trained(smoke, photographs, tmp_path, settings):
    preset = replace(smoke, **settings)
    with suppress(ValueError):
        check(preset)
        assert train(preset, photographs, tmp_path / "run").finished


@pytest.mark.parametrize("value", ["-0.001", "nan"])
def test_an_impossible_learning_rate_is_refused_before_a_folder_is_made(smoke, photographs, tmp_path, value):
    with pytest.raises(ValueError, match=r"first\.lr"):
        train(with_settings(smoke, {"first.lr": value}), photographs, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_resume_where_there_is_no_run(tmp_path):
    with pytest.raises(ValueError, match=r"no run here.*train --run"):
        resume(tmp_path)
    (tmp_path / "config.json").write_text('{"preset": ')
    with pytest.raises(ValueError, match=r"config\.json: damaged"):
        resume(tmp_path)


@pytest.mark.parametrize("change", ["replaced", "removed", "moved to the other half", "folder gone"])
def test_changed_photographs_are_noticed(smoke, tmp_path, monkeypatch, change):
    folder = write_photographs(tmp_path / "photographs")
    (folder / "split.csv").write_text("file,half\np0.png,A\np1.png,A\np2.png,B\np3.png,B\n")
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 8)
        with pytest.raises(PulledPlug):
            train(smoke, folder_of_photographs(folder), tmp_path / "run")
    before = contents(tmp_path / "run")
    message = "the X photographs are not those"
    if change == "replaced":
        save_picture(folder / "p2.png", picture(72, 84, 99))
        message = "the YZ photographs are not those"
    elif change == "removed":
        (folder / "split.csv").write_text("file,half\np0.png,A\np2.png,B\np3.png,B\n")
    elif change == "moved to the other half":
        (folder / "split.csv").write_text("file,half\np0.png,B\np1.png,B\np2.png,A\np3.png,A\n")
    else:
        shutil.rmtree(folder)
        message = "not a folder"
    with pytest.raises(ValueError, match=message):
        resume(tmp_path / "run")
    assert contents(tmp_path / "run") == before


def test_renamed_photographs_are_the_same_photographs(smoke, tmp_path, monkeypatch):
    folder = write_photographs(tmp_path / "photographs")
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 8)
        with pytest.raises(PulledPlug):
            train(smoke, folder_of_photographs(folder), tmp_path / "run")
    for number, path in enumerate(sorted(folder.iterdir(), reverse=True)):
        path.rename(folder / f"new{number}.png")
    assert resume(tmp_path / "run").finished


def fill_the_disk(monkeypatch, after):
    """Let torch.save succeed `after` times and then write half a file and fail as a full disk does."""
    real, count = torch.save, iter(range(10**6))

    def save(state, path):
        real(state, path)
        if next(count) >= after:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.torch, "save", save)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_full_disk_while_saving(smoke, photographs, finished_run, tmp_path, monkeypatch, after):
    with monkeypatch.context() as patch:
        fill_the_disk(patch, after)
        kept = "the last checkpoint is untouched" if after else "there is no checkpoint yet"
        with pytest.raises(OSError, match=rf"(?s)could not be read or written .*No space left.*{kept}.*then: resume"):
            train(smoke, photographs, tmp_path / "run", command="test")
    run = Run.open(tmp_path / "run")
    assert set(contents(run.folder)) == {"config.json", "log.jsonl"} | ({"checkpoint.pt"} if after else set())
    assert_same_run(resume(run.folder), finished_run)


def test_a_disk_that_is_really_too_small(interrupted, finished_run):
    """The kernel refuses to let the file grow, as it does on a full disk or beyond a quota."""
    kept = interrupted.checkpoint_path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(kept) // 2, hard))
    try:
        with pytest.raises(OSError, match=r"(?s)could not be read or written .*checkpoint\.pt.*untouched"):
            resume(interrupted.folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert interrupted.checkpoint_path.read_bytes() == kept
    assert set(contents(interrupted.folder)) == {"config.json", "log.jsonl", "checkpoint.pt"}
    assert_same_run(resume(interrupted.folder), finished_run)


@contextmanager
def read_only(folder):
    """A command's beginning under which the folder can't be written: by its permissions, which root would ignore."""
    if os.geteuid():
        folder.chmod(0o555)
        try:
            yield []
        finally:
            folder.chmod(0o755)
        return
    mounted = f'mount --bind "{folder}" "{folder}" && mount -o remount,ro,bind "{folder}"'
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "sh", "-c", mounted]).returncode:
        pytest.skip("root here can write everywhere, and may not mount a folder read-only")
    yield ["unshare", "-m", "sh", "-c", f'{mounted} && exec "$0" "$@"']


def test_a_folder_that_became_read_only(interrupted, finished_run):
    """Really so: said with the name of the file, and what to do; what is there stays, and is gone on from later."""
    before = contents(interrupted.folder)
    command = [sys.executable, "-m", "cincgan_tutorial", "resume", str(interrupted.folder)]
    with read_only(interrupted.folder) as beginning:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run([*beginning, *command], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert f"{interrupted.folder}: could not be read or written" in said
    assert "log.jsonl'); the last checkpoint is untouched." in said
    assert said.endswith(f"make the folder writable, then: resume {interrupted.folder}")
    assert "Traceback" not in said
    assert ".part" not in said
    assert contents(interrupted.folder) == before
    assert_same_run(resume(interrupted.folder), finished_run)


def test_a_disk_that_has_no_room_for_a_line_of_the_log(interrupted, finished_run, monkeypatch):
    real = loop._write_line

    def full(log, *rest):
        real(log, *rest)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_write_line", full)
        with pytest.raises(OSError, match=r"(?s)could not be read or written.*No space left.*untouched.*then: resume"):
            resume(interrupted.folder)
    assert_same_run(resume(interrupted.folder), finished_run)


def test_another_error_of_the_system_is_not_taken_for_one(interrupted):
    with pytest.raises(ConnectionResetError, match="lost"), writing(interrupted, "resume"):
        raise ConnectionResetError(errno.ECONNRESET, "lost")


def test_a_place_where_no_folder_can_be_made(smoke, photographs, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        train(smoke, photographs, tmp_path / "file" / "run")


def test_a_full_disk_at_the_very_end(smoke, photographs, finished_run, tmp_path, monkeypatch):
    real = type(tmp_path).write_bytes

    def full(self, content):
        if "weights.safetensors" in self.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, content)

    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            train(smoke, photographs, tmp_path / "run", command="test")
    assert not Run.open(tmp_path / "run").finished
    assert set(contents(tmp_path / "run")) == {"config.json", "log.jsonl", "checkpoint.pt"}
    assert_same_run(resume(tmp_path / "run"), finished_run)


@pytest.mark.parametrize(
    "damage", ["empty", "half", "text", "other pickle", "nonsense inside", "no settings", "other format"]
)
def test_a_damaged_checkpoint_is_named_and_left_alone(interrupted, damage):
    path = interrupted.checkpoint_path
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "half":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif damage == "text":
        path.write_text("not a checkpoint at all")
    elif damage == "other pickle":
        path.write_bytes(pickle.dumps([1, 2, 3]))
    elif damage == "nonsense inside":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in (("data.pkl", b"\x80\x02."), ("version", b"3"), ("byteorder", b"little")):
                archive.writestr(f"archive/{name}", content)
    elif damage == "no settings":
        torch.save({"format": checkpoint.FORMAT}, path)
    else:
        torch.save({"format": "something else 7"}, path)
    before = contents(interrupted.folder)
    with pytest.raises(ValueError, match=r"checkpoint\.pt: (damaged, or not a checkpoint|format)"):
        resume(interrupted.folder)
    assert contents(interrupted.folder) == before


@pytest.mark.parametrize(
    ("part", "damage"),
    [(part, "missing") for part in ("nets", "average", "optimizers", "scaler", "stage", "ranks", "versions")]
    + [(part, "renamed") for part in ("nets", "average", "optimizers", "stage")],
)
def test_a_checkpoint_that_can_be_read_but_lacks_a_part_is_named(interrupted, part, damage):
    """A flipped bit in a name is enough: torch does not look at the checksums of its own files."""
    saved = torch.load(interrupted.checkpoint_path, weights_only=True)
    if damage == "missing":
        del saved[part]
    elif part == "stage":
        saved[part] += "?"
    else:
        key = list(saved[part])[-1]
        saved[part][f"{key}?"] = saved[part].pop(key)
    torch.save(saved, interrupted.checkpoint_path)
    with pytest.raises(ValueError, match=r"checkpoint\.pt: damaged, or not a checkpoint"):
        resume(interrupted.folder)


def test_a_checkpoint_that_would_run_code_is_refused(interrupted, tmp_path):
    exploded = tmp_path / "exploded"

    class Bomb:
        def __reduce__(self):
            return exploded.mkdir, ()

    torch.save({"format": checkpoint.FORMAT, "bomb": Bomb()}, interrupted.checkpoint_path)
    with pytest.raises(ValueError, match="damaged, or not a checkpoint") as error:
        resume(interrupted.folder)
    assert not exploded.exists()
    assert "more than numbers and texts, and that is never loaded" in str(error.value)
    assert "weights_only" not in str(error.value), "torch's hint at how to run the code after all was passed on"


def test_a_checkpoint_of_other_settings_names_them(interrupted):
    config = interrupted.config
    config["preset"]["first"]["lr"] = 0.125
    config["preset"]["joint"]["cycle_two"]["tv"] = 3.0
    interrupted.config_path.write_text(json.dumps(config))
    with pytest.raises(ValueError, match="other settings") as error:
        resume(interrupted.folder)
    assert "first.lr is 0.0002 there and 0.125 here" in str(error.value)
    assert "joint.cycle_two.tv is 0.05 there and 3.0 here" in str(error.value)
    assert str(error.value).count(" there and ") == 2


def test_before_joint_is_what_the_first_two_stages_made(finished_run):
    trained = load_weights(finished_run.folder)
    after, before = trained.nets.upscaler().state_dict(), trained.before_joint.state_dict()
    assert any(not torch.equal(after[name], before[name]) for name in after if name.startswith("SR"))
    assert any(not torch.equal(after[name], before[name]) for name in after if name.startswith("G1"))


def test_read_log_leaves_out_only_the_incomplete_last_line(tmp_path):
    assert read_log(tmp_path / "none") == []
    (tmp_path / "log").write_text('{"step": 1}\n{"step": 2}\n{"st')
    assert read_log(tmp_path / "log") == [{"step": 1}, {"step": 2}]


@pytest.mark.parametrize("where", [None, "bundled"])
def test_without_a_folder_the_bundled_photographs_are_used(where, bundled):
    assert [p.sha256 for p in load_photographs(where).x] == [p.sha256 for p in bundled.x]


def test_a_run_on_the_bundled_photographs_can_be_resumed(smoke, bundled, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, 8)
        with pytest.raises(PulledPlug):
            train(smoke, bundled, tmp_path / "run")
    resumed = load_weights(resume(tmp_path / "run").folder)
    undisturbed = load_weights(train(smoke, bundled, tmp_path / "reference").folder)
    assert_same_tensors(resumed.nets.state_dict(), undisturbed.nets.state_dict())


@pytest.fixture(scope="module")
def real_run(tmp_path_factory):
    """A run on LR images as they came and HR photographs of other scenes."""
    root = tmp_path_factory.mktemp("real")
    write_photographs(root / "lr", 2, 18, 23, first_seed=70)
    write_photographs(root / "hr", 2, 72, 84, first_seed=80)
    return train(PRESETS["smoke"], load_photographs(str(root / "hr"), str(root / "lr")), root / "run", command="test")


def test_a_run_on_real_lr_images_finds_both_folders_again(real_run, tmp_path):
    recorded = real_run.config["photographs"]
    root = real_run.folder.parent
    assert (recorded["path"], recorded["lr_path"], recorded["x_is_lr"]) == (str(root / "hr"), str(root / "lr"), True)
    assert load_weights(real_run.folder).facts["x_is_lr"] is True
    begun = Run(shutil.copytree(real_run.folder, tmp_path / "begun"))
    for path in (begun.weights_path, begun.checkpoint_path, begun.log_path):
        path.unlink()  # as if it had been killed before its first checkpoint
    assert_same_run(resume(begun.folder), real_run)


def test_the_same_photographs_as_hr_are_another_run(real_run):
    root = real_run.folder.parent
    given = load_photographs(str(root / "hr"), str(root / "lr"))
    as_hr = replace(given, x_is_lr=False)
    with pytest.raises(ValueError, match=r"X is LR as it came there and HR to be degraded here"):
        real_run.check_answers(PRESETS["smoke"], as_hr)
    real_run.check_answers(PRESETS["smoke"], given)
    with pytest.raises(ValueError, match=r"X is HR to be degraded here and was LR as it came"):
        real_run.check_photographs(as_hr)
    real_run.check_photographs(given)


def test_lr_photographs_without_hr_ones_are_refused(tmp_path):
    with pytest.raises(ValueError, match="need a folder of HR photographs"):
        load_photographs(None, str(tmp_path))
