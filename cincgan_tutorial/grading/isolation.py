"""The process of a submission, seen from the judge: started, asked, watched and ended here."""

from __future__ import annotations

import builtins
import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

from torch import Tensor

from .apart.guard import Refusal
from .apart.wire import Packer, WrongMessage, receive, send

# Set before torch is loaded over there: nothing of the judge's path, settings or folders.
_START = "import sys; sys.path.insert(0, {0!r}); from apart.far import main; sys.path.remove({0!r}); main()"
CALL_SECONDS = 20.0
START_SECONDS = 120.0


class Gone(Refusal):
    """The process of the submission has ended, or was ended."""


class AnswerError(Exception):
    """An answer raised something that Python itself has no name for."""


@functools.cache
def without_network() -> tuple[str, ...]:
    """Return the command, if there is one here, that starts a process without network and ends all it started."""
    program = shutil.which("unshare")
    if sys.platform != "linux" or program is None:
        return ()
    for user in ((), ("--map-current-user",)):
        command = (program, *user, "--net", "--pid", "--fork", "--kill-child", "--")
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return ()


class Apart:
    """The process of one submission.

    Args:
        memory: Bytes that it may use beyond what torch itself takes.
        seconds: It is ended when it has run for so long.
        call_seconds: It is ended when one call takes so long.
    """

    def __init__(self, memory: int = 2**30, seconds: float = 180.0, call_seconds: float = CALL_SECONDS) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="submission-", ignore_cleanup_errors=True)
        self._why = ""
        # Results that nobody here asks gradients of any more; told with the next call.
        self.dropped: list[int] = []
        here = str(Path(__file__).parent)
        kept = {name: os.environ[name] for name in ("SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
        environment = {**kept, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", "PATH": os.defpath, "LANG": "C.UTF-8"}
        environment |= dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), self._folder.name)
        self._process = subprocess.Popen(
            [*without_network(), sys.executable, "-I", "-B", "-c", _START.format(here)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env=environment,
            start_new_session=True,
        )
        self._call_seconds = call_seconds
        self._began = time.monotonic()
        self._ends = self._until = self._began + START_SECONDS
        self._watch = threading.Thread(target=self._end_when_late, daemon=True)
        self._watch.start()
        # Beyond the package itself nothing of it is loaded there, unless a law passes one of its own modules.
        limits = {"root": str(Path(__file__).parents[2]), "memory": memory, "seconds": int(seconds) + 10}
        self.locked: list[str] = list(self.ask(limits, START_SECONDS)[0].get("locked", []))
        self._began = time.monotonic()
        self._ends = self._began + seconds

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process and all that it started, and remove its folder."""
        self._until = 0.0
        self._kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                # What was not sent any more is not missed.
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self._watch.join()
        self._folder.cleanup()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return not self._why and self._process.poll() is None

    @property
    def used(self) -> float:
        """Seconds since it was ready."""
        return time.monotonic() - self._began

    def load(self, pieces: Sequence[tuple[str, str]], wanted: Sequence[str]) -> tuple[list[str], list[str]]:
        """Run labelled pieces of code there; return which errors came and which wanted names exist."""
        message = {"do": "load", "pieces": [list(piece) for piece in pieces], "wanted": list(wanted)}
        reply, _ = self.ask(message)
        errors, found = reply.get("errors"), reply.get("found")
        if not _texts(errors) or not _texts(found):
            raise self.wrong("no list of names")
        return list(errors), [name for name in wanted if name in found]

    def ask(self, message: Any, seconds: float | None = None) -> tuple[Any, list[Tensor]]:
        """Send a message and return the reply, still packed, and its tensors.

        Raises:
            Gone: The process has ended, was ended for taking too long, or answered what is no message.
            Refusal: It did what it may not.
        """
        packer = Packer()
        incoming, outgoing = cast(BinaryIO, self._process.stdout), cast(BinaryIO, self._process.stdin)
        if not self.alive:
            raise Gone(self._why or self._how_it_ended())
        self._until = time.monotonic() + (self._call_seconds if seconds is None else seconds)
        try:
            send(outgoing, packer.pack(message), packer.tensors)
            reply, tensors = receive(incoming)
        except (EOFError, OSError) as error:
            raise Gone(self._why or self._how_it_ended()) from error
        except WrongMessage as error:
            raise self.wrong(str(error)) from error
        finally:
            self._until = float("inf")
        if not isinstance(reply, dict):
            raise self.wrong("a reply without fields")
        if isinstance(reply.get("refused"), str):
            raise Refusal(reply["refused"])
        if "error" in reply:
            raise _error(reply["error"])
        return reply, tensors

    def wrong(self, what: str) -> Gone:
        """End the process for what it answered, and return what to raise."""
        self._why = f"It was stopped: its process answered with no result ({what[:200]})."
        self._kill()
        return Gone(self._why)

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "It was stopped: its process closed the conversation."
        said = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        return f"Its process ended by itself ({said}): out of memory, or it ends the program."

    def _end_when_late(self) -> None:
        while self._process.poll() is None:
            if time.monotonic() > min(self._until, self._ends):
                limit = "all the time there is" if self._ends < self._until else "more time than one call has"
                self._why = self._why or f"It was stopped: it took {limit}. Is there a loop that never ends?"
                self._kill()
                return
            time.sleep(0.02)

    def _kill(self) -> None:
        if self._process.poll() is None:
            if hasattr(os, "killpg"):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _error(said: Any) -> Exception:
    """An answer's error, as far as possible as the same kind of error."""
    if not _texts(said) or len(said) != 3:
        return AnswerError("an error without words")
    name, text, line = said
    kind = getattr(builtins, name, None)
    plain = isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, UnicodeError)
    error = kind(text) if plain and kind is not None else AnswerError(f"{name}: {text}")
    if line:
        error.add_note(line)
    return error
