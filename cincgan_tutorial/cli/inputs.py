"""Which files the inputs of ``upscale`` mean, and what their results are called."""

from __future__ import annotations

import collections
import glob
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from ..images import SUFFIXES


def expanded(texts: Sequence[str], out: Path) -> list[Path]:
    """Return the files that ``texts`` mean: files as they are, the images below folders, what patterns match.

    A shell expands patterns itself; where it does not (Windows, quotes) it is done here. A file that is found in
    several ways, by a folder and a pattern or through links, is taken once. What lies in ``out``, in a folder that is
    searched, is the result of an earlier call and left out. A folder without images and a pattern without match stay
    as they are: reading them says what is wrong.

    Raises:
        ValueError: A file is named twice.
    """
    chosen: dict[str, Path] = {}
    named: set[str] = set()
    for text in texts:
        path = Path(text)
        # os.path answers no where Path.is_dir raises, as for names that are too long: reading them says so.
        searched = os.path.isdir(path) or (not os.path.lexists(path) and glob.has_magic(text))
        for file in _found(text, out) if searched else [path]:
            if not searched and identity(file) in named:
                raise ValueError(f"{file}: given twice; give each input once.")
            if not searched:
                named.add(identity(file))
            chosen.setdefault(identity(file), file)
    return list(chosen.values())


def identity(path: Path) -> str:
    """Return the one name of a file; unlike `Path.resolve` also for links that lead in a circle."""
    return os.path.realpath(path)


def _found(text: str, out: Path) -> list[Path]:
    """Return what a folder or a pattern means, in order; itself where that is nothing."""
    if os.path.isdir(text):
        return _images_below(Path(text), out) or [Path(text)]
    matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]
    files = [file for match in matches for file in (_images_below(match, out) if os.path.isdir(match) else [match])]
    return files or [Path(text)]


def _images_below(folder: Path, out: Path) -> list[Path]:
    """Return the images below a folder, in order of their paths.

    Links to folders are not followed and hidden files are left out. Folders that can't be read, and links to nothing,
    are returned as if they were images, so that they are reported.
    """
    files: list[Path] = []
    unreadable: list[Path] = []
    for where, folders, names in os.walk(folder, onerror=lambda error: unreadable.append(Path(error.filename))):
        folders[:] = [
            name for name in folders if not name.startswith(".") and identity(Path(where, name)) != identity(out)
        ]
        files += [Path(where, name) for name in names if not name.startswith(".")]
    images = [path for path in files if path.suffix.lower() in SUFFIXES]
    return sorted(images + unreadable, key=lambda path: path.relative_to(folder).as_posix())


def output_names(inputs: Sequence[Path], out: Path) -> list[Path]:
    """Return where each result goes: ``out/a.png`` for ``a.jpg``.

    Inputs that share a stem keep their full name, ``out/a.jpg.png``. Inputs of one full name from different folders
    also get these folders' names, so that no result overwrites another.
    """
    # Case is ignored: on macOS A.png and a.png are one file.
    stems = collections.Counter(path.stem.casefold() for path in inputs)
    names = collections.Counter(path.name.casefold() for path in inputs)
    chosen: list[Path] = []
    taken: set[str] = set()
    for path in inputs:
        if stems[path.stem.casefold()] == 1:
            name = path.stem
        elif names[path.name.casefold()] == 1:
            name = path.name
        else:
            name = "_".join(part for part in path.parts if part not in (path.anchor, "..", "."))
        numbered = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        free = next(candidate for candidate in numbered if candidate.casefold() not in taken)
        taken.add(free.casefold())
        chosen.append(out / f"{free}.png")
    return chosen
