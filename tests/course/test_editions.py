"""Student and solution editions and pages come from one master, agree with it, and give no solution away."""

import ast
import contextlib
import io
import re

import jupytext
import make
import nbformat
import pytest
import yaml
from handing_in import solution, student

from cincgan_tutorial.grading import EXERCISES
from cincgan_tutorial.grading.reading import from_cells
from cincgan_tutorial.grading.variants import VARIANTS, constants, variant_of

STEMS = [path.stem for path in make.masters()]
MARKER = "### BEGIN SOLUTION"


def secrets(stem):
    """Lines of solutions, long enough to be told from the task's own."""
    text = (make.ROOT / "assignments" / f"{stem}.md").read_text("utf-8")
    lines = [
        line.strip() for body in re.findall(rf"{MARKER}\n(.*?)### END", text, re.DOTALL) for line in body.splitlines()
    ]
    return [line for line in lines if len(line) > 30 and not line.startswith("#") and "{{" not in line]


def run(notebook, graded):
    """Execute a notebook's code cells in one namespace and return the report of each check."""
    reports = {}

    def checked(name, answer):
        reports[name] = graded(name, answer)
        return reports[name]

    names = {"__name__": "notebook"}
    for cell in notebook.cells:
        if cell.cell_type != "code" or "remove-cell" in cell.metadata.get("tags", []):
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(cell.source, f"<{cell.id}>", "exec"), names)
        names["check"] = checked if "check" in names else None
    return reports


def test_there_are_four_masters_and_they_ask_for_every_exercise_once():
    assert [stem[0] for stem in STEMS] == ["1", "2", "3", "4"]
    asked = [
        (int(stem[0]), cell.metadata.cincgan["exercise"])
        for stem in STEMS
        for cell in solution(stem).cells
        if "cincgan" in cell.metadata
    ]
    assert sorted(asked) == sorted((exercise.assignment, name) for name, exercise in EXERCISES.items())


def test_all_editions_are_in_sync_with_their_masters():
    stale = [
        path.relative_to(make.ROOT).as_posix()
        for path, text in make.editions()
        if path.parent.name != "solution" and (not path.is_file() or path.read_text("utf-8") != text)
    ]
    assert stale == [], "run `make assignments`"


@pytest.mark.parametrize("stem", STEMS)
def test_what_is_handed_out_holds_no_solution(stem):
    files = [make.ROOT / "assignments" / "student" / f"{stem}.ipynb", make.ROOT / "book" / "course" / f"{stem}.md"]
    assert len(secrets(stem)) >= 8
    for path in files:
        text = path.read_text("utf-8")
        if path.suffix == ".ipynb":
            text = "\n".join(cell.source for cell in nbformat.reads(text, 4).cells)
        assert MARKER not in text
        assert [line for line in secrets(stem) if line in text] == []


def test_no_solution_is_packed_with_the_library(root):
    packed = "\n".join(path.read_text("utf-8") for path in (root / "cincgan_tutorial").rglob("*.py"))
    assert MARKER not in packed.replace('"### BEGIN SOLUTION"', "")
    letters = [line for line in secrets("4-joint") if "cause" in line or "shifted" in line]
    assert len(letters) == 3
    assert [line for line in letters if line in packed] == []


def test_solutions_stay_out_of_git_and_masters_out_of_the_site(root):
    ignored = (root / ".gitignore").read_text("utf-8").split()
    assert {"/assignments/solution/", "/assignments/variants/"} <= set(ignored)
    config = yaml.safe_load((root / "_config.yml").read_text("utf-8"))
    assert "assignments" in config["exclude_patterns"]


@pytest.mark.parametrize("stem", STEMS)
def test_student_notebook_is_stripped_and_valid(stem):
    notebook = nbformat.read(make.ROOT / "assignments" / "student" / f"{stem}.ipynb", 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    for cell in code:
        ast.parse(cell.source)
    assert "google.colab" in code[0].source
    ids = [cell.metadata.nbgrader.grade_id for cell in code if "nbgrader" in cell.metadata]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("stem", STEMS)
def test_cells_carry_what_nbgrader_reads(stem):
    graded = [cell for cell in solution(stem).cells if cell.metadata.get("nbgrader", {}).get("grade")]
    written = [cell for cell in solution(stem).cells if cell.metadata.get("nbgrader", {}).get("solution")]
    assert [cell.metadata.nbgrader.grade_id for cell in graded] == [
        f"check-{cell.metadata.nbgrader.grade_id}" for cell in written
    ]
    for cell in graded:
        assert cell.metadata.nbgrader.points == EXERCISES[cell.metadata.cincgan.exercise].marks
        assert cell.source.endswith(".required()")
    assert all(cell.metadata.nbgrader.schema_version == 3 for cell in graded + written)
    assert all(cell.source.count(MARKER) == cell.source.count("### END SOLUTION") >= 1 for cell in written)


@pytest.mark.parametrize("stem", STEMS)
def test_of_what_is_handed_out_definitions_alone_run_when_it_is_marked(stem):
    """A cell that trains or draws is no part of an answer: it costs time, and one answer's fault would cost others."""
    code = from_cells(cell.source for cell in student(stem).cells if cell.cell_type == "code")
    plain = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    for exercise in EXERCISES.values():
        if exercise.assignment == int(stem[0]):
            needed = code.needed(exercise.wanted)
            assert needed
            assert [ast.unparse(s.node)[:60] for s in needed if not isinstance(s.node, plain)] == [], exercise.name


@pytest.mark.parametrize("stem", STEMS)
def test_solution_edition_has_full_marks_and_student_edition_none(stem):
    from cincgan_tutorial.grading.trying import try_all

    def tried(name, answer):
        return try_all(EXERCISES[name], answer)

    full = run(solution(stem, variant=123), tried)
    assert full
    assert [str(report) for report in full.values() if not report.passed] == []
    none = run(student(stem, variant=123), tried)
    assert none.keys() == full.keys()
    assert {name: report.held for name, report in none.items() if report.held} == {}


def test_stubs_keep_the_signature_and_say_the_hint():
    code = (
        'def f(a):\n    """Doc."""\n    ### BEGIN SOLUTION\n    # Hint: say "a".\n    return a\n    ### END SOLUTION\n'
    )
    stub = make.without_solutions(code)
    names = {}
    exec(stub, names)
    with pytest.raises(NotImplementedError, match='say "a"'):
        names["f"](1)
    assert stub.startswith('def f(a):\n    """Doc."""\n')


@pytest.mark.parametrize("indent", ["", "        "])
@pytest.mark.parametrize(
    "hint",
    ["short", "first isn't the last, " * 12 + "and this is", 'the "mean-over-all-pixels" of |x - y|, ' * 4 + "once"],
)
def test_no_hint_runs_off_the_page(indent, hint):
    stub = make.stub_line(indent, hint)
    assert max(len(line) for line in stub.splitlines()) <= make.WIDTH
    assert all(line.startswith(indent) for line in stub.splitlines())
    (raised,) = ast.parse(stub.strip()).body
    assert ast.literal_eval(raised.exc.args[0]) == hint


def test_nbgrader_leaves_the_hints():
    """It replaces all that stands between the markers by one and the same stub."""
    for stem in STEMS:
        for cell in solution(stem).cells:
            outside = re.sub(rf"{MARKER}.*?### END SOLUTION", "", cell.source, flags=re.DOTALL)
            assert outside.count("# Hint: ") == cell.source.count("# Hint: ") == cell.source.count(MARKER)
    code = "def f(a):\n    ### BEGIN SOLUTION\n    # Hint: a\n\n    return a\n    ### END SOLUTION\n"
    moved = "def f(a):\n    # Hint: a\n    ### BEGIN SOLUTION\n\n    return a\n    ### END SOLUTION\n"
    assert make.with_hints_outside(code) == moved


def test_a_course_for_nbgrader_keeps_settings_that_are_there(tmp_path):
    assert make.main(["--nbgrader", str(tmp_path / "course")]) == 0
    made = sorted(path.relative_to(tmp_path / "course").as_posix() for path in tmp_path.rglob("*.*") if path.is_file())
    assert made == ["nbgrader_config.py", *[f"source/{stem}/{stem}.ipynb" for stem in STEMS]]
    settings = tmp_path / "course" / "nbgrader_config.py"
    compile(settings.read_text("utf-8"), "settings", "exec")
    settings.write_text("mine", "utf-8")
    assert make.main(["--nbgrader", str(tmp_path / "course")]) == 0
    assert settings.read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "without a line"),
        ("### BEGIN SOLUTION\n# Hint: a\nx = 1\n", "don't pair"),
        ("x = 1\n### END SOLUTION", "don't pair"),
    ],
)
def test_a_master_that_would_leak_is_refused(code, said):
    with pytest.raises(ValueError, match=said):
        make.without_solutions(code)


def test_a_blank_without_a_constant_is_refused(tmp_path):
    path = tmp_path / "1-a.md"
    path.write_text("# A\n\n{{nothing}}\n", "utf-8")
    with pytest.raises(ValueError, match="'nothing'"):
        make.read_master(path)


def test_variants_differ_and_their_solutions_hold_for_any():
    texts = {student("1-degrade", variant).cells[-3].source for variant in range(20)}
    assert len(texts) > 15
    assert all(constants(a, v)["variant"] == v for a in (1, 2, 3, 4) for v in (0, 1, VARIANTS - 1))
    assert variant_of("a", "b") == variant_of("a", "b") != variant_of("c", "b")
    for wrong in ((0, 0), (5, 0), (1, VARIANTS), (1, -1)):
        with pytest.raises(ValueError, match="expected"):
            constants(*wrong)


@pytest.mark.parametrize("variant", [0, 1, 2, 3, 500, 999])
def test_own_numbers_hold_for_every_variant(variant):
    from cincgan_tutorial.grading.trying import try_all

    for stem in STEMS:
        cell = next(c for c in solution(stem, variant).cells if c.source.startswith("def own_"))
        names = {"receptive_field": EXERCISES and __import__("correct.loops").loops.receptive_field}
        exec("import math\n" + cell.source, names)
        name = cell.metadata.nbgrader.grade_id
        report = try_all(EXERCISES[name], names[name])
        assert report.passed, str(report)
        wrong = {key: value if key == "variant" else "no number" for key, value in names[name]().items()}
        assert not try_all(EXERCISES[name], lambda wrong=wrong: wrong).held


def test_a_class_gets_a_folder_each_and_the_list_of_variants(tmp_path, capsys):
    (tmp_path / "roster.txt").write_text("ada\ngrace.h\n", "utf-8")
    arguments = ["--students", str(tmp_path / "roster.txt"), "--course", "2026", "--out", str(tmp_path / "out")]
    assert make.main(arguments) == 0
    listed = (tmp_path / "out" / "variants.csv").read_text("utf-8").splitlines()
    assert listed[1] == f"ada,{variant_of('2026', 'ada')}"
    for name in ("ada", "grace.h"):
        notebook = nbformat.read(tmp_path / "out" / name / "2-losses.ipynb", 4)
        assert f"yours is variant {variant_of('2026', name)}." in notebook.cells[-3].source


@pytest.mark.parametrize("roster", ["", "ada\nada\n", "../ada\n", "a b\n", ".hidden\n"])
def test_a_bad_roster_is_one_clear_error(tmp_path, capsys, roster):
    (tmp_path / "roster.txt").write_text(roster, "utf-8")
    assert make.main(["--students", str(tmp_path / "roster.txt"), "--out", str(tmp_path / "out")]) == 1
    assert "expected one name per line" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_pages_are_listed_under_teaching(root):
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    (teaching,) = [part for part in toc["parts"] if part["caption"] == "Teaching"]
    files = [entry["file"] for entry in teaching["chapters"]]
    assert files == ["book/course/guide", "book/course/isolation", *[f"book/course/{stem}" for stem in STEMS]]


def test_masters_read_as_notebooks_with_jupytext():
    for path in make.masters():
        assert jupytext.read(path).cells[0].source.startswith("# Assignment")
