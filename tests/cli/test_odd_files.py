"""`upscale` on a corpus of bad and odd files: each becomes a right result or one clear line that names it."""

import collections
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from odd_files import EITHER, Odd, odd_files

from cincgan_tutorial.cli.inputs import output_names
from cincgan_tutorial.inference import super_resolve
from cincgan_tutorial.pictures import Picture, read_picture
from cincgan_tutorial.weights import load_weights

# A warning of Pillow would be a second line.
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> list[Odd]:
    return odd_files(tmp_path_factory.mktemp("odd"))


def shown(path: Path) -> str:
    """A path in a line of text: what is not printable is written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(path))


def is_right(upscaler, levels: np.ndarray, result: Path) -> bool:
    """Whether a file holds what the networks return for these levels, in the same depth and channels."""
    original, found = Picture(levels), read_picture(result)
    height, width, channels = levels.shape
    if found.levels.shape != (4 * height, 4 * width, channels) or found.depth != original.depth:
        return False
    expected = super_resolve(upscaler, original.rows(0, height), 128)[0].permute(1, 2, 0)
    if original.grey:
        expected = expected @ torch.tensor([0.299, 0.587, 0.114])[:, None]
    highest = 2**original.depth - 1
    colours = found.levels[..., : expected.shape[2]].astype(np.float64)
    return bool(np.abs(colours / highest - expected.numpy()).max() <= 1 / 255)


def tried(cincgan, weights, files: list[Odd], out: Path) -> collections.Counter:
    """Enlarge all in one call; count what became of them, and list what should not have."""
    answer = cincgan("upscale", "--weights", weights, "--out", out, "--", *(odd.path for odd in files))
    upscaler = load_weights(weights).nets.upscaler()
    lines = answer.err.splitlines()
    assert all(line.startswith("error: ") for line in lines), [line for line in lines if line[:7] != "error: "]
    unclaimed, counts, wrong = list(lines), collections.Counter(), []
    targets = output_names([odd.path for odd in files], out)
    for odd, target in zip(files, targets, strict=True):
        named = [
            line
            for line in unclaimed
            if line.startswith(f"error: {shown(odd.path)}: ") or f"'{shown(odd.path)}'" in line
        ]
        if os.path.exists(target):
            levels = read_picture(odd.path).levels if isinstance(odd.expected, str) else odd.expected
            right = not named and levels is not None and is_right(upscaler, levels, target)
        else:
            right = len(named) == 1 and (odd.expected is None or isinstance(odd.expected, str))
        counts["anything else" if not right else "right result" if os.path.exists(target) else "clear error"] += 1
        if not right:
            wrong.append((odd.path.name, os.path.exists(target), named))
        unclaimed = [line for line in unclaimed if line not in named]
    assert (wrong, unclaimed) == ([], [])
    assert set(out.iterdir()) == {target for target in targets if os.path.exists(target)}, "something is left"
    assert answer.status == (1 if lines else 0)
    assert answer.out == f"{counts['right result']} of {len(files)} written to {out}\n"
    return counts


@contextmanager
def libraries_write_to(path: Path) -> Iterator[None]:
    """Catch what does not go through Python's stderr, such as libtiff's own words."""
    kept = os.dup(2)
    try:
        with path.open("wb") as file:
            os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def test_a_part_of_the_corpus(cincgan, finished_run, corpus, tmp_path):
    """Every eighth file, and all that are not ordinary files."""
    part = [odd for number, odd in enumerate(corpus) if number % 8 == 0 or not os.path.isfile(odd.path)]
    part = [odd for odd in part if odd.expected is None or isinstance(odd.expected, str) or odd.expected.size < 9000]
    counts = tried(cincgan, finished_run.folder, part, tmp_path / "out")
    assert counts["right result"] > 10
    assert counts["clear error"] > 10


@pytest.mark.slow
def test_the_whole_corpus(cincgan, finished_run, corpus, tmp_path, capsys):
    with libraries_write_to(tmp_path / "stderr"):
        counts = tried(cincgan, finished_run.folder, corpus, tmp_path / "out")
    assert (tmp_path / "stderr").read_text(encoding="utf-8") == "", "a library in C wrote its own messages"
    with capsys.disabled():
        print(
            f"\nodd files: {len(corpus)} tried, {counts['right result']} right results, {counts['clear error']} clear"
            f" errors, {counts['anything else']} anything else"
        )
    assert len(corpus) >= 200
    assert min(counts["right result"], counts["clear error"]) >= 60


def test_the_corpus_has_every_kind(corpus):
    kinds = collections.Counter(
        "either" if isinstance(odd.expected, str) else "refused" if odd.expected is None else "right" for odd in corpus
    )
    assert kinds["either"] >= 60
    assert kinds["refused"] >= 50
    assert kinds["right"] >= 60
    assert len({odd.path for odd in corpus}) == len(corpus)
    assert EITHER in {odd.expected for odd in corpus if isinstance(odd.expected, str)}
