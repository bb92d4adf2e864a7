"""A server on loopback that can be told to misbehave, and small archives in the official layout."""

import hashlib
import io
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from helpers import picture
from PIL import Image

from cincgan_tutorial.data import Archive, DataSet, Licence, Patience, Remote

# Short enough for a test; a server on loopback answers within it, however busy the machine is.
HASTY = Patience(connect=5, answer=5, pause=0.001, attempts=4, longest=0.5)
FREE = Licence("free", "Do what you like.")


@dataclass
class Behaviour:
    """What the server does with one request; the defaults are those of a good one.

    `cut` bytes of the body are sent before the connection is closed. `status`, with `headers`, is sent instead of the
    file. `ranges` says whether it can go on in the middle. `body` replaces the file. `silent` sends nothing at all.
    """

    cut: int | None = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    body: bytes | None = None
    silent: bool = False
    length: bool = True
    shift: int = 0


class Server:
    """Files by their paths; `plan` holds the behaviour for the next requests, `always` that for all after these."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.plan: list[Behaviour] = []
        self.always = Behaviour()
        self.requests: list[tuple[str, str | None]] = []
        self.sent = 0
        self.closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/{name}"

    def put(self, name: str, content: bytes) -> Remote:
        """Serve a file and return its entry of the catalogue."""
        self.files[f"/{name}"] = content
        return Remote(name, (self.url(name),), len(content), hashlib.sha256(content).hexdigest())

    @property
    def ranges(self) -> list[str | None]:
        """The range header of every request."""
        return [header for _, header in self.requests]

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.requests.append((self.path, self.headers.get("Range")))
                behaviour = server.plan.pop(0) if server.plan else server.always
                self.close_connection = True
                if behaviour.silent:
                    server.closing.wait(60)
                else:
                    self._answer(behaviour)

            def _answer(self, behaviour: Behaviour) -> None:
                body = server.files.get(self.path) if behaviour.body is None else behaviour.body
                status = behaviour.status or (404 if body is None else 200)
                headers = dict(behaviour.headers)
                if status != 200:
                    body = b""
                asked = self.headers.get("Range")
                if asked and behaviour.ranges and status == 200:
                    start = int(asked.removeprefix("bytes=").removesuffix("-")) + behaviour.shift
                    if start >= len(body):
                        status, body = 416, b""
                    else:
                        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                        status, body = 206, body[start:]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if behaviour.length:
                    self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                body = body if behaviour.cut is None else body[: behaviour.cut]
                server.sent += len(body)  # before the client can have seen the end of it
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def png(seed: int, height: int = 8, width: int = 9) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture(height, width, seed)).save(file, format="PNG", compress_level=1)
    return file.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    """A zip with these members; as in the official ones they are stored, not compressed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def archive_of(server: Server, name: str, numbers: range, suffix: str = ".png") -> Archive:
    """A small archive in the official layout, served."""
    members = {f"{name}/": b""} | {f"{name}/{n:04d}{suffix}": png(n) for n in numbers}
    return Archive(server.put(f"{name}.zip", zip_of(members)), name, numbers, suffix)


def set_of(*archives: Archive, licence: Licence = FREE) -> DataSet:
    return DataSet("small", "for a test", "SMALL", licence, archives)


def files_below(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that another process does."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)


# The official folders with their numbers and suffixes, and the side that the photographs of a test have: the smoke
# preset cuts patches of 16 and 64 pixels.
PARTS = (
    ("DIV2K_train_LR_mild", range(1, 801), "x4m.png", 17),
    ("DIV2K_train_HR", range(1, 801), ".png", 68),
    ("DIV2K_valid_LR_mild", range(801, 901), "x4m.png", 17),
    ("DIV2K_valid_HR", range(801, 901), ".png", 68),
)


def numbered(number: int, side: int) -> bytes:
    """A PNG of soft texture whose first pixels are its number and its side."""
    base = picture(68, 68, number % 7)
    pixels = np.roll(base, number, axis=(0, 1))[:: 68 // side, :: 68 // side].copy()
    pixels[0, 0] = (number >> 8, number & 255, side)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1)
    return file.getvalue()


def number_of(pixels: np.ndarray) -> tuple[int, int]:
    """The number and the side that `numbered` wrote."""
    high, low, side = map(int, pixels[0, 0])
    return high << 8 | low, side
