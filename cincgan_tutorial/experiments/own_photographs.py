"""One's own photographs, the real unpaired case, acted out: a phone, a camera, no pairs, and a phone nobody described.

The photographs are written as two folders of files, and from there on everything is done that an owner of such folders
can do: look at them, train, score without a reference. Only because the phone is simulated can the truth be asked
afterwards, which no owner can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from torch import Tensor

from ..images import from_levels, from_pixels, list_images, replacing, write_png
from ..inference import super_resolve
from ..presets import Preset
from ..survey import survey
from ..training import load_photographs
from ..unpaired import Photograph, Photographs, degrade, read_photographs
from ..weights import FOR_STRANGERS, load_weights
from .comparison import check_apart
from .evaluate import Row, check_unseen, cleaning, evaluate
from .phone import PHONE
from .results import Recorded, evaluation_data, record, rows_from
from .study import trained_in
from .systems import systems
from .without_reference import Look, contact_sheet, looks

OWN = "own-photographs"
QUESTION = "what one's own photographs give, of a phone that no training was told about"
SHEET = "contact-sheet.jpg"
# The system of weights that were made for photographs of strangers.
SHIPPED = f"CinCGAN, shipped ({FOR_STRANGERS})"
# Photographs on the sheet, and the quality it is saved with: it is large, and made to be looked at.
_SHOWN, _QUALITY = 3, 90


def run_own_photographs(
    preset: Preset, photographs: Photographs, held_out: Sequence[Photograph], runs: Path, results: Path
) -> Path:
    """Take the photographs, look at them, train, score without the truth and then with it; record ``own-photographs``.

    Args:
        preset: The settings of the training. Its degradation is not used.
        photographs: X is what the phone will have taken, Y and Z what the camera has; split already.
        held_out: What the phone will have taken after the training.
        runs: The folders are made in ``runs/own-photographs-<preset>``; a run that is finished is kept, an interrupted
            one resumed.
        results: Where the result is written.

    Raises:
        ValueError: Training can't begin with the photographs, or one to be scored was trained on, also by the weights
            that ship.
    """
    check_apart(photographs, held_out)
    shipped = load_weights(FOR_STRANGERS)
    check_unseen(shipped, held_out)
    folder = runs / f"{OWN}-{preset.name}"
    phone, camera, later = (folder / name for name in ("phone", "camera", "phone-later"))
    write_photographs(photographs, held_out, (phone, camera, later), preset.scale)

    given = load_photographs(str(camera), str(phone))
    found = survey(given.x, given.yz, preset.patch, preset.scale)
    if found.stops:
        raise ValueError(next(finding.text for finding in found.findings if finding.stops))
    trained = load_weights(trained_in(folder / "run", preset, given))
    seen = looks(read_photographs(later), systems(trained), preset.scale)

    # From here on the owner can't follow: the HR originals of what the phone took.
    rows = evaluate(trained, held_out, PHONE)
    rows += evaluate(shipped, held_out, PHONE, chosen={SHIPPED: lambda x: super_resolve(shipped.nets.upscaler(), x)})
    data, facts = evaluation_data(trained, rows, cleaning(trained, held_out, 0, PHONE), PHONE, seed=0)
    own = evaluate(trained, photographs.x, PHONE)
    data |= {
        "question": QUESTION,
        "phone": asdict(PHONE),
        "folders": {path.name: len(list_images(path)) for path in (phone, camera, later)},
        "check": str(found),
        "looks": [{"system": look.system, "noise_8bit": look.noise_8bit, "blur": look.blur} for look in seen],
        "own": evaluation_data(trained, own, {}, PHONE, seed=0)[0],
    }
    files = {SHEET: _sheet(folder / SHEET, seen, preset.scale), "log.jsonl": folder / "run" / "log.jsonl"}
    return record(OWN, data, facts | {"source": photographs.source}, results, files)


def write_photographs(
    photographs: Photographs, held_out: Sequence[Photograph], folders: tuple[Path, Path, Path], scale: int
) -> None:
    """Write what the phone took, what the camera took, and what the phone took later, PNG files without any pair.

    A file's name does not say what it shows, as those of cameras don't. Files that are there are written again, the
    same.

    Raises:
        ValueError: A folder holds other photographs already.
    """
    phone, camera, later = folders
    taken = {
        **_named(phone, "IMG", [from_levels(degrade(p, PHONE, scale)) for p in photographs.x]),
        **_named(camera, "DSC", [from_pixels(p.pixels) for p in photographs.yz]),
        **_named(later, "IMG", [from_levels(degrade(p, PHONE, scale)) for p in held_out]),
    }
    for folder in folders:
        # Hidden ones may be what a kill left behind; nobody reads them.
        others = {path for path in folder.rglob("[!.]*") if path.is_file()} - set(taken)
        if others:
            raise ValueError(
                f"{folder}: holds other photographs, {min(others).name} for one. Remove it, or give another --runs"
                " folder."
            )
    for path, image in taken.items():
        write_png(path, image)


def _named(folder: Path, prefix: str, images: Sequence[Tensor]) -> dict[Path, Tensor]:
    return {folder / f"{prefix}_{number:04d}.png": image for number, image in enumerate(images, start=1)}


def _sheet(path: Path, seen: Sequence[Look], scale: int) -> Path:
    """Write the contact sheet of the first photographs."""
    first = list(seen[0].cells)[:_SHOWN]
    shown = [replace(look, cells={name: look.cells[name] for name in first}) for look in seen]
    with replacing(path) as temporary:
        contact_sheet(shown, scale).save(temporary, format="JPEG", quality=_QUALITY, subsampling=0)
    return path


def recorded_looks(result: Recorded) -> list[Look]:
    """Return what was recorded about the results without a reference; no pictures."""
    return [Look(**look, cells={}) for look in result.data["looks"]]


def recorded_own_rows(result: Recorded) -> list[Row]:
    """Return the scores of the photographs that were trained on, as X: the owner's own."""
    return rows_from(result.data["own"])
