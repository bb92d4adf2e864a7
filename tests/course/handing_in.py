"""What students hand in: notebooks as they were handed out, with answers in their cells."""

import make


def master(stem, variant=0):
    return make.read_master(make.ROOT / "assignments" / f"{stem}.md", variant)


def student(stem, variant=0):
    return make.student_edition(master(stem, variant), stem)


def solution(stem, variant=0):
    return make.solution_edition(master(stem, variant), stem)


def solutions(stem):
    """The cells that solve an assignment, by the names of its exercises."""
    cells = [cell for cell in solution(stem).cells if cell.metadata.get("nbgrader", {}).get("solution")]
    return {cell.metadata.nbgrader.grade_id: cell.source for cell in cells}


def answered(notebook, answers):
    """Write answers into the cells of a notebook."""
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
    return notebook
