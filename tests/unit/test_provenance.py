"""Where a result comes from."""

import datetime
import json
import subprocess
import sys

import pytest

from cincgan_tutorial import provenance as module


def test_everything_needed_to_run_it_again_is_there_and_fits_json():
    facts = module.provenance("make it so")
    assert json.loads(json.dumps(facts)) == facts
    assert facts["command"] == "make it so"
    assert facts.keys() == {"command", "commit", "device", "versions", "date"}
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(facts["date"])
    assert abs(age.total_seconds()) < 60
    assert {"python", "torch", "numpy", "pillow", "scikit-image", "safetensors"} <= facts["versions"].keys()
    assert facts["device"]


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (
            ["/home/me/cincgan_tutorial/__main__.py", "train", "--run", "a b"],
            "python -m cincgan_tutorial train --run 'a b'",
        ),
        (["/usr/bin/cincgan", "resume", "r"], "python -m cincgan_tutorial resume r"),
        (["/home/me/secret/ipykernel_launcher.py", "-f", "/home/me/kernel.json"], "python ipykernel_launcher.py"),
    ],
)
def test_the_command_is_as_a_reader_would_type_it(monkeypatch, argv, command):
    monkeypatch.setattr(sys, "argv", argv)
    assert module.command_line() == command


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository in which a copy of the module would stand."""

    def git(*arguments):
        options = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *options, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init")
    (tmp_path / "other.py").write_text("1")
    git("add", "other.py")
    git("commit", "-m", "first")
    (tmp_path / "provenance.py").write_text("1")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "provenance.py"))
    return tmp_path, git


def test_commit_of_a_checkout_with_a_mark_for_changes(checkout):
    folder, git = checkout
    git("add", "provenance.py")
    git("commit", "-m", "second")
    head = git("rev-parse", "HEAD")
    (folder / "untracked").touch()
    assert module.commit() == head
    (folder / "provenance.py").write_text("2")
    assert module.commit() == head + "-dirty"


def test_a_library_inside_another_repository_does_not_claim_its_commit(checkout):
    assert module.commit() == "unknown"


def test_without_git_the_commit_is_unknown(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert module.commit() == "unknown"


def test_a_caption_names_what_was_trained_and_how():
    facts = module.provenance("the command") | {"source": "bundled", "seed": 3, "commit": "0123456789abcdef"}
    line = module.caption("lesson", facts)
    for part in (
        "preset=lesson",
        "photographs=bundled",
        "seed=3",
        "commit 0123456789",
        "the command",
        facts["date"][:10],
    ):
        assert part in line
