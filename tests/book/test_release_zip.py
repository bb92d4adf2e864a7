"""The zip for reading offline holds the built pages, nothing else of the build, and is the same for the same pages."""

import hashlib
import shutil
import zipfile

import pytest
from release_zip import BESIDE, files, main, release_name, write


@pytest.fixture
def built(tmp_path, root):
    """A checkout with a site of three files."""
    site = tmp_path / "_build" / "html"
    (site / "_static").mkdir(parents=True)
    (site / "index.html").write_text("<p>Book</p>", "utf-8")
    (site / "_static" / "book.css").write_text("p {}", "utf-8")
    (site / ".buildinfo").write_text("x", "utf-8")
    for name in (*BESIDE, "pyproject.toml"):
        shutil.copy(root / name, tmp_path)
    return tmp_path


def test_the_zip_holds_the_pages_in_one_folder(built):
    path = write(built)
    folder = release_name(built)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{folder}/{name}" for name in files(built)]
        assert archive.read(f"{folder}/index.html") == b"<p>Book</p>"
    assert list(files(built)) == ["CITATION.cff", "LICENSE", "LICENSE-TEXT", "_static/book.css", "index.html"]
    assert path.name == f"{folder}.zip"


def test_its_hash_lies_beside_it(built):
    path = write(built)
    digest, name = path.with_suffix(".zip.sha256").read_text("utf-8").split()
    assert (digest, name) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.name)


def test_equal_pages_give_an_equal_zip(built):
    first = write(built).read_bytes()
    (built / "_build" / "html" / "index.html").touch()
    assert write(built).read_bytes() == first
    (built / "_build" / "html" / "index.html").write_text("<p>Other</p>", "utf-8")
    assert write(built).read_bytes() != first


def test_a_book_that_is_not_built_is_said(built, monkeypatch, capsys):
    shutil.rmtree(built / "_build")
    monkeypatch.setattr("release_zip.write", lambda: write(built))
    assert main() == 1
    assert "make book" in capsys.readouterr().err
