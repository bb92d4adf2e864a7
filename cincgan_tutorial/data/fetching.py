"""One file from one of its servers: resumed where it broke off, checked by its hash, refused where it is not the one.

`requests` does connections, redirects, certificates and proxies. pooch, which is made for such files, starts a broken
transfer again from its first byte, and four gigabytes on a hotel's network do not come in one piece. So the loop around
the transfer is here: a partial file stays beside its target, and a range request asks for the rest.
"""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import requests

from ..front_end import progress_bar
from .catalogue import LARGEST_PHOTOGRAPH, Remote

OFFLINE = "CINCGAN_OFFLINE"
# Of a chunk that breaks off nothing is kept.
_CHUNK = 1 << 14
# A server that says one of these may say something else in a while.
_BUSY = (408, 425, 429, 500, 502, 503, 504)

Say = Callable[[str], None]


class WrongContentError(ValueError):
    """What came, or would come, is not the file that the catalogue describes."""


class _Refused(Exception):  # noqa: N818 - no error yet: there may be another server
    """This server will not give the file."""


class _Broken(Exception):  # noqa: N818 - no error yet: there may be another attempt
    """A transfer ended early; asked again, the server may go on."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


@dataclass(frozen=True)
class Patience:
    """How long to wait for what, in seconds.

    Attributes:
        connect: For a connection.
        answer: For the next bytes.
        pause: Before the first new attempt; doubled before each further one.
        attempts: New attempts without a single new byte before a server is given up.
        longest: The longest that a server may ask to wait.
    """

    connect: float = 15
    answer: float = 60
    pause: float = 1
    attempts: int = 5
    longest: float = 120


def fetch(
    session: requests.Session, remote: Remote, target: Path, patience: Patience, say: Say, bar: Any | None = None
) -> None:
    """Bring a file to ``target``, whole and with the right hash, or not at all.

    What an earlier call or another process left as ``target.part`` is gone on with.

    Args:
        session: Keeps the connection for the next file.
        remote: What to fetch.
        target: Where to; nothing may be there yet.
        patience: How long to wait.
        say: Told what went wrong on the way.
        bar: A progress bar that counts files; left out, one of this file's own counts bytes.

    Raises:
        ConnectionError: No server gave the file, or ``CINCGAN_OFFLINE`` forbids to ask.
        ValueError: A server's file is another one.
        OSError: It can't be written.
    """
    refuse_if_offline(remote)
    part = target.with_name(target.name + ".part")
    failures: list[Exception] = []
    for url in remote.urls:
        try:
            with _counting(remote, part, bar) as count:
                _Transfer(session, url, remote, part, patience, say, count).persist()
            break
        except (_Refused, WrongContentError) as failure:
            failures.append(failure)
            if len(failures) < len(remote.urls):
                say(f"{failure} Trying {remote.urls[len(failures)]}")
    else:
        raise _summary(remote, failures)
    os.replace(part, target)


def refuse_if_offline(remote: Remote) -> None:
    """Raise `ConnectionError` if the environment forbids any use of the network."""
    if os.environ.get(OFFLINE, "") not in ("", "0"):
        raise ConnectionError(
            f"{remote.name}: {OFFLINE} is set, so nothing is fetched. Unset it, or give a local copy with --from."
        )


def check(path: Path, remote: Remote) -> None:
    """Raise `WrongContentError` unless a file has the size and the hash of the catalogue."""
    size = path.stat().st_size
    if remote.size is not None and size != remote.size:
        raise WrongContentError(f"{path}: {size:,} bytes; expected {remote.size:,}.")
    if remote.sha256 is not None:
        found = sha256_of(path)
        if found != remote.sha256:
            raise WrongContentError(f"{path}: SHA-256 {found}; expected {remote.sha256}.")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _summary(remote: Remote, failures: list[Exception]) -> Exception:
    """Make one error of what all servers did; it is about content if only content was wrong."""
    text = "; ".join(dict.fromkeys(str(failure).rstrip(".") for failure in failures))
    if all(isinstance(failure, WrongContentError) for failure in failures):
        return WrongContentError(f"{text}. Nothing of it is kept; a local copy can be given with --from.")
    return ConnectionError(f"{remote.name}: could not be fetched: {text}. Run the command again to go on.")


@contextlib.contextmanager
def _counting(remote: Remote, part: Path, bar: Any | None) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many bytes there are now."""
    if bar is not None:
        yield lambda _: None
        return
    with progress_bar(remote.size or 0, remote.name, done=_size(part), unit="B") as own:
        yield lambda size: own.update(size - own.n)


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


@dataclass(frozen=True)
class _Transfer:
    """The way of one file from one address; ``part`` holds what has come."""

    session: requests.Session
    url: str
    remote: Remote
    part: Path
    patience: Patience
    say: Say
    count: Callable[[int], None]

    def persist(self) -> None:
        """Transfer until the partial file is whole and right; give up when attempts bring nothing any more."""
        if self.remote.size is None:
            self.part.unlink(missing_ok=True)  # without a hash at the end, two halves may belong to two files
        resumed = _size(self.part) > 0
        left = self.patience.attempts
        while True:
            before = _size(self.part)
            try:
                if before != self.remote.size:
                    self._once(before)
                check(self.part, self.remote)
                return
            except _Broken as broken:
                left = self.patience.attempts if _size(self.part) > before else left - 1
                if left <= 0:
                    raise _Refused(f"{self.url}: {broken}.") from broken
                self._pause(broken, self.patience.attempts - left)
            except WrongContentError as wrong:
                self.part.unlink(missing_ok=True)
                if not resumed:
                    raise WrongContentError(str(wrong).replace(str(self.part), self.url)) from wrong
                # The beginning may have been another file's: once more, from the first byte.
                self.say(f"{self.remote.name}: what an earlier transfer left does not belong to it. Starting again.")
                resumed = False

    def _pause(self, broken: _Broken, failures: int) -> None:
        seconds = self.patience.pause * 2**failures if broken.wait is None else broken.wait
        self.say(f"{self.remote.name}: {broken}; {_size(self.part):,} bytes are here. Going on in {seconds:.3g} s.")
        time.sleep(seconds)

    def _once(self, have: int) -> None:
        """Ask once for what is missing and write what comes."""
        size = self.remote.size
        most = LARGEST_PHOTOGRAPH if size is None else size
        have = have if have <= most else 0
        # Compressed on the way, a part would not tell where to go on.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        timeout = (self.patience.connect, self.patience.answer)
        try:
            with self.session.get(self.url, headers=headers, stream=True, timeout=timeout) as answer:
                have = self._first_byte(answer, have)
                with self.part.open("ab" if have else "wb") as file:
                    for chunk in answer.iter_content(_CHUNK):
                        have += len(chunk)
                        if have > most:
                            raise WrongContentError(f"{self.url}: more than the {most:,} bytes that were expected.")
                        file.write(chunk)
                        self.count(have)
        except (requests.exceptions.SSLError, requests.exceptions.TooManyRedirects) as error:
            raise _Refused(f"{self.url}: {_short(error)}.") from error
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise _Broken(_short(error)) from error
        except requests.RequestException as error:
            raise _Refused(f"{self.url}: {_short(error)}.") from error
        if size is not None and have < size:
            raise _Broken("the connection ended early")

    def _first_byte(self, answer: requests.Response, have: int) -> int:
        """Read the head of an answer and return which byte of the file its body begins with."""
        status = answer.status_code
        if status in _BUSY:
            self._busy(answer)
        if status == 416:
            # It has fewer bytes than are here: these are not of its file.
            self.part.unlink(missing_ok=True)
            raise _Broken("the server has no such range")
        if status not in (200, 206):
            raise _Refused(f"{self.url}: the server answered {status} {answer.reason}.")
        begins = 0
        if status == 206:
            begins = _range_start(answer.headers.get("Content-Range", ""))
            if begins != have:
                self.part.unlink(missing_ok=True)
                raise _Broken("the server sent another range than was asked for")
        elif have:
            self.say(f"{self.remote.name}: the server can't go on in the middle. Starting again from its first byte.")
        length = answer.headers.get("Content-Length", "")
        if self.remote.size is not None and length.isdigit() and begins + int(length) != self.remote.size:
            raise _Refused(f"{self.url}: has {begins + int(length):,} bytes; expected {self.remote.size:,}.")
        return begins

    def _busy(self, answer: requests.Response) -> NoReturn:
        wait = _retry_after(answer.headers.get("Retry-After"))
        if wait is not None and wait > self.patience.longest:
            raise _Refused(
                f"{self.url}: the server is busy ({answer.status_code}) and asks to come back in {wait:.0f} s."
            )
        raise _Broken(f"the server is busy ({answer.status_code})", wait)


def _range_start(header: str) -> int:
    """Read the 5 of ``bytes 5-9/10``; -1 where there is none."""
    first = header.removeprefix("bytes").strip().partition("-")[0]
    return int(first) if first.isdigit() else -1


def _retry_after(header: str | None) -> float | None:
    """Return the seconds that a server asks to wait, given as a number or as a date."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        until = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=datetime.UTC)
    return max(0.0, (until - datetime.datetime.now(datetime.UTC)).total_seconds())


def _short(error: Exception) -> str:
    """Say in a few words what requests says in many."""
    text = str(error)
    known = {
        "Read timed out": "the server is silent",
        "Failed to resolve": "the server's name is not known (no network?)",
        "timed out": "the server does not answer",
        "refused": "the server refuses connections",
        "certificate": "its certificate is not trusted",
        "redirects": "it redirects in circles",
    }
    return next((words for sign, words in known.items() if sign in text), "the connection broke")
