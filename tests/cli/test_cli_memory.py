"""A photograph of 24 megapixels within 2 GB, measured on smaller ones, and one for which there is too little memory.

Each in a process of its own.
"""

import re
import subprocess
import sys

import pytest
from helpers import ROOT, picture, save_picture

from cincgan_tutorial.cli import enlarging

LIMIT, MEGAPIXELS = 2e9, 24e6
PROGRAM = """
import resource, sys
from cincgan_tutorial import cli
status = cli.main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
sys.exit(status)
"""


def peak(photograph, out, weights) -> int:
    """Bytes that enlarging one photograph takes at most."""
    arguments = ["upscale", photograph, "--out", out, "--weights", weights]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split("peak ")[1])


@pytest.mark.slow
def test_24_megapixels_fit_into_2_gigabytes(finished_run, tmp_path):
    """The networks' share does not depend on the size of the photograph; what does is a few bytes per pixel.

    Its result alone would take 48 bytes per pixel of the original as 8-bit RGB, and 192 as the networks return it.
    """
    sizes = {"small": (400, 600), "large": (3000, 800)}
    paths = {name: save_picture(tmp_path / f"{name}.png", picture(*size)) for name, size in sizes.items()}
    small, large = (peak(paths[name], tmp_path / "out", finished_run.folder) for name in ("small", "large"))
    per_pixel = (large - small) / (3000 * 800 - 400 * 600)
    assert per_pixel < 32, "more than the original and a band of the result is kept"
    shipped = peak(paths["small"], tmp_path / "shipped", "general")
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
