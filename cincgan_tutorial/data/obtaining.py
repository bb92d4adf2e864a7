"""A set from its servers or from a local copy into a folder: what is there already is not fetched again."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import requests

from .catalogue import Archive, DataSet, Remote
from .fetching import Patience, Say, WrongContentError, check, fetch
from .licences import is_accepted
from .singles import complete_folder
from .unpacking import clear, unpack

FOLDER = "CINCGAN_PHOTOS"
PATIENCE = Patience()
_INCOMING = ".incoming"


def data_folder() -> Path:
    """Return where photographs are kept: ``CINCGAN_PHOTOS``, else ``data`` at the top of a checkout or here."""
    named = os.environ.get(FOLDER)
    if named:
        return Path(named)
    here = Path.cwd()
    top = next((folder for folder in (here, *here.parents) if (folder / "_toc.yml").is_file()), here)
    return top / "data"


def obtain(
    data_set: DataSet,
    folder: Path,
    local: Path | None = None,
    patience: Patience | None = None,
    say: Say = print,
) -> Path:
    """Put a set into its place below ``folder``, whole, and return that place.

    Args:
        data_set: What to obtain.
        folder: Where all data are kept.
        local: A folder with copies of the files, or a single archive: the network is left alone.
        patience: How long to wait for servers; `PATIENCE` by default.
        say: Told what is done, line by line.

    Raises:
        ValueError: The licence is not accepted, a file is not the one of the catalogue, an archive is not safe, a
            local copy lacks something, or another process is at work here.
        ConnectionError: A file could not be fetched; the next call goes on where this one stopped.
        OSError: Something can't be written; so too with too little space.
    """
    if not is_accepted(data_set.licence, folder):
        raise ValueError(
            f"{data_set.name}: its terms have to be accepted once (--accept-licence). {data_set.licence.terms}"
        )
    root, patience = folder / data_set.folder, patience or PATIENCE
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder, data_set), requests.Session() as session:
        clear(root)
        for archive in _missing(data_set, root):
            _put_archive(session, archive, root, local, patience, say)
        if data_set.singles:
            complete_folder(session, data_set, folder, local, patience, say)
    return root


def is_here(data_set: DataSet, folder: Path) -> bool:
    """Return whether a set is there, by its names."""
    root = folder / data_set.folder
    if any(_lacking(archive, root) for archive in data_set.archives):
        return False
    return all((root / single.path).is_file() for single in data_set.singles)


def to_fetch(data_set: DataSet, folder: Path) -> tuple[int, int]:
    """Return the bytes that are missing of a set, and the free space that fetching and unpacking them needs."""
    if data_set.singles:
        missing = 0 if is_here(data_set, folder) else data_set.size
        return missing, missing
    sizes = [archive.remote.size or 0 for archive in _missing(data_set, folder / data_set.folder)]
    return sum(sizes), sum(sizes) + max(sizes, default=0)


def free_space(folder: Path) -> int:
    """Return the free bytes where a folder is, or would be."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free


def _missing(data_set: DataSet, root: Path) -> list[Archive]:
    """Return the archives whose folders are not there; one that is there in part is an error, and not ours to mend."""
    missing = []
    for archive in data_set.archives:
        lacking = _lacking(archive, root)
        if lacking and (root / archive.folder).exists():
            raise ValueError(
                f"{root / archive.folder}: {len(lacking)} of {len(archive.members)} photographs are not there, the"
                f" first is {lacking[0]}. Move the folder away and run the command again."
            )
        if lacking:
            missing.append(archive)
    return missing


def _lacking(archive: Archive, root: Path) -> list[str]:
    folder = root / archive.folder
    present = set(os.listdir(folder)) if folder.is_dir() else set()
    return [name for name in archive.members if name not in present]


def _put_archive(
    session: requests.Session, archive: Archive, root: Path, local: Path | None, patience: Patience, say: Say
) -> None:
    """Bring one archive, check it, unpack it, and remove it where it was fetched."""
    remote = archive.remote
    if local is not None:
        zipped = _local_copy(remote, local)
        check(zipped, remote)
    else:
        zipped = root / _INCOMING / remote.name
        zipped.parent.mkdir(parents=True, exist_ok=True)
        if zipped.exists() and not _is_right(zipped, remote):
            say(f"{remote.name}: the copy that an earlier call left is damaged. Fetching it again.")
            zipped.unlink()
        if not zipped.exists():
            fetch(session, remote, zipped, patience, say)
    say(f"{remote.name}: {remote.size:,} bytes, SHA-256 is right. Unpacking ...")
    unpack(zipped, archive, root)
    say(f"{root / archive.folder}: {len(archive.members)} photographs.")
    if local is None:
        zipped.unlink()
        if not any(zipped.parent.iterdir()):
            zipped.parent.rmdir()


def _is_right(path: Path, remote: Remote) -> bool:
    try:
        check(path, remote)
    except WrongContentError:
        return False
    return True


def _local_copy(remote: Remote, local: Path) -> Path:
    """Return the copy of an archive that ``--from`` means."""
    found = local / remote.name if local.is_dir() else local
    if not found.is_file() or (found == local and local.stat().st_size != remote.size):
        raise ValueError(f"{local}: {remote.name} ({remote.size:,} bytes) is needed and is not there.")
    return found


@contextlib.contextmanager
def _alone(folder: Path, data_set: DataSet) -> Iterator[None]:
    """Keep a second process out of the same set; the lock ends with the process, however that ends."""
    try:
        import fcntl
    except ImportError:  # Windows has no such lock: there, two at once are the caller's own care
        yield
        return
    path = folder / f".{data_set.folder}.lock"
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                f"{folder / data_set.folder}: another process is fetching into it. Wait for it."
            ) from error
        yield
