"""The built book as one zip, for reading without a network: unpack it anywhere and open index.html.

    python book/_ext/release_zip.py    # `make release-zip`

Equal pages give an equal zip, byte for byte: names are sorted, and every file has the same date.
"""

from __future__ import annotations

import hashlib
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITE = Path("_build", "html")
# Beside the pages: what may be done with them, and how to quote them.
BESIDE = ("LICENSE", "LICENSE-TEXT", "CITATION.cff")
# Only the builder reads these.
LEFT_OUT = {".buildinfo", ".nojekyll", "objects.inv"}
_DATE = (1980, 1, 1, 0, 0, 0)


def release_name(root: Path = ROOT) -> str:
    """Return the name of the release, which is also the folder in the zip."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return f"{project['name']}-{project['version']}-book"


def files(root: Path = ROOT) -> dict[str, Path]:
    """Return what goes into the zip, by its path there, sorted.

    Raises:
        FileNotFoundError: The book has not been built.
    """
    site = root / SITE
    if not (site / "index.html").is_file():
        raise FileNotFoundError(f"{SITE}/index.html is not there. Build the book first: make book")
    pages = {path.relative_to(site).as_posix(): path for path in site.rglob("*") if path.is_file()}
    kept = {name: path for name, path in pages.items() if Path(name).name not in LEFT_OUT}
    return dict(sorted((kept | {name: root / name for name in BESIDE}).items()))


def write(root: Path = ROOT) -> Path:
    """Write the zip beside the built pages, and its SHA-256 beside the zip; return where the zip is."""
    name, found = release_name(root), files(root)
    target = root / "_build" / f"{name}.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for inside, path in found.items():
            entry = zipfile.ZipInfo(f"{name}/{inside}", _DATE)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    target.with_suffix(".zip.sha256").write_text(f"{digest}  {target.name}\n", "utf-8")
    return target


def main() -> int:
    """Write the zip and say where it is; the exit status is 1 where there is no book."""
    try:
        target = write()
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
