"""Every labelled equation names the function that computes it, and that function's docstring names the equation."""

import shutil

import pytest
from equation_map import all_labels, computing, equations, functions, main, page, problems


@pytest.fixture
def small(tmp_path):
    """A book of one equation and a library of one function, tied both ways."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "cincgan_tutorial" / "nets").mkdir(parents=True)
    chapter = "# One\n\nText\n\n$$\na = |b|\n$$ (eq-a)\n\ncomputed by `losses.a`, from b. More of `other.thing`.\n"
    (tmp_path / "notebooks" / "01_one.md").write_text(chapter, "utf-8")
    (tmp_path / "cincgan_tutorial" / "losses.py").write_text('def a(b):\n    """Return it. {eq}`eq-a`."""\n', "utf-8")
    (tmp_path / "cincgan_tutorial" / "nets" / "__init__.py").write_text("from .one import net\n", "utf-8")
    (tmp_path / "cincgan_tutorial" / "nets" / "one.py").write_text('def net():\n    """Return it."""\n', "utf-8")
    return tmp_path


def change(root, file, old, new):
    path = root / file
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def test_equations_and_code_agree(root):
    assert problems(root) == []
    assert main() == 0


def test_all_labelled_equations_are_read(root):
    assert [equation.label for equation in equations(root)] == all_labels(root)
    assert len(all_labels(root)) > 20


def test_both_sides_of_a_small_book_are_read(small):
    (equation,), (function,) = equations(small), functions(small)
    assert (equation.label, equation.page, equation.tex) == ("eq-a", "notebooks/01_one", "a = |b|")
    assert equation.functions == ("losses.a",)
    assert (function.file, function.lines, function.labels) == ("cincgan_tutorial/losses.py", (1, 2), ("eq-a",))
    assert computing(equation, [function]) == [function]
    assert problems(small) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("notebooks/01_one.md", "(eq-a)", "(eq-b)", "names eq-a, which no chapter has"),
        ("notebooks/01_one.md", "computed by `losses.a`", "as we know", "has to begin with 'computed by'"),
        ("notebooks/01_one.md", "`losses.a`", "`losses.b`", "names losses.b, but no docstring"),
        ("notebooks/01_one.md", "\n$$ (eq-a)", " $$ (eq-a)", "eq-a: write this equation between lines"),
        ("cincgan_tutorial/losses.py", " {eq}`eq-a`.", "", "no docstring of that name has {eq}`eq-a`"),
        ("cincgan_tutorial/losses.py", "{eq}`eq-a`", "{eq}`eq-b`", "names eq-b, which no chapter has"),
        ("cincgan_tutorial/losses.py", "def a(", "def moved(", "does not name the function"),
        ("cincgan_tutorial/nets/one.py", "Return it.", "Return it. {eq}`eq-a`.", "does not name the function"),
    ],
)
def test_a_side_that_is_missing_or_has_moved_is_said(small, file, old, new, said):
    change(small, file, old, new)
    assert any(said in line for line in problems(small)), problems(small)


def test_a_function_that_moves_to_another_module_is_said(small):
    shutil.move(small / "cincgan_tutorial" / "losses.py", small / "cincgan_tutorial" / "terms.py")
    assert len(problems(small)) == 2


@pytest.mark.parametrize("name", ["nets.net", "nets.one.net"])
def test_what_a_package_hands_on_may_be_called_by_its_short_name(small, name):
    change(small, "cincgan_tutorial/nets/one.py", "Return it.", "Return it. {eq}`eq-a`.")
    change(small, "notebooks/01_one.md", "`losses.a`,", f"`losses.a` and `{name}`,")
    assert problems(small) == []


def test_a_method_is_named_with_its_class(small):
    code = 'class A:\n    @staticmethod\n    def __call__(b):\n        """Return it. {eq}`eq-a`."""\n'
    (small / "cincgan_tutorial" / "losses.py").write_text(code, "utf-8")
    change(small, "notebooks/01_one.md", "`losses.a`", "`losses.A.__call__`")
    assert problems(small) == []
    (method,) = functions(small)
    assert method.lines == (2, 4)
    assert method.source.startswith("@staticmethod\ndef __call__")


def test_the_page_shows_both_sides(small):
    text = page(equations(small), functions(small))
    assert "| {eq}`eq-a` | $a = \\vert b\\vert$<br>[`losses.a`](#code-losses-a) |" in text
    assert "(code-losses-a)=" in text
    assert "lines 1 to 2" in text
    assert '"""Return it. {eq}`eq-a`."""' in text
