"""Photographs from elsewhere: what there is, under which terms, and how it gets here, whole or not at all."""

from .catalogue import CATALOGUE, Archive, DataSet, Licence, Remote, Single
from .fetching import OFFLINE, Patience, WrongContentError
from .licences import accept, is_accepted
from .obtaining import FOLDER, data_folder, free_space, is_here, obtain, to_fetch

__all__ = [
    "CATALOGUE",
    "FOLDER",
    "OFFLINE",
    "Archive",
    "DataSet",
    "Licence",
    "Patience",
    "Remote",
    "Single",
    "WrongContentError",
    "accept",
    "data_folder",
    "free_space",
    "is_accepted",
    "is_here",
    "obtain",
    "to_fetch",
]
