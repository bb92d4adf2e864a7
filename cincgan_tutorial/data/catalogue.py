"""What can be fetched: names, files, sizes, hashes, where from, and under which terms.

Sizes and SHA-256 of the DIV2K archives are those that TensorFlow Datasets pins. The photographs of the recorded runs
are named one by one in ``tutorial-photos.csv``, each by its repository, commit and path there.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K/"
_RAW = "https://raw.githubusercontent.com/"
_CODEC_CORPUS = _RAW + "imazen/codec-corpus/55decfe826d350815e3af3b5ac69b882fb2943d3/"
_BSDS500 = _RAW + "BIDS/BSDS500/a04b7c6c3a9f0ace74bf205c72a43d32e1c72722/"
_LISTING = Path(__file__).with_name("tutorial-photos.csv")
# Photographs hardly become smaller in a zip, so nothing honest unpacks to more than this many times its size.
_MOST_UNPACKED = 2
LARGEST_PHOTOGRAPH = 20_000_000  # bytes, of a single file whose size is not known beforehand


@dataclass(frozen=True)
class Licence:
    """Terms of use: a name that is remembered, the text, and whether they have to be accepted first."""

    name: str
    terms: str
    must_accept: bool = False

    @property
    def sha256(self) -> str:
        """Hash of the text: who accepted other words is asked again."""
        return hashlib.sha256(self.terms.encode()).hexdigest()


@dataclass(frozen=True)
class Remote:
    """One file as a server has it.

    Attributes:
        name: What it is called here.
        urls: Where it is, the first choice first.
        size: Bytes, or ``None`` where nobody wrote them down.
        sha256: Hash, likewise.
    """

    name: str
    urls: tuple[str, ...]
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Archive:
    """A zip of photographs called by number.

    Attributes:
        remote: The zip.
        folder: Where its photographs belong, relative to the folder of the set.
        numbers: Those that are in it.
        suffix: What follows the four digits: ``0001x4m.png``.
    """

    remote: Remote
    folder: str
    numbers: range
    suffix: str = ".png"

    @property
    def members(self) -> tuple[str, ...]:
        """The names of all photographs in it."""
        return tuple(f"{number:04d}{self.suffix}" for number in self.numbers)

    @property
    def most_unpacked(self) -> int:
        """Bytes beyond which it is no archive of photographs but a bomb."""
        return _MOST_UNPACKED * (self.remote.size or 0)


@dataclass(frozen=True)
class Single:
    """One photograph of a public repository.

    Attributes:
        remote: The file there.
        path: Where it belongs, relative to the folder of the set.
        size: Bytes of the file here.
        sha256: Hash of the file here.
        source_path: Its path in the repository.
        half: A, B or empty, see `unpaired.folder_of_photographs`.
        look: Its mean colours in a 4 x 4 grid, in hexadecimal, where the file here is made from the one there: JPEG of
            quality 95 without subsampling, for which another encoder may write other bytes.
    """

    remote: Remote
    path: str
    size: int
    sha256: str
    source_path: str
    half: str = ""
    look: str = ""


@dataclass(frozen=True)
class DataSet:
    """What one name of ``download`` fetches.

    Attributes:
        name: The name.
        purpose: What it is for, in a line.
        folder: Its folder, relative to that of all data. Sets may share one.
        licence: The terms.
        archives: Zips, in the order in which they are fetched.
        singles: Photographs that lie in a repository one by one.
        photos: The folder to train on, relative to ``folder``; ``None`` where there is nothing to train on.
    """

    name: str
    purpose: str
    folder: str
    licence: Licence
    archives: tuple[Archive, ...] = ()
    singles: tuple[Single, ...] = ()
    photos: str | None = "."

    @property
    def size(self) -> int:
        """Bytes to fetch. For photographs that are made smaller here, those of the result: about a third."""
        return sum(archive.remote.size or 0 for archive in self.archives) + sum(single.size for single in self.singles)

    @property
    def needed(self) -> int:
        """Bytes of free space to begin with: everything unpacked, and the largest archive beside it."""
        return self.size + max((archive.remote.size or 0 for archive in self.archives), default=0)

    @property
    def files(self) -> int:
        """How many photographs it has."""
        return sum(len(archive.numbers) for archive in self.archives) + len(self.singles)

    def minutes(self, megabits: float) -> float:
        """Return how long the transfer takes at so many megabits per second."""
        return self.size * 8 / (megabits * 1e6) / 60


ACADEMIC = Licence(
    "DIV2K",
    "DIV2K is for academic research only. Its photographs were collected from the internet; the copyright stays with"
    " the owners, and a photograph is removed when its owner asks for it. It is no open licence: do not pass the"
    " photographs on, nor crops of them.",
    must_accept=True,
)
OPEN = Licence(
    "CID22 and Kodak",
    "CID22: Creative Commons Attribution-ShareAlike 4.0 (credit: CID22, Cloudinary, CC BY-SA 4.0); copies and crops"
    " stay under it. Kodak Lossless True Color Image Suite: released by the Eastman Kodak Company for unrestricted"
    " usage.",
)
NON_COMMERCIAL = Licence(
    "BSDS500",
    "BSDS500 is for non-commercial research and education; do not pass the photographs on. " + OPEN.terms,
    must_accept=True,
)


def _div2k(name: str, size: int, sha256: str, folder: str, numbers: range, suffix: str = ".png") -> Archive:
    # The http form is a second choice when a network breaks the encryption: the hash says what came.
    urls = (f"{_DIV2K}{name}.zip", f"{_DIV2K}{name}.zip".replace("https:", "http:"))
    return Archive(Remote(f"{name}.zip", urls, size, sha256), folder, numbers, suffix)


_TRAIN, _VALID = range(1, 801), range(801, 901)
TRAIN_HR = _div2k(
    "DIV2K_train_HR",
    3_530_603_713,
    "9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
    "DIV2K_train_HR",
    _TRAIN,
)
VALID_HR = _div2k(
    "DIV2K_valid_HR",
    448_993_893,
    "20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
    "DIV2K_valid_HR",
    _VALID,
)
TRAIN_MILD = _div2k(
    "DIV2K_train_LR_mild",
    275_693_358,
    "ce5fbe6252d1000c55656b0666dccdeaf8e66b86ae5ff528c49343012e8e1391",
    "DIV2K_train_LR_mild",
    _TRAIN,
    "x4m.png",
)
VALID_MILD = _div2k(
    "DIV2K_valid_LR_mild",
    35_300_939,
    "eedfbcb6acc6662a3f52924aaa5a423693244f3276d37c3fca7944c7325859ff",
    "DIV2K_valid_LR_mild",
    _VALID,
    "x4m.png",
)
TRAIN_BICUBIC = _div2k(
    "DIV2K_train_LR_bicubic_X4",
    246_914_039,
    "f006b837f4eb52b82909aa01478e6d6d199eefce932179491d0c9dbb706dde3a",
    "DIV2K_train_LR_bicubic/X4",
    _TRAIN,
    "x4.png",
)
VALID_BICUBIC = _div2k(
    "DIV2K_valid_LR_bicubic_X4",
    31_505_881,
    "a50a5d1c4b88de4e8d300d8fb2b904c52fe93b2b298a4899697760d7cbb6d553",
    "DIV2K_valid_LR_bicubic/X4",
    _VALID,
    "x4.png",
)


def listed(path: Path = _LISTING) -> tuple[Single, ...]:
    """Read the listing of single photographs."""
    with path.open(newline="", encoding="utf-8") as lines:
        return tuple(_single(row) for row in csv.DictReader(lines))


def _single(row: dict[str, str]) -> Single:
    base = _BSDS500 if row["source"] == "bsds500" else _CODEC_CORPUS
    # Of six files only the name without this prefix is on record.
    paths = row["source_path"].split(" or ")
    known = not row["look"]
    size, sha256 = int(row["bytes"]), row["sha256"]
    remote = Remote(
        Path(paths[0]).name, tuple(base + path for path in paths), size if known else None, sha256 if known else None
    )
    return Single(remote, row["file"], size, sha256, paths[0], row["half"], row["look"])


def _data_sets() -> Iterable[DataSet]:
    yield DataSet(
        "tutorial-photos",
        "photographs under open licences that recorded runs and the shipped weights were made with: 180 to train on,"
        " 12 to score on",
        "tutorial-photos",
        OPEN,
        singles=tuple(single for single in listed() if "bsds500" not in single.path),
        photos="train",
    )
    yield DataSet(
        "tutorial-photos-all",
        "the same, and 220 photographs of BSDS500 that further recorded runs used",
        "tutorial-photos-all",
        NON_COMMERCIAL,
        singles=listed(),
        photos="train",
    )
    yield DataSet(
        "div2k-track2",
        "the paper's data, NTIRE 2018 track 2: noisy LR 1-400 as X, HR 401-800 as Z, 100 pairs to score on",
        "DIV2K",
        ACADEMIC,
        archives=(TRAIN_MILD, VALID_MILD, VALID_HR, TRAIN_HR),
    )
    yield DataSet(
        "div2k-valid",
        "the small start: only the 100 pairs of track 2 to score on",
        "DIV2K",
        ACADEMIC,
        archives=(VALID_MILD, VALID_HR),
        photos=None,
    )
    yield DataSet(
        "div2k-bicubic",
        "clean pairs for pre-training elsewhere, reduced by MATLAB; train makes its own from HR 401-800",
        "DIV2K",
        ACADEMIC,
        archives=(VALID_BICUBIC, TRAIN_BICUBIC, TRAIN_HR),
        photos=None,
    )


CATALOGUE: dict[str, DataSet] = {data_set.name: data_set for data_set in _data_sets()}
