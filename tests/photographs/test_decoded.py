"""The cache of decoded photographs: the same pixels, read once, whatever happens in between."""

import gc
import os
import re
import shutil
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest
from helpers import LIBRARY, picture, save_picture, write_photographs
from serving import wait_until

from cincgan_tutorial import decoded as module
from cincgan_tutorial.decoded import Decoded
from cincgan_tutorial.images import content_hash, read_pixels


@pytest.fixture
def folder(tmp_path):
    return write_photographs(tmp_path, 3)


@pytest.fixture
def no_decoding(monkeypatch):
    """From now on nothing may be decoded."""

    def refuse(path):
        raise AssertionError(f"{path} was decoded")

    return lambda: monkeypatch.setattr(module, "read_pixels", refuse)


def cached(folder):
    return sorted((folder / ".decoded").iterdir())


def test_a_photograph_is_decoded_once(folder, no_decoding):
    first = {path: Decoded(folder)(path) for path in sorted(folder.glob("*.png"))}
    no_decoding()
    again = Decoded(folder)
    for path, (pixels, sha256) in first.items():
        for found, hashed in ((pixels, sha256), again(path)):
            assert np.array_equal(found, read_pixels(path))
            assert hashed == content_hash(found)


def test_the_cache_goes_by_content(folder, no_decoding):
    cache = Decoded(folder)
    cache(folder / "p0.png")
    shutil.copy(folder / "p0.png", folder / "renamed.png")
    shutil.copy(folder / "p1.png", folder / "p0.png")
    assert np.array_equal(Decoded(folder)(folder / "p0.png")[0], read_pixels(folder / "p1.png"))
    no_decoding()
    assert np.array_equal(Decoded(folder)(folder / "renamed.png")[0], picture(72, 84, 0))


def test_a_file_of_the_cache_that_is_cut_short_is_made_again(folder):
    Decoded(folder)(folder / "p0.png")
    (path,) = cached(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert np.array_equal(Decoded(folder)(folder / "p0.png")[0], picture(72, 84, 0))
    assert path.read_bytes() == whole


def test_strange_files_in_the_cache_do_no_harm(folder):
    (folder / ".decoded").mkdir()
    for name in ("notes.txt", "a-b-1x1.rgb", f"{'0' * 64}-{'0' * 64}-1x1.rgb"):
        (folder / ".decoded" / name).write_bytes(b"x")
    assert np.array_equal(Decoded(folder)(folder / "p0.png")[0], picture(72, 84, 0))


def test_changing_pixels_changes_no_file(folder):
    pixels, _ = Decoded(folder)(folder / "p0.png")
    pixels[:] = 0
    assert np.array_equal(Decoded(folder)(folder / "p0.png")[0], picture(72, 84, 0))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted as on Linux")
def test_no_file_stays_open(folder):
    cache = Decoded(folder)
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    kept = [cache(path) for path in sorted(folder.glob("*.png")) for _ in range(5)]
    assert len(kept) == 15
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_cache_that_can_not_be_written_costs_only_time(folder):
    (folder / ".decoded").write_bytes(b"a file where the folder should be")
    cache = Decoded(folder)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for path in sorted(folder.glob("*.png")):
            assert np.array_equal(cache(path)[0], read_pixels(path))
    (message,) = [str(warning.message) for warning in warned]
    assert re.search(r"\.decoded: can't be written \(.+\), so photographs are decoded at every start", message)


def test_a_damaged_photograph_is_named_and_not_kept(folder):
    (folder / "p0.png").write_bytes((folder / "p1.png").read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"p0\.png: damaged"):
        Decoded(folder)(folder / "p0.png")
    assert not (folder / ".decoded").exists()


PROGRAM = """
    import os, sys, time
    from pathlib import Path
    from cincgan_tutorial import decoded
    os.fsync = lambda _: time.sleep(60)
    decoded.Decoded(Path(sys.argv[1]))(Path(sys.argv[1]) / "large.png")
"""


def test_a_kill_while_writing_leaves_no_half_photograph(tmp_path):
    """A process that is killed after it has written pixels and before they have their name."""
    save_picture(tmp_path / "large.png", picture(600, 800, 3))
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path)]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(LIBRARY.parent)})
    wait_until(lambda: any((tmp_path / ".decoded").glob(".*.part")))
    process.kill()
    process.wait()
    assert np.array_equal(Decoded(tmp_path)(tmp_path / "large.png")[0], picture(600, 800, 3))
    (whole,) = (tmp_path / ".decoded").glob("*.rgb")
    assert whole.stat().st_size == 600 * 800 * 3
