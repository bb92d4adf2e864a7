"""A student's evening: the notebook as handed out, the library from a wheel, and no repository anywhere near."""

import importlib.util
import os
import shutil
import subprocess
import sys
from importlib.metadata import version

import make
import nbformat
import pytest
from handing_in import answered, solutions, student

from cincgan_tutorial.grading import EXERCISES

pytestmark = pytest.mark.slow
STEMS = [path.stem for path in make.masters()]
PACKED = ["pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT", "cincgan_tutorial", "book/results"]
# Run by another Python: it has the wheel's library on its path, and so has the kernel that it starts.
RUN = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=1800, allow_errors=True, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""
WHERE = "import cincgan_tutorial\nprint(cincgan_tutorial.__file__)"


def command(*arguments, cwd, **environment):
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MPLBACKEND")}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd, env=own | environment, capture_output=True, text=True, timeout=3600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def library(root, tmp_path_factory):
    """The folder into which the wheel was installed; it is built from a copy, since building leaves files behind."""
    # As pyproject.toml asks for; it is not fetched here, since tests run without a network. Asked by name: to import
    # it would change how this process finds distutils.
    if importlib.util.find_spec("pip") is None or int(version("setuptools").split(".")[0]) < 77:
        pytest.skip("needs pip and setuptools 77 to build a wheel")
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("made")
    for name in PACKED:
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        (source / name).parent.mkdir(exist_ok=True)
        copy(root / name, source / name)
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index")
    command("-m", "pip", "wheel", *quiet, "--no-build-isolation", "-w", made, source, cwd=made)
    (wheel,) = made.glob("*.whl")
    command("-m", "pip", "install", *quiet, "--target", made / "library", wheel, cwd=made)
    shutil.rmtree(source)
    return made / "library"


def executed(notebook, library, folder):
    """Run every cell in a kernel that knows the wheel's library only; return what each cell printed, and its errors."""
    notebook.cells.insert(0, nbformat.v4.new_code_cell(WHERE))
    path = folder / "assignment.ipynb"
    nbformat.write(notebook, path)
    command("-c", RUN, path, cwd=folder, PYTHONPATH=str(library), JUPYTER_PREFER_ENV_PATH="1")
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    assert cells[0].outputs[0].text.startswith(str(library)), "another library was imported"
    assert [(cell.source, out.evalue) for cell in cells for out in cell.outputs if out.output_type == "error"] == []
    assert [out.text for cell in cells for out in cell.outputs if out.get("name") == "stderr"] == []
    printed = {}
    for cell in cells:
        if exercise := cell.metadata.get("cincgan", {}).get("exercise"):
            printed[exercise] = "".join(out.text for out in cell.outputs)
    return printed


@pytest.mark.parametrize("stem", STEMS)
def test_every_cell_runs_before_anything_is_written(stem, library, tmp_path):
    printed = executed(student(stem), library, tmp_path)
    assert sorted(printed) == sorted(name for name, e in EXERCISES.items() if e.assignment == int(stem[0]))
    for exercise, text in printed.items():
        assert text.startswith(f"{exercise}: 0 of {len(EXERCISES[exercise].laws)} laws hold.")
        assert "nothing yet: it raises NotImplementedError" in text


@pytest.mark.parametrize("stem", STEMS)
def test_every_law_holds_once_the_solutions_are_written(stem, library, tmp_path):
    printed = executed(answered(student(stem), solutions(stem)), library, tmp_path)
    assert len(printed) >= 6
    for exercise, text in printed.items():
        assert text == f"{exercise}: all {len(EXERCISES[exercise].laws)} laws hold.\n"


def test_no_solution_and_no_master_is_in_the_wheel(library):
    names = [path.relative_to(library).as_posix() for path in library.rglob("*") if path.is_file()]
    assert "cincgan_tutorial/grading/handed_out/broken-1.json" in names
    assert [name for name in names if "assignments" in name or name.endswith((".ipynb", "broken_runs.py"))] == []
