"""The conda environment equals the one that `make` installs, the pins are ours, and no file names a machine."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

# Joined here, so that this file does not name them. The home of `me` is nobody's: examples may use it.
REGISTRY_HOSTS = ["pypi" + ".org", "python" + "hosted", "download." + "pytorch", "npm" + "js", "unp" + "kg.com"]
MACHINE_PATHS = [
    rf"(?<![\w./}}-])/{top}/" for top in ("wo" + "rk", "op" + "t", "ro" + "ot", "ho" + "me/(?!me/)[a-z]+", "Us" + "ers")
]
FORBIDDEN = re.compile("|".join([re.escape(host) for host in REGISTRY_HOSTS] + MACHINE_PATHS))


def pip_part(environment: str) -> list[str]:
    """The lines of the pip section of an environment.yml, as pip would read them."""
    (part,) = [d["pip"] for d in yaml.safe_load(environment)["dependencies"] if isinstance(d, dict)]
    return part


def tracked_files(root: Path) -> list[Path]:
    """Files that are, or would be, committed."""
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout.decode()
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def constraints(root: Path) -> list[Requirement]:
    lines = (root / "constraints.txt").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_conda_installs_what_make_installs(root):
    part = pip_part((root / "environment.yml").read_text("utf-8"))
    (line,) = re.findall(r"-m pip install (.*?); \\", (root / "Makefile").read_text("utf-8"))
    assert " ".join(part) == line.replace("'", "")


def test_pip_part_names_things_that_exist(root):
    options = dict(line.split(" ", 1) for line in pip_part((root / "environment.yml").read_text("utf-8")))
    assert (root / options["-c"]).is_file()
    folder, extras = re.fullmatch(r"(.*)\[(.*)\]", options["-e"]).groups()
    assert (root / folder / "pyproject.toml").is_file()
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


def test_conda_python_is_supported(root):
    dependencies = yaml.safe_load((root / "environment.yml").read_text("utf-8"))["dependencies"]
    assert "python=3.11" in dependencies


def test_every_constraint_is_one_exact_version(root):
    for requirement in constraints(root):
        assert re.fullmatch(r"==[\w.!]+", str(requirement.specifier)), requirement


def test_torch_is_pinned_and_its_cuda_libraries_are_not(root):
    pins = {r.name.lower(): str(r.specifier) for r in constraints(root)}
    assert pins["torch"] == "==2.13.0"
    assert not [name for name in pins if name.startswith(("nvidia", "cuda", "triton"))]


def test_every_direct_dependency_is_pinned_within_its_bounds(root):
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    pins = {r.name.lower(): next(iter(r.specifier)).version for r in constraints(root)}
    for line in project["dependencies"] + extras["book"] + extras["test"]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(pins[requirement.name.lower()]), line


def test_no_file_names_a_registry_or_a_machine(root):
    found = []
    for path in tracked_files(root):
        data = path.read_bytes()
        if b"\0" in data:
            continue
        for match in FORBIDDEN.finditer(data.decode("utf-8", errors="replace")):
            found.append(f"{path.relative_to(root)}: {match[0]}")
    assert found == []


def test_the_search_finds_what_it_should():
    for text in ("https://pypi" + ".org/simple", "see /wo" + "rk/main", 'Path("/ro' + 'ot/x")', "/ho" + "me/ann/book"):
        assert FORBIDDEN.search(text), text
    for text in ("notebooks/work/x", "./opt/x", "frame" + "work/", "<repo>/home/"):
        assert not FORBIDDEN.search(text), text


def test_tests_hide_a_gpu_from_themselves_but_those_that_need_one(root):
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "" or os.environ.get("CINCGAN_TEST_GPU")
    unmarked = re.compile(r"(?<!@pytest\.mark\.gpu\n)@pytest\.mark\.skipif\(not torch\.cuda\.is_available")
    asking = [path for path in (root / "tests").rglob("*.py") if "cuda.is_available(), " in path.read_text("utf-8")]
    assert {"test_no_waiting.py", "test_replay.py", "test_on_a_gpu.py"} <= {path.name for path in asking}
    assert not [path.name for path in asking if unmarked.search(path.read_text("utf-8"))]


def test_make_hides_a_gpu_from_chapters_that_it_runs_at_smoke(root):
    lines = (root / "Makefile").read_text("utf-8").splitlines()
    (smoke,) = (line for line in lines if line.startswith("SMOKE ="))
    assert smoke.split()[-1] == "CUDA_VISIBLE_DEVICES="
    told = subprocess.run(["make", "-n", "test-gpu", "BIN="], cwd=root, capture_output=True, text=True, check=True)
    assert "CUDA_VISIBLE_DEVICES" not in told.stdout
    assert "CINCGAN_PRESET=colab" in told.stdout
    assert "CINCGAN_TEST_GPU=1" in told.stdout
    assert "-m gpu" in told.stdout


def test_make_test_gpu_says_when_there_is_none(root):
    (line,) = (line for line in (root / "Makefile").read_text("utf-8").splitlines() if "is_available" in line)
    command = line.partition("-c '")[2].rstrip("'")
    told = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr.strip()) == (1, "torch finds no GPU here.")
