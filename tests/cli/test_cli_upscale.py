"""``upscale``: names, sizes, pixels, and that nothing is lost or overwritten."""

from pathlib import Path

import numpy as np
import pytest
from helpers import picture, save_picture
from PIL import Image

from cincgan_tutorial.cli.inputs import output_names
from cincgan_tutorial.images import read_image, read_pixels, to_pixels
from cincgan_tutorial.inference import super_resolve
from cincgan_tutorial.weights import load_weights


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def upscale(cincgan, finished_run, out):
    def call(*arguments):
        return cincgan("upscale", *arguments, "--out", out, "--weights", finished_run.folder)

    return call


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_every_input_becomes_a_png_of_its_name_exactly_four_times_as_large(upscale, out, tmp_path):
    a = save_picture(tmp_path / "a.jpg", picture(37, 53))
    b = save_picture(tmp_path / "b.png", picture(16, 20, 1))
    c = save_picture(tmp_path / "with space.v2.bmp", picture(5, 7, 2))
    d = save_picture(tmp_path / "dot.webp", picture(1, 1, 2))
    answer = upscale(a, b, c, d)
    assert (answer.status, answer.out) == (0, f"4 of 4 written to {out}\n")
    assert names(out) == {"a.png", "b.png", "with space.v2.png", "dot.png"}
    sizes = {name: Image.open(out / name).size for name in names(out)}
    assert sizes == {"a.png": (212, 148), "b.png": (80, 64), "with space.v2.png": (28, 20), "dot.png": (4, 4)}


def test_the_file_holds_what_the_networks_return(upscale, out, tmp_path, finished_run):
    path = save_picture(tmp_path / "a.png", picture(37, 53))
    upscale(path)
    with Image.open(out / "a.png") as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
    expected = to_pixels(super_resolve(load_weights(finished_run.folder).nets.upscaler(), read_image(path)[None])[0])
    difference = np.abs(read_pixels(out / "a.png").astype(int) - expected)
    assert difference.max() <= 1


@pytest.mark.parametrize("tile", [1, 7, 16, 37, 300])
def test_every_tile_size_gives_the_same_picture(cincgan, finished_run, tmp_path, tile):
    path = save_picture(tmp_path / "a.png", picture(19, 23) if tile == 1 else picture(37, 53))
    weights = ["--weights", finished_run.folder]
    assert cincgan("upscale", path, "--out", tmp_path / "whole", *weights, "--tile", 1000).status == 0
    assert cincgan("upscale", path, "--out", tmp_path / "tiles", *weights, "--tile", tile).status == 0
    whole, tiles = (read_pixels(tmp_path / folder / "a.png").astype(int) for folder in ("whole", "tiles"))
    assert np.abs(whole - tiles).max() <= 1


@pytest.mark.parametrize("tile", ["0", "-4"])
def test_a_tile_without_pixels_is_refused(upscale, out, tmp_path, tile):
    answer = upscale(save_picture(tmp_path / "a.png", picture(8, 8)), "--tile", tile)
    assert answer.status in (1, 2)
    assert "tile" in answer.err
    assert names(out) == set()


def test_the_weights_for_strangers_are_used_without_weights(cincgan, shipped, tmp_path, out):
    path = save_picture(tmp_path / "a.png", picture(8, 8))
    for other in ("lesson", "mild"):
        (shipped / f"{other}.safetensors").unlink()
    assert cincgan("upscale", path, "--out", out).status == 0
    assert names(out) == {"a.png"}


def test_the_weights_that_come_with_the_package_enlarge_a_photograph(cincgan, tmp_path, out):
    """A newcomer's first command, with what is shipped."""
    assert cincgan("upscale", save_picture(tmp_path / "a.png", picture(24, 30)), "--out", out).status == 0
    enlarged = read_pixels(out / "a.png")
    assert enlarged.shape == (96, 120, 3)
    small = np.asarray(Image.fromarray(enlarged).resize((30, 24), Image.Resampling.BOX), dtype=float)
    assert np.abs(small - picture(24, 30)).mean() < 20, "not the same picture"


def test_without_any_weights_nothing_is_written_and_the_choices_are_named(cincgan, tmp_path, out, monkeypatch):
    monkeypatch.setattr("cincgan_tutorial.weights.SHIPPED", tmp_path / "nothing")
    path = save_picture(tmp_path / "a.png", picture(8, 8))
    error = cincgan("upscale", path, "--out", out).error()
    assert "Give a file, a run folder, or a shipped name" in error
    assert not out.exists()


def test_inputs_of_one_stem_keep_their_full_names(upscale, out, tmp_path):
    paths = [save_picture(tmp_path / name, picture(8, 8, i)) for i, name in enumerate(("a.jpg", "a.png", "b.png"))]
    assert upscale(*paths).status == 0
    assert names(out) == {"a.jpg.png", "a.png.png", "b.png"}


def test_inputs_of_one_name_from_two_folders_are_all_written(upscale, out, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_picture(Path("x/a.png"), picture(8, 8, 1))
    save_picture(Path("y/a.png"), picture(8, 12, 2))
    answer = upscale("x/a.png", "y/a.png")
    assert (answer.status, len(names(out))) == (0, 2)
    assert sorted(Image.open(path).size for path in out.iterdir()) == [(32, 32), (48, 32)]
    assert names(out) == {"x_a.png.png", "y_a.png.png"}


def test_the_same_input_twice_is_refused_before_anything_is_written(upscale, out, tmp_path):
    path = save_picture(tmp_path / "a.png", picture(8, 8))
    assert "give each input once" in upscale(path, path).error()
    assert not out.exists()


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (["a.jpg", "b.png"], ["a.png", "b.png"]),
        (["a.jpg", "a.png"], ["a.jpg.png", "a.png.png"]),
        (["x/a.jpg", "y/a.png"], ["a.jpg.png", "a.png.png"]),
        (["x/a.jpg", "y/a.jpg", "b.jpg"], ["x_a.jpg.png", "y_a.jpg.png", "b.png"]),
        (["x/a.jpg", "y/a.jpg", "a.png"], ["x_a.jpg.png", "y_a.jpg.png", "a.png.png"]),
        (["noextension"], ["noextension.png"]),
        (["archive.tar.png"], ["archive.tar.png"]),
    ],
)
def test_names_of_results(inputs, expected):
    assert output_names([Path(text) for text in inputs], Path("out")) == [Path("out") / name for name in expected]


@pytest.mark.parametrize(
    "inputs",
    [
        ["a.jpg", "A.png"],
        ["x/a.jpg", "X/a.JPG", "y/A.jpg"],
        ["a.jpg", "../a.jpg"],
        ["x/a.jpg", "../x/a.jpg"],
        ["a_b/c.jpg", "a/b_c.jpg", "a/b/c.jpg"],
        ["a.jpg", "a.png", "a.jpg.bmp"],
    ],
    ids=" ".join,
)
def test_different_inputs_never_share_a_result(inputs):
    chosen = output_names([Path(text) for text in inputs], Path("out"))
    assert len({str(path).casefold() for path in chosen}) == len(inputs), "one file where case does not count (macOS)"
    assert all(path.parent == Path("out") for path in chosen)


@pytest.mark.parametrize("again", ["a.png", "./a.png", "../here/a.png"])
def test_one_input_under_two_names_is_given_twice(cincgan, finished_run, out, again):
    save_picture(Path("a.png"), picture(8, 8))
    error = cincgan("upscale", "a.png", again, "--out", out, "--weights", finished_run.folder).error()
    assert "give each input once" in error
    assert not out.exists()


def test_a_file_that_exists_is_not_overwritten_and_the_others_are_written(upscale, out, tmp_path):
    paths = [save_picture(tmp_path / name, picture(8, 8)) for name in ("a.png", "b.png")]
    out.mkdir()
    (out / "a.png").write_bytes(b"precious")
    answer = upscale(*paths)
    assert answer.status == 1
    assert answer.err.startswith(f"error: {paths[0]}: {out / 'a.png'} exists already")
    assert "1 of 2 written" in answer.out
    assert (out / "a.png").read_bytes() == b"precious"
    assert names(out) == {"a.png", "b.png"}


BROKEN = (
    "cmyk.jpg", "empty.png", "folder.png", "lab.tif", "missing.png", "text.png", "truncated.jpg", "truncated.png",
)  # fmt: skip


def make_broken(folder: Path) -> None:
    """Write one file of every kind that can't be enlarged, except the one that is missing."""
    whole = save_picture(folder / "whole.png", picture(40, 40)).read_bytes()
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    jpeg = save_picture(folder / "whole.jpg", picture(40, 40)).read_bytes()
    (folder / "truncated.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "text.png").write_text("no image", encoding="utf-8")
    (folder / "empty.png").write_bytes(b"")
    (folder / "folder.png").mkdir()
    Image.fromarray(picture(8, 8)).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(picture(8, 8)).convert("LAB").save(folder / "lab.tif")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_input_is_named_and_does_not_stop_the_rest(upscale, out, tmp_path, name):
    make_broken(tmp_path)
    broken = tmp_path / name
    first, last = (save_picture(tmp_path / f"{n}.png", picture(8, 8)) for n in ("first", "last"))
    answer = upscale(first, broken, last)
    assert answer.status == 1
    assert answer.out == f"2 of 3 written to {out}\n"
    (line,) = answer.err.splitlines()
    assert line.startswith("error: ")
    assert str(broken) in line
    assert names(out) == {"first.png", "last.png"}


def test_an_orientation_noted_by_the_camera_is_applied(upscale, out, tmp_path):
    image = Image.fromarray(picture(8, 14))
    exif = image.getexif()
    exif[0x0112] = 6  # turn by a quarter
    image.save(tmp_path / "turned.jpg", exif=exif)
    upscale(tmp_path / "turned.jpg")
    assert Image.open(out / "turned.png").size == (32, 56)


def test_inputs_are_not_touched(upscale, tmp_path):
    path = save_picture(tmp_path / "a.png", picture(8, 8))
    before = path.read_bytes()
    upscale(path)
    assert path.read_bytes() == before


def test_writing_beside_the_input_does_not_overwrite_it(cincgan, finished_run, tmp_path):
    path = save_picture(tmp_path / "a.png", picture(8, 8))
    before = path.read_bytes()
    assert cincgan("upscale", path, "--out", tmp_path, "--weights", finished_run.folder).status == 1
    assert path.read_bytes() == before


def test_a_full_disk_leaves_no_half_picture(upscale, out, tmp_path, full_disk):
    small = save_picture(tmp_path / "small.png", picture(4, 4))
    large = save_picture(tmp_path / "large.png", picture(60, 60))
    with full_disk(10_000):
        answer = upscale(large, small)
    assert answer.status == 1
    assert "large" in answer.err
    assert names(out) == {"small.png"}


def test_out_that_is_a_file_is_refused(cincgan, finished_run, tmp_path):
    path = save_picture(tmp_path / "a.png", picture(8, 8))
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    answer = cincgan("upscale", path, "--out", tmp_path / "out", "--weights", finished_run.folder)
    assert answer.status in (1, 2)
    assert str(tmp_path / "out") in answer.err
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


def test_errors_do_not_run_into_the_progress_bar(upscale, tmp_path):
    """What a terminal shows: every error on a line of its own, before, between and after the steps of the bar."""
    good = save_picture(tmp_path / "good.png", picture(8, 8))
    answer = upscale(tmp_path / "first.png", good, tmp_path / "last.png")
    assert answer.status == 1
    assert "upscale: 100%" in answer.raw_err, "no bar to run into"
    errors = answer.err.splitlines()
    assert len(errors) == 2, answer.raw_err
    for line, name in zip(errors, ("first.png", "last.png"), strict=True):
        assert line.startswith("error: ")
        assert line.rstrip("'").endswith(name), "the rest of the bar is still behind it"
