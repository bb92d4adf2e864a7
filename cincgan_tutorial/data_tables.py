"""Tables of what can be downloaded, made from its catalogue."""

from __future__ import annotations

from collections.abc import Iterable

from .data import Archive, DataSet
from .tables import Markdown, markdown_table


def sizes(data_sets: Iterable[DataSet]) -> Markdown:
    """Return sizes of what can be downloaded: photographs, gigabytes, minutes at two speeds, free space."""
    rows = [
        [
            f"`{data_set.name}`",
            f"{data_set.files}",
            f"{data_set.size / 1e9:.2f}",
            *(_minutes(data_set.minutes(megabits)) for megabits in (10, 50)),
            f"{data_set.needed / 1e9:.2f}",
        ]
        for data_set in data_sets
    ]
    header = ["name", "photographs", "GB to fetch", "minutes at 10 Mbit/s", "at 50 Mbit/s", "GB of free space"]
    return markdown_table(header, rows)


def _minutes(minutes: float) -> str:
    return f"{minutes:.0f}" if minutes >= 1 else "< 1"


def purposes(data_sets: Iterable[DataSet]) -> Markdown:
    """Return what each set is for and its terms, as a list."""
    lines = []
    for data_set in data_sets:
        accepted = " They have to be accepted." if data_set.licence.must_accept else ""
        lines.append(f"* `{data_set.name}`: {data_set.purpose}. *Terms.* {data_set.licence.terms}{accepted}")
    return Markdown("\n".join(lines))


def files(data_sets: Iterable[DataSet]) -> Markdown:
    """Return every archive once, with where it is unpacked, its bytes and the beginning of its hash."""
    archives = {archive.remote.name: archive for data_set in data_sets for archive in data_set.archives}
    rows = [
        [f"`{name}`", f"`{archive.folder}/{archive.members[0]}` ...", f"{archive.remote.size:,}", f"`{_hash(archive)}`"]
        for name, archive in archives.items()
    ]
    return markdown_table(["archive", "becomes", "bytes", "SHA-256"], rows, texts=2)


def _hash(archive: Archive) -> str:
    return f"{archive.remote.sha256 or '?'}"[:8] + " ..."
