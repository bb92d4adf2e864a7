"""The public address stands in `_config.yml` alone; every copy of it agrees, and publishing is checked."""

import json
import shutil

import pytest
from public_address import main, problems, read_address, write

INSTALL = "git+https://github.com/OWNER/cincgan_tutorial@main"


@pytest.fixture
def book(tmp_path, root):
    """A small book whose address is the placeholder."""
    (tmp_path / "notebooks").mkdir()
    shutil.copy(root / "_config.yml", tmp_path)
    text = (tmp_path / "_config.yml").read_text("utf-8")
    address = read_address(root)
    text = text.replace(f"url: {address.url}", "url: https://github.com/OWNER/cincgan_tutorial")
    text = text.replace(f"branch: {address.branch}", "branch: main")
    (tmp_path / "_config.yml").write_text(text, "utf-8")
    (tmp_path / "notebooks" / "01_a.md").write_text(f'# A\n\naddress = "{INSTALL}"\n', "utf-8")
    cell = {"cell_type": "code", "source": [f'address = "{INSTALL}"\n']}
    (tmp_path / "notebooks" / "01_a.ipynb").write_text(json.dumps({"cells": [cell]}), "utf-8")
    readme = "# R\n\n<!-- address: begin -->\n<!-- address: end -->\n\nEnd.\n"
    (tmp_path / "README.md").write_text(readme, "utf-8")
    (tmp_path / "CITATION.cff").write_text("cff-version: 1.2.0\ntitle: T\n", "utf-8")
    return tmp_path


def set_address(book, url, branch="main"):
    path = book / "_config.yml"
    text = path.read_text("utf-8").replace("https://github.com/OWNER/cincgan_tutorial", url)
    path.write_text(text.replace("branch: main", f"branch: {branch}"), "utf-8")


def test_every_copy_in_this_checkout_agrees(root):
    stale = [line for line in problems(root) if "make address" in line]
    assert stale == []


def test_placeholder_shows_no_dead_badge(root):
    if not read_address(root).is_placeholder:
        pytest.skip("the address is set")
    assert "github.com/OWNER" not in (root / "README.md").read_text("utf-8")
    assert "repository-code" not in (root / "CITATION.cff").read_text("utf-8")


def test_placeholder_is_reported_with_its_line(book, capsys):
    assert main(["check", str(book)]) == 1
    said = capsys.readouterr().out
    lines = (book / "_config.yml").read_text("utf-8").splitlines()
    number = 1 + next(i for i, line in enumerate(lines) if "url: https://github.com/OWNER" in line)
    assert f"_config.yml, line {number}:" in said
    assert len(said.splitlines()) == 1


def test_one_changed_line_is_carried_everywhere(book, capsys):
    set_address(book, "https://github.com/someone/their.fork", "v0.1.0")
    assert main(["check", str(book)]) == 1
    assert capsys.readouterr().out.count("make address") == 4
    assert main(["write", str(book)]) == 0
    for name in ("01_a.md", "01_a.ipynb"):
        text = (book / "notebooks" / name).read_text("utf-8")
        assert "git+https://github.com/someone/their.fork@v0.1.0" in text
        assert "OWNER" not in text
    json.loads((book / "notebooks" / "01_a.ipynb").read_text("utf-8"))
    readme = (book / "README.md").read_text("utf-8")
    colab = "https://colab.research.google.com/github/someone/their.fork/blob/v0.1.0/notebooks/01_a.ipynb"
    assert colab in readme
    assert readme.endswith("End.\n")
    assert "repository-code: https://github.com/someone/their.fork\n" in (book / "CITATION.cff").read_text("utf-8")
    assert main(["check", str(book)]) == 0
    assert write(book) == []


def test_going_back_to_the_placeholder_takes_the_badges_away(book):
    before = {path: path.read_text("utf-8") for path in sorted(book.rglob("*")) if path.is_file()}
    set_address(book, "https://github.com/someone/fork")
    write(book)
    set_address_back = (book / "_config.yml").read_text("utf-8").replace("someone/fork", "OWNER/cincgan_tutorial")
    (book / "_config.yml").write_text(set_address_back, "utf-8")
    write(book)
    assert {path: path.read_text("utf-8") for path in before} == before


@pytest.mark.parametrize("url", ["https://example.org/a/b", "github.com/a/b", "https://github.com/a"])
def test_an_address_that_colab_cannot_open_is_refused(book, url):
    set_address(book, url)
    with pytest.raises(ValueError, match="expected https"):
        read_address(book)
