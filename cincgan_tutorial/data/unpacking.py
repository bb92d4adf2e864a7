"""A zip of photographs becomes a folder: whole or not at all, and nothing but these photographs, whatever is in it.

Only names that are expected are written, each under its last component, so no path of the archive can lead anywhere.
An archive that tries (`..`, absolute paths, symbolic links, encryption, names twice, more bytes than an archive of
photographs can have) is refused as a whole.
"""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from ..front_end import progress_bar
from .catalogue import Archive

_UNPACKING = ".unpacking"
_CHUNK = 1 << 20


def unpack(zipped: Path, archive: Archive, root: Path) -> None:
    """Unpack the photographs of an archive into ``root / archive.folder``, which must not exist yet.

    They are written into a hidden folder beside it, which is renamed when the last one is there.

    Raises:
        ValueError: The archive is damaged, lacks photographs, or is not safe.
        OSError: It can't be written, for lack of space for one.
    """
    target = root / archive.folder
    temporary = root / _UNPACKING / PurePosixPath(archive.folder).name
    clear(root)
    temporary.mkdir(parents=True)
    try:
        with zipfile.ZipFile(zipped) as opened:
            members = wanted(opened, archive)
            _check_space(sum(member.file_size for member in members.values()), root, archive)
            with progress_bar(len(members), f"unpack {archive.remote.name}") as bar:
                for name, member in members.items():
                    _extract(opened, member, temporary / name)
                    bar.update()
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(temporary, target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{zipped}: damaged archive ({error}).") from error
    finally:
        clear(root)


def clear(root: Path) -> None:
    """Remove what is left of an unpacking that was killed."""
    if (root / _UNPACKING).exists():
        shutil.rmtree(root / _UNPACKING)


def wanted(opened: zipfile.ZipFile, archive: Archive) -> dict[str, zipfile.ZipInfo]:
    """Return the members to unpack by their names here, after every entry of the archive was looked at.

    Raises:
        ValueError: An entry is not safe, a photograph is there twice or missing, or all together are too large.
    """
    expected = set(archive.members)
    found: dict[str, zipfile.ZipInfo] = {}
    size = 0
    for member in opened.infolist():
        _refuse_unsafe(member, archive.remote.name)
        size += member.file_size
        if size > archive.most_unpacked:
            raise ValueError(
                f"{archive.remote.name}: unpacks to more than {archive.most_unpacked:,} bytes: not the photographs"
                " that were expected. Nothing was unpacked."
            )
        name = PurePosixPath(member.filename).name
        if member.is_dir() or name not in expected or "__MACOSX" in member.filename:
            continue
        if name in found:
            raise ValueError(f"{archive.remote.name}: {name} is in it twice. Nothing was unpacked.")
        found[name] = member
    missing = sorted(expected - set(found))
    if missing:
        raise ValueError(
            f"{archive.remote.name}: {len(missing)} of {len(expected)} photographs are not in it, the first is"
            f" {missing[0]}. Nothing was unpacked."
        )
    return dict(sorted(found.items()))


def _refuse_unsafe(member: zipfile.ZipInfo, archive: str) -> None:
    name = member.filename.replace("\\", "/")
    what = None
    if name.startswith("/") or name[1:2] == ":":
        what = "an absolute path"
    elif ".." in name.split("/"):
        what = "a path that leaves its folder"
    elif stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link or a device"
    elif member.flag_bits & 1:
        what = "encrypted"
    if what:
        raise ValueError(f"{archive}: not safe, {member.filename!r} is {what}. Nothing was unpacked.")


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    """Write one member; zipfile reads no more bytes than the directory states, and checks the checksum at the end."""
    with opened.open(member) as source, path.open("xb") as file:
        shutil.copyfileobj(source, file, _CHUNK)
        file.flush()
        os.fsync(file.fileno())


def _check_space(size: int, root: Path, archive: Archive) -> None:
    free = shutil.disk_usage(root).free
    if size > free:
        raise OSError(
            f"{archive.remote.name} unpacks to {size:,} bytes, and {root} has {free:,} free. Make room and run the"
            " command again; nothing has to be fetched twice."
        )
