"""Shared by the tests of the book: where it is, its chapters, and the built site."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving_pages import served

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

# Where Debian, Fedora, Google and macOS put it.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def browser_path() -> str:
    for name in (*BROWSERS, BROWSER_MACOS):
        if found := shutil.which(name):
            return found
    pytest.skip(f"no Chromium: none of {', '.join(BROWSERS)} is on the PATH")


@pytest.fixture(scope="module")
def browser(browser_path):
    """A Chromium without a window. One module at a time has it: Playwright's loop is not shared."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(site) -> Iterator[str]:
    """Where the built site is served."""
    with served(site) as found:
        yield found


def newest_source() -> float:
    """When the newest file that the built site depends on was changed."""
    files = [ROOT / "_config.yml", ROOT / "_toc.yml"]
    for folder in ("book", "notebooks", "cincgan_tutorial"):
        files += [path for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    return max(path.stat().st_mtime for path in files if path.is_file())


@pytest.fixture(scope="session")
def site() -> Path:
    """Folder of the built site; it is built first where it is missing or older than its sources."""
    index = ROOT / "_build" / "html" / "index.html"
    if not index.is_file() or index.stat().st_mtime < newest_source():
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        binaries = f"BIN={Path(sys.executable).parent}/"
        done = subprocess.run(
            ["make", "book", binaries], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"make book failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return index.parent
