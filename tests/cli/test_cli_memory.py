"""A photograph of 24 megapixels within 2 GB: measured on smaller ones, each in a process of its own."""

import subprocess
import sys

import pytest
from helpers import ROOT, picture, save_picture

pytestmark = pytest.mark.slow

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
