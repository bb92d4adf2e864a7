"""Photographs that lie in public repositories one by one: fetched into a hidden folder, shown when it is whole."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

import requests
from PIL import Image

from ..front_end import progress_bar
from ..images import replacing
from .catalogue import DataSet, Single
from .fetching import Patience, Say, WrongContentError, fetch, sha256_of

# Levels by which a mean colour may differ where JPEG was written by another encoder. Those of two photographs of the
# listing differ by 40 at least.
_SAME_LOOK = 4
# As the photographs of the recorded runs were made.
_QUALITY = 95


def complete_folder(
    session: requests.Session, data_set: DataSet, folder: Path, local: Path | None, patience: Patience, say: Say
) -> None:
    """Bring what is missing of a set of single photographs, with the table that splits them.

    Raises:
        ValueError: A photograph is not the one of the listing, or a local copy lacks some.
        ConnectionError: One could not be fetched.
    """
    root, hidden = folder / data_set.folder, folder / f".{data_set.folder}.part"
    missing = [single for single in data_set.singles if _fault(root / single.path, single)]
    if not missing:
        return
    if root.exists():
        say(f"{root}: {len(missing)} of {len(data_set.singles)} photographs are missing or damaged.")
        os.rename(root, hidden)
    other = 0
    with progress_bar(len(data_set.singles), data_set.name) as bar:
        for single in data_set.singles:
            path = hidden / single.path
            if _fault(path, single):
                path.parent.mkdir(parents=True, exist_ok=True)
                _put(session, single, path, local, patience, say, bar)
            other += bool(single.look) and sha256_of(path) != single.sha256
            bar.update()
    _write_split(data_set.singles, hidden / "train")
    os.rename(hidden, root)
    say(f"{root}: {len(data_set.singles)} photographs, SHA-256 of {len(data_set.singles) - other} is right.")
    if other:
        say(
            f"{other} of them are JPEG files made here of lossless ones, and this machine's encoder writes other bytes"
            " than ours did: the same photographs, but a run on them will not have our numbers to the last digit."
        )


def _put(
    session: requests.Session,
    single: Single,
    path: Path,
    local: Path | None,
    patience: Patience,
    say: Say,
    bar: object,
) -> None:
    """Bring one photograph, turn it into what the recorded runs used, and check that."""
    if local is not None:
        content = _local_copy(single, local).read_bytes()
    else:
        incoming = path.with_name(f".{path.name}.incoming")
        incoming.unlink(missing_ok=True)
        fetch(session, single.remote, incoming, patience, say, bar)
        content = incoming.read_bytes()
        incoming.unlink()
    with replacing(path) as temporary:
        temporary.write_bytes(content)
        if single.look and _fault(temporary, single, exactly=True):
            temporary.write_bytes(_as_jpeg(content, single))
        fault = _fault(temporary, single)
        if fault:
            raise WrongContentError(f"{single.path}: {fault}.")


def _local_copy(single: Single, local: Path) -> Path:
    """Return a copy below ``local``, which is laid out as this set is, or as its repository."""
    for name in (single.path, single.source_path):
        if (local / name).is_file():
            return local / name
    raise ValueError(f"{local}: neither {single.path} nor {single.source_path} is in it.")


def _fault(path: Path, single: Single, exactly: bool = False) -> str | None:
    """Say what is wrong with a file, if anything; one made here may have other bytes if it looks right."""
    if not path.is_file():
        return "not there"
    found = sha256_of(path)
    if found == single.sha256:
        return None
    if not single.look or exactly:
        return f"SHA-256 {found}; expected {single.sha256}"
    try:
        with Image.open(path) as image:
            right = image.format == "JPEG" and _looks_alike(look(image), single.look)
    except (OSError, ValueError, SyntaxError) as error:
        return f"not an image that can be read ({error})"
    return None if right else "another photograph than that of the listing"


def look(image: Image.Image) -> str:
    """Return the mean colours of an image in a 4 x 4 grid, in hexadecimal."""
    return image.convert("RGB").resize((4, 4), Image.Resampling.BOX).tobytes().hex()


def _looks_alike(a: str, b: str) -> bool:
    return all(abs(p - q) < _SAME_LOOK for p, q in zip(bytes.fromhex(a), bytes.fromhex(b), strict=True))


def _as_jpeg(content: bytes, single: Single) -> bytes:
    file = io.BytesIO()
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.convert("RGB").save(file, format="JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    except (OSError, ValueError, SyntaxError) as error:
        raise WrongContentError(f"{single.path}: not an image that can be read ({error}).") from error
    return file.getvalue()


def _write_split(singles: Sequence[Single], folder: Path) -> None:
    """Write the table that says which photograph is in which half, see `unpaired.folder_of_photographs`."""
    with replacing(folder / "split.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["file", "half"])
        rows.writerows([single.path.removeprefix("train/"), single.half] for single in singles if single.half)
