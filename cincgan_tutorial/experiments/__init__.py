"""Chapter 7, experiments: the systems compared, their scores, and the recorded results that the book shows."""

from .chapters import newest_run, runs_folder, train_or_resume, trained_networks
from .evaluate import Row, cleaning, cleaning_scores, evaluate, noisy, table
from .example import EXAMPLE, EXAMPLE_BOX, Box, example
from .results import RESULTS, Recorded, check_name, evaluation_data, record, recorded, rows_of
from .signals import SIGNALS, run_signals
from .study import STUDIES, Study, run_study, slug
from .systems import systems

__all__ = [
    "EXAMPLE",
    "EXAMPLE_BOX",
    "RESULTS",
    "SIGNALS",
    "STUDIES",
    "Box",
    "Recorded",
    "Row",
    "Study",
    "check_name",
    "cleaning",
    "cleaning_scores",
    "evaluate",
    "evaluation_data",
    "example",
    "newest_run",
    "noisy",
    "record",
    "recorded",
    "rows_of",
    "run_signals",
    "run_study",
    "runs_folder",
    "slug",
    "systems",
    "table",
    "train_or_resume",
    "trained_networks",
]
