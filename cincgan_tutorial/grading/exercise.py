"""What one graded exercise is."""

from __future__ import annotations

from dataclasses import dataclass

from .laws import Law


@dataclass(frozen=True)
class Exercise:
    """One exercise: the laws that its answer, a function or a class, has to obey.

    Attributes:
        name: What `check` is called with.
        assignment: 1 to 4.
        marks: Given if every law holds: a student can see each broken law before handing in.
        laws: In the order in which they are tried: the ones that name a beginner's error first.
        section: Where the book teaches it.
        library: Dotted names of this library that an answer may not import, wrap or copy:
            "cincgan_tutorial.losses.total_variation".
        answer: What the notebook calls the function or class; left out: the name of the exercise.
    """

    name: str
    assignment: int
    marks: int
    laws: tuple[Law, ...]
    section: str
    library: tuple[str, ...] = ()
    answer: str = ""

    @property
    def wanted(self) -> str:
        """The name that a notebook has to define."""
        return self.answer or self.name
