"""The course kit: assignments that grade themselves by laws that any correct answer obeys.

``from cincgan_tutorial.grading import check; check("total_variation", my_function)`` in any cell.
"""

from .catalogue import EXERCISES
from .checking import check
from .trying import LawsBroken, Report

__all__ = ["EXERCISES", "LawsBroken", "Report", "check"]
