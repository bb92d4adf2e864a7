"""For the tests of the command line: a way to call it, and ways to see what it left behind."""

import hashlib
import re
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from helpers import write_photographs

from cincgan_tutorial import cli, weights

# What a progress bar looks like: "first   :  38%|███▊      | 3/8 [00:00<?, ?it/s]".
_BAR = re.compile(r"\w+ *: +\d+%\|")


def on_screen(text: str) -> str:
    """What a terminal shows of ``text`` in the end: after a carriage return a line is written over, not cleared."""
    lines = []
    for line in text.split("\n"):
        shown = ""
        for part in line.split("\r"):
            shown = part + shown[len(part) :]
        lines.append(shown.rstrip())
    return "\n".join(lines)


@dataclass(frozen=True)
class Answer:
    """What a command came back with."""

    status: int
    out: str
    raw_err: str

    @property
    def err(self) -> str:
        """What a person reads on stderr, without the progress bars."""
        lines = on_screen(self.raw_err).split("\n")
        return "\n".join(line for line in lines if line and not _BAR.match(line)) + "\n"

    def error(self) -> str:
        """The one line on stderr of a command that could not begin."""
        lines = self.err.splitlines()
        assert self.status == 2, f"exit status {self.status}, stdout {self.out!r}, stderr {self.raw_err!r}"
        assert len(lines) == 1, f"expected one line on stderr, got {self.raw_err!r}"
        assert lines[0].startswith("error: "), lines[0]
        return lines[0]


Call = Callable[..., Answer]


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty current folder: nothing is written into the checkout by a default path."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on tiny pictures several threads only wait for each other
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def cincgan(capsys: pytest.CaptureFixture[str]) -> Call:
    """Call the command line in this process: ``cincgan("train", "--run", folder)``."""

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        status = cli.main([str(argument) for argument in arguments])
        return Answer(status, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photographs that `finished_run` was not trained on."""
    return write_photographs(tmp_path_factory.mktemp("unseen"), count=2, height=61, width=78, first_seed=100)


SHIPPED_NAMES = ("general", "lesson", "mild")


@pytest.fixture
def finished(finished_run, tmp_path: Path) -> Path:
    """A copy of the finished run, the test's own."""
    return Path(shutil.copytree(finished_run.folder, tmp_path / "finished"))


@pytest.fixture
def shipped(finished_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that ships weights under the names that the package has."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    files = [Path(shutil.copy(finished_run.weights_path, folder / f"{name}.safetensors")) for name in SHIPPED_NAMES]
    digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text("".join(f"{digest}  {file.name}\n" for file in files), encoding="utf-8")
    monkeypatch.setattr(weights, "SHIPPED", folder)
    return folder


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, bytes | None]]:
    """Everything below a folder: the bytes of each file, ``None`` for a folder."""

    def of(folder: Path) -> dict[str, bytes | None]:
        found = sorted(folder.rglob("*"))
        return {path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in found}

    return of


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """``with full_disk(n)``: writing a file beyond n bytes fails, by the operating system and not by a stand-in."""

    @contextmanager
    def limit(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    """``interrupt("cycle_one_step", 3)``: Ctrl-C is pressed when the loop calls this for the third time."""
    from cincgan_tutorial.training import loop

    def at(name: str, number: int) -> None:
        original, calls = getattr(loop, name), []

        def step(*arguments: object, **named: object) -> object:
            calls.append(name)
            if len(calls) == number:
                raise KeyboardInterrupt
            return original(*arguments, **named)

        monkeypatch.setattr(loop, name, step)

    return at
