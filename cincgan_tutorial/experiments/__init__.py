"""Chapter 7, experiments: the systems compared, their scores, and the recorded results that the book shows."""

from .ablations import ABLATIONS, run_ablations
from .alignment import bicubic, papers_loss, scores_by_shift, shift_that_costs
from .bound import BOUND, bound
from .chapters import newest_run, runs_folder, train_or_resume, trained_networks
from .comparison import TABLE, run_of, run_table
from .denoisers import DENOISERS
from .evaluate import Row, cleaning, cleaning_scores, evaluate, noisy, table
from .example import EXAMPLE, EXAMPLE_BOX, Box, example
from .frames import FRAMES, LEARNING, STAGES, frames_of, run_frames
from .given_pairs import at_best_shift, evaluate_pairs
from .own_photographs import OWN, QUESTION, SHEET, recorded_looks, recorded_own_rows, run_own_photographs
from .phone import PHONE
from .repeat import leave_out, mean_over_seeds, repeat, rows_of_seeds
from .results import RESULTS, Recorded, check_name, evaluation_data, record, recorded, rows_of
from .shipped_rows import SHIPPED_ROWS, table_here
from .signals import LONG_SIGNALS, SIGNALS, run_signals
from .spending import SPENDING, run_budget
from .studies import CONTROL, STUDIES
from .study import Study, run_study, slug
from .sweeps import SWEEPS, run_degradations
from .symptoms import SYMPTOMS, run_symptoms
from .systems import System, denoised, eightfold, keeping, systems
from .without_reference import Look, contact_sheet, looks, table_of_looks

__all__ = [
    "ABLATIONS",
    "BOUND",
    "CONTROL",
    "DENOISERS",
    "EXAMPLE",
    "EXAMPLE_BOX",
    "FRAMES",
    "LEARNING",
    "LONG_SIGNALS",
    "OWN",
    "PHONE",
    "QUESTION",
    "RESULTS",
    "SHEET",
    "SHIPPED_ROWS",
    "SIGNALS",
    "SPENDING",
    "STAGES",
    "STUDIES",
    "SWEEPS",
    "SYMPTOMS",
    "TABLE",
    "Box",
    "Look",
    "Recorded",
    "Row",
    "Study",
    "System",
    "at_best_shift",
    "bicubic",
    "bound",
    "check_name",
    "cleaning",
    "cleaning_scores",
    "contact_sheet",
    "denoised",
    "eightfold",
    "evaluate",
    "evaluate_pairs",
    "evaluation_data",
    "example",
    "frames_of",
    "keeping",
    "leave_out",
    "looks",
    "mean_over_seeds",
    "newest_run",
    "noisy",
    "papers_loss",
    "record",
    "recorded",
    "recorded_looks",
    "recorded_own_rows",
    "repeat",
    "rows_of",
    "rows_of_seeds",
    "run_ablations",
    "run_budget",
    "run_degradations",
    "run_frames",
    "run_of",
    "run_own_photographs",
    "run_signals",
    "run_study",
    "run_symptoms",
    "run_table",
    "runs_folder",
    "scores_by_shift",
    "shift_that_costs",
    "slug",
    "systems",
    "table",
    "table_here",
    "table_of_looks",
    "train_or_resume",
    "trained_networks",
]
