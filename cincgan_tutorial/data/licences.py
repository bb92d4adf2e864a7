"""Terms that were accepted: asked once, remembered in the folder of the data."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from ..images import replacing
from .catalogue import Licence

ACCEPTED = "accepted-licences.json"


def is_accepted(licence: Licence, folder: Path) -> bool:
    """Return whether these very terms were accepted for this folder, or need not be."""
    return not licence.must_accept or _read(folder).get(licence.name, {}).get("sha256") == licence.sha256


def accept(licence: Licence, folder: Path) -> None:
    """Remember that the terms were accepted."""
    if is_accepted(licence, folder):
        return
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    record = _read(folder) | {licence.name: {"terms": licence.terms, "sha256": licence.sha256, "date": today}}
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / ACCEPTED) as temporary:
        temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")


def _read(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / ACCEPTED
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: damaged ({error}). Remove it; you will be asked again.") from error
    if not isinstance(record, dict) or not all(isinstance(entry, dict) for entry in record.values()):
        raise ValueError(f"{path}: damaged (no table of licences). Remove it; you will be asked again.")
    return record
