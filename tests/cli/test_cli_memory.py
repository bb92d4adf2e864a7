"""A photograph of 24 megapixels within 2 GB, measured on smaller ones, and one for which there is too little memory.

These in a process of their own. Then what each command says where memory does not suffice.
"""

import errno
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers import ROOT, picture, save_picture
from PIL import ImageFile

from cincgan_tutorial.cli import checking, enlarging, scoring, studying, training
from cincgan_tutorial.cli.memory import lacks_memory, said
from cincgan_tutorial.provenance import program
from cincgan_tutorial.training import loop

LIMIT, MEGAPIXELS = 2e9, 24e6
PROGRAM = """
import resource, sys
from cincgan_tutorial import cli
status = cli.main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
sys.exit(status)
"""


def peak(photograph, out, weights, *options) -> int:
    """Bytes that enlarging one photograph takes at most."""
    arguments = ["upscale", photograph, "--out", out, "--weights", weights, *options]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split("peak ")[1])


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--self-ensemble"]])
def test_24_megapixels_fit_into_2_gigabytes(finished_run, tmp_path, options):
    """The networks' share does not depend on the size of the photograph; what does is a few bytes per pixel.

    Its result alone would take 48 bytes per pixel of the original as 8-bit RGB, and 192 as the networks return it.
    """
    sizes = {"small": (400, 600), "large": (3000, 800)}
    paths = {name: save_picture(tmp_path / f"{name}.png", picture(*size)) for name, size in sizes.items()}
    small, large = (peak(paths[name], tmp_path / "out", finished_run.folder, *options) for name in ("small", "large"))
    per_pixel = (large - small) / (3000 * 800 - 400 * 600)
    assert per_pixel < 32, "more than the original and a band of the result is kept"
    shipped = peak(paths["small"], tmp_path / "shipped", "general", *options)
    assert shipped + MEGAPIXELS * per_pixel < LIMIT, f"{shipped / 1e6:.0f} MB and {per_pixel:.0f} bytes per pixel"


LITTLE = """
import resource, sys
from pathlib import Path
import torch
from cincgan_tutorial import cli
torch.set_num_threads(1)
torch.nn.functional.conv2d(torch.zeros(1, 3, 8, 8), torch.zeros(3, 3, 3, 3))  # what libraries load when first used
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + int(sys.argv[1]), -1))
sys.exit(cli.main(sys.argv[2:]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory can be limited so on Linux alone")
def test_one_that_does_not_fit_into_memory_is_named_and_the_others_are_enlarged(finished_run, tmp_path):
    """By the allocator's own refusal: the first picture would take a gigabyte in one tile."""
    paths = [save_picture(tmp_path / name, picture(side, side)) for name, side in (("large.png", 900), ("a.png", 20))]
    arguments = ["upscale", *paths, "--out", tmp_path / "out", "--weights", finished_run.folder, "--tile", 900]
    command = [sys.executable, "-c", LITTLE, str(120 * 2**20), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    errors = [line.strip() for line in re.split(r"[\r\n]", done.stderr) if "error" in line.lower()]
    assert (done.returncode, done.stdout) == (1, f"1 of 2 written to {tmp_path / 'out'}\n"), done.stderr
    assert errors == [f"error: {paths[0]}: not enough memory. Try a smaller --tile, or cut the picture into parts."]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.png"]


def test_any_other_error_of_torch_is_no_lack_of_memory(cincgan, finished_run, tmp_path, monkeypatch):
    def wrong(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(enlarging, "enlarge", wrong)
    save_picture(tmp_path / "a.png", picture(20, 20))
    with pytest.raises(RuntimeError, match="a bug"):
        cincgan("upscale", tmp_path / "a.png", "--out", tmp_path / "out", "--weights", finished_run.folder)


def too_much(*_: object, **__: object) -> None:
    """Ask torch's own allocator for 4000 terabytes."""
    torch.empty(10**15)


def line_of(answer, *more: str) -> str:
    """The line about memory, of a command that failed; `more` are those that follow."""
    assert answer.status == 2
    first, *others = answer.err.splitlines()
    assert first.startswith("error: not enough memory ")
    assert others == list(more)
    return first


def test_a_run_that_needs_too_much_memory_says_how_to_go_on(cincgan, folder, tmp_path, monkeypatch):
    arguments = ["train", "--preset", "smoke", "--photos", folder, "--run", tmp_path / "a run"]
    with monkeypatch.context() as patched:
        patched.setattr(loop, "joint_step", too_much)
        answer = cincgan(*arguments)
    resuming = shlex.join([*program(), "resume", str(tmp_path / "a run")])
    line = line_of(answer, f"Go on from the last checkpoint with: {resuming}")
    assert f"(4,000,000.0 GB more were asked for) for: train --preset smoke --photos {folder} --run '" in line
    assert "Take a smaller preset (--preset lesson)" in line
    with monkeypatch.context() as patched:
        patched.setattr(loop, "joint_step", too_much)
        answer = cincgan("resume", tmp_path / "a run")
    assert "for: resume '" in line_of(answer, f"Go on from the last checkpoint with: {resuming}")
    assert cincgan("resume", tmp_path / "a run").status == 0


def test_photographs_that_do_not_fit_make_no_run(cincgan, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "load_photographs", lambda *_: np.empty(10**16))
    line = line_of(cincgan("train", "--preset", "smoke", "--photos", folder, "--run", tmp_path / "run"))
    assert "or fewer photographs." in line
    assert "GB more were asked for" in line
    assert not (tmp_path / "run").exists()


def test_a_photograph_that_does_not_fit_is_named(cincgan, finished_run, tmp_path, monkeypatch):
    path = save_picture(tmp_path / "large" / "a.png", picture(64, 80))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: np.empty(10**16))
    line = line_of(cincgan("evaluate", "--weights", finished_run.folder, "--photos", path.parent))
    assert f"for: evaluate --weights {finished_run.folder} --photos {path.parent}. {path}: " in line
    answer = cincgan("upscale", path, "--out", tmp_path / "out", "--weights", finished_run.folder)
    assert (answer.status, answer.out) == (1, f"0 of 1 written to {tmp_path / 'out'}\n")
    assert answer.err == f"error: {path}: not enough memory. Try a smaller --tile, or cut the picture into parts.\n"


def test_the_other_commands_say_what_would_need_less(cincgan, finished_run, folder, tmp_path, monkeypatch):
    for module, name in ((scoring, "evaluate"), (checking, "survey"), (enlarging, "networks_of")):
        monkeypatch.setattr(module, name, too_much)
    monkeypatch.setitem(studying._STUDIES, "bound", studying._Study("?", too_much))
    for command, remedy in {
        ("evaluate", "--weights", finished_run.folder): "Take fewer photographs",
        ("check", "--lr-photos", folder, "--hr-photos", folder): "Take fewer photographs",
        ("study", "bound", "--preset", "smoke", "--runs", tmp_path): "What is finished is not done again.",
        ("upscale", *(f"photograph-{n}.png" for n in range(99)), "--out", tmp_path / "out"): "Try a smaller --tile",
    }.items():
        line = line_of(cincgan(*command))
        assert f"for: {command[0]} " in line
        assert remedy in line
        assert len(line) < 450


@pytest.mark.parametrize(
    ("error", "lacking"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("unable to mmap 12 bytes from file <a>: Cannot allocate memory (12)"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (RuntimeError("a bug"), False),
        (ValueError("out of memory"), False),
    ],
    ids=repr,
)
def test_who_says_that_memory_lacks(error, lacking):
    assert lacks_memory(error) == lacking


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("Tried to allocate 2.00 GiB.", " (2.1 GB more were asked for)"),
        ("you tried to allocate 4000000 bytes.", " (4.0 MB more were asked for)"),
        ("Unable to allocate 7.45 GiB for an array", " (8.0 GB more were asked for)"),
        ("", ""),
    ],
)
def test_how_much_was_asked_for_is_said_where_it_is_known(words, size):
    assert said("train", "Take less.", RuntimeError(words)) == f"not enough memory{size} for: train. Take less."


def test_a_fault_of_the_program_keeps_its_traceback(cincgan, finished_run, monkeypatch):
    def wrong(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(scoring, "evaluate", wrong)
    with pytest.raises(RuntimeError, match="a bug"):
        cincgan("evaluate", "--weights", finished_run.folder)
