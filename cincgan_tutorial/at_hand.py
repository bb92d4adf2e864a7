"""Chapter 2, the photographs that a reader has: one function decides for all chapters, another fetches more.

Seven photographs come with the installation and are enough to see everything happen, on any machine. Real training
needs hundreds. They pay on a GPU: there, chapter 2 fetches them and later chapters find them.
"""

from __future__ import annotations

import os
from dataclasses import replace

import torch

from .data import CATALOGUE, FOLDER, DataSet, accept, data_folder, is_here, obtain
from .data.fetching import Say
from .training import load_photographs
from .unpaired import Photographs, bundled_photographs

# The paper's own first.
_TO_TRAIN_ON = ("div2k-track2", "tutorial-photos-all", "tutorial-photos")
_MEGABITS = 50


def they_pay() -> bool:
    """Return whether chapters use more than the bundled photographs: on a GPU, or where ``CINCGAN_PHOTOS`` is set."""
    return torch.cuda.is_available() or bool(os.environ.get(FOLDER))


def photographs_here() -> Photographs:
    """Return the photographs for the chapters: the best set that is in the data folder, else the bundled ones.

    Nothing is fetched. On a CPU they are always the bundled ones, unless ``CINCGAN_PHOTOS`` names a data folder.
    """
    for name in _TO_TRAIN_ON if they_pay() else ():
        if is_here(CATALOGUE[name], data_folder()):
            return _loaded(CATALOGUE[name])
    return bundled_photographs()


def obtain_photographs(name: str = "tutorial-photos", accept_licence: bool = False, say: Say = print) -> Photographs:
    """Fetch a set where it pays and is not here yet, and return what chapters will find from now on.

    Size, time and terms are said before. Where the network fails, that is said too, and the bundled photographs do.

    Args:
        name: A set of the catalogue to train on.
        accept_licence: That you have read its terms and accept them; needed once, where they ask for it.
        say: Told all this, line by line.

    Raises:
        ValueError: The terms are not accepted, or what came is not what the catalogue describes.
    """
    if name not in _TO_TRAIN_ON:
        raise ValueError(f"{name!r}: nothing to train on; expected one of {', '.join(_TO_TRAIN_ON)}.")
    data_set, folder = CATALOGUE[name], data_folder()
    if not they_pay():
        say(
            "No GPU: nothing is fetched, and the seven bundled photographs are used."
            f" {name} ({cost(data_set)}) comes with: python -m cincgan_tutorial download {name}"
        )
        return photographs_here()
    if not is_here(data_set, folder):
        say(f"{name}: {cost(data_set)}. Terms: {data_set.licence.terms}")
    if accept_licence:
        accept(data_set.licence, folder)
    try:
        obtain(data_set, folder, say=say)
    except OSError as error:
        say(f"{error}\nGoing on with what is here.")
        return photographs_here()
    return _loaded(data_set)


def cost(data_set: DataSet) -> str:
    """Return size and time of a transfer in words."""
    megabytes, minutes = data_set.size / 1e6, data_set.minutes(_MEGABITS)
    size = f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
    time = f"{minutes:.0f} minutes" if minutes >= 1.5 else "a minute or less"
    return f"{size}, about {time} at {_MEGABITS} Mbit/s"


def _loaded(data_set: DataSet) -> Photographs:
    """Read a set; tables call it by its name in the catalogue."""
    folder = data_folder() / data_set.folder / (data_set.photos or ".")
    return replace(load_photographs(str(folder)), source=data_set.name)
