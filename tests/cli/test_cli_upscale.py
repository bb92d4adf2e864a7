"""``upscale``: names, sizes, pixels, and that nothing is lost or overwritten."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from helpers import picture, save_picture
from PIL import Image, ImageCms

from cincgan_tutorial.architectures import SelfEnsemble
from cincgan_tutorial.cli.inputs import expanded, output_names
from cincgan_tutorial.images import read_image, read_pixels, to_pixels
from cincgan_tutorial.inference import super_resolve
from cincgan_tutorial.pictures import read_picture
from cincgan_tutorial.presets import with_settings
from cincgan_tutorial.weights import load_weights, save_weights


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


def test_the_mean_of_eight_views_is_written_when_asked_for(upscale, out, tmp_path, finished_run):
    path = save_picture(tmp_path / "a.png", picture(24, 31))
    assert upscale(path, "--self-ensemble", "--compare").status == 0
    upscaler, x = load_weights(finished_run.folder).nets.upscaler(), read_image(path)[None]
    once, eight = (to_pixels(super_resolve(f, x)[0]).astype(int) for f in (upscaler, SelfEnsemble.of(upscaler)))
    written = read_pixels(out / "a.png").astype(int)
    assert np.abs(written - eight).max() <= 1
    assert np.abs(written - once).max() > 1
    (page,) = out.glob("*.html")
    assert ", the mean of eight turned views." in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(("as_trained", "asked"), [(0, 9), (9, 0)])
def test_colours_are_kept_or_freed_when_asked_for(cincgan, finished_run, tmp_path, as_trained, asked):
    trained = load_weights(finished_run.folder)
    trained.nets.G1.tail[-1].bias.data += 0.5  # a tint
    own = with_settings(trained.preset, {"generator.local_mean": as_trained})
    weights, path = tmp_path / "w.safetensors", save_picture(tmp_path / "a.png", picture(37, 53))
    save_weights(weights, replace(trained, preset=own))
    for name, option in (("as-trained", ()), ("asked", ("--local-mean", asked, "--tile", 16))):
        assert cincgan("upscale", path, "--out", tmp_path / name, "--weights", weights, *option).status == 0
    upscaler, x = trained.nets.upscaler(), read_image(path)[None]
    for name, side in (("as-trained", as_trained), ("asked", asked)):
        written = read_pixels(tmp_path / name / "a.png").astype(int)
        right, wrong = (
            np.abs(to_pixels(super_resolve(upscaler.keeping(one), x)[0]).astype(int) - written).max()
            for one in (side, 9 - side)
        )
        assert right <= 1 < wrong


def test_a_window_without_a_middle_is_refused(upscale, out, tmp_path):
    answer = upscale(save_picture(tmp_path / "a.png", picture(37, 53)), "--local-mean", 4)
    assert answer.status == 2
    assert "local_mean: expected an odd number of pixels, or 0, got 4." in answer.err
    assert not out.exists()


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


def test_sixteen_bits_grey_alpha_and_profile_are_kept(upscale, out, tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    rgba = np.dstack([picture(12, 10), picture(12, 10, 1)[..., 0]])
    Image.fromarray(picture(12, 10)[..., 0].astype(np.uint16) * 257).save(tmp_path / "sixteen.png")
    Image.fromarray(picture(12, 10)[..., 0]).save(tmp_path / "grey.png")
    Image.fromarray(rgba).save(tmp_path / "alpha.webp", lossless=True)
    Image.fromarray(picture(12, 10)).save(tmp_path / "profile.jpg", icc_profile=profile)
    names_of = ("sixteen.png", "grey.png", "alpha.webp", "profile.jpg")
    assert upscale(*(tmp_path / name for name in names_of)).status == 0
    results = {path.stem: read_picture(path) for path in out.iterdir()}
    assert {name: (result.levels.shape, result.depth) for name, result in results.items()} == {
        "sixteen": ((48, 40, 1), 16),
        "grey": ((48, 40, 1), 8),
        "alpha": ((48, 40, 4), 8),
        "profile": ((48, 40, 3), 8),
    }
    assert results["profile"].icc_profile == profile
    assert np.abs(results["sixteen"].levels / 257 - results["grey"].levels).max() <= 0.6


def test_what_can_not_be_kept_is_said(upscale, out, tmp_path):
    wide = np.full((8, 8, 4), 40_000, np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", wide, photometric="rgb", extrasamples=["assocalpha"])
    answer = upscale(tmp_path / "a.tif")
    assert answer.status == 0
    assert answer.err.startswith(f"note: {tmp_path / 'a.tif'}: 16 bits of a kind that only 8 can be read of")


def test_an_animation_is_refused_with_the_reason(upscale, out, tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    for name in ("a.gif", "b.webp", "c.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        answer = upscale(tmp_path / name)
        assert (answer.status, answer.out) == (1, f"0 of 1 written to {out}\n")
        assert (
            answer.err == f"error: {tmp_path / name}: an animation or a stack of 3 pictures. Save one of them as PNG.\n"
        )


@pytest.fixture
def album(tmp_path):
    """A folder as people have them: sub-folders, hidden files, notes, and a link to a picture in it."""
    for number, name in enumerate(("b.png", "2019/a.png", "2020/a.png", ".hidden.png", ".cache/c.png")):
        save_picture(tmp_path / "album" / name, picture(8, 9 + number, number))
    (tmp_path / "album" / "notes.txt").write_text("not a picture", encoding="utf-8")
    (tmp_path / "album" / "link.png").symlink_to("b.png")
    return tmp_path / "album"


def test_a_folder_means_the_pictures_below_it(upscale, out, album, monkeypatch):
    monkeypatch.chdir(album.parent)
    answer = upscale("album")
    assert (answer.status, answer.out) == (0, f"3 of 3 written to {out}\n")
    assert names(out) == {"b.png", "album_2019_a.png.png", "album_2020_a.png.png"}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["album/*.png"], ["album/b.png"]),
        (["album/**/a.png"], ["album/2019/a.png", "album/2020/a.png"]),
        (["album/20*"], ["album/2019/a.png", "album/2020/a.png"]),
        (["album/2020/a.png", "album"], ["album/2020/a.png", "album/2019/a.png", "album/b.png"]),
        (["album", "album/*.png", "album/2019"], ["album/2019/a.png", "album/2020/a.png", "album/b.png"]),
        (["album/nothing*.png", "album/b.png"], ["album/nothing*.png", "album/b.png"]),
        (["gone", "[a].png"], ["gone", "[a].png"]),
    ],
)
def test_patterns_and_folders_name_each_file_once_in_order(album, monkeypatch, patterns, expected):
    monkeypatch.chdir(album.parent)
    save_picture(Path("[a].png"), picture(4, 4))
    found = [path.as_posix() for path in expanded(patterns, Path("out"))]
    assert found == expected


def test_a_pattern_that_matches_nothing_does_not_stop_the_rest(upscale, out, album):
    (album / "empty").mkdir()
    answer = upscale(album / "*.jpg", album / "empty", album / "b.png")
    assert (answer.status, names(out)) == (1, {"b.png"})
    first, second = answer.err.splitlines()
    assert str(album / "*.jpg") in first
    assert second.startswith(f"error: {album / 'empty'}: no images in it")


def test_results_inside_the_folder_are_not_enlarged_again(cincgan, finished_run, album):
    arguments = ("upscale", album, "--out", album / "enlarged", "--weights", finished_run.folder)
    assert cincgan(*arguments).out.startswith("3 of 3")
    assert cincgan(*arguments, "--overwrite").out.startswith("3 of 3")
    assert len(names(album / "enlarged")) == 3


def test_links_to_nothing_and_in_circles_are_named(upscale, out, album):
    (album / "gone.png").symlink_to("nowhere.png")
    (album / "circle.png").symlink_to("circle.png")
    (album / "loop").symlink_to(album)
    answer = upscale(album)
    assert (answer.status, len(names(out))) == (1, 3)
    assert sorted(name for line in answer.err.splitlines() for name in ("gone", "circle") if f"{name}.png" in line) == [
        "circle",
        "gone",
    ]
    assert len(answer.err.splitlines()) == 2


def test_a_file_is_overwritten_when_told_and_an_input_never(cincgan, finished_run, upscale, out, tmp_path):
    path = save_picture(tmp_path / "a.png", picture(8, 8))
    out.mkdir()
    (out / "a.png").write_bytes(b"old")
    assert upscale(path, "--overwrite").status == 0
    assert Image.open(out / "a.png").size == (32, 32)
    before = path.read_bytes()
    answer = cincgan("upscale", path, "--out", tmp_path, "--weights", finished_run.folder, "--overwrite")
    assert answer.status == 1
    assert "is an input, never overwritten" in answer.err
    assert path.read_bytes() == before


def test_a_failed_overwrite_leaves_the_old_file(upscale, out, tmp_path, full_disk):
    path = save_picture(tmp_path / "large.png", picture(60, 60))
    out.mkdir()
    (out / "large.png").write_bytes(b"old")
    with full_disk(10_000):
        answer = upscale(path, "--overwrite")
    assert (answer.status, len(answer.err.splitlines())) == (1, 1)
    assert str(path) in answer.err
    assert [(p.name, p.read_bytes()) for p in out.iterdir()] == [("large.png", b"old")]


def test_compare_writes_a_page_of_what_could_be_enlarged(upscale, out, tmp_path):
    paths = [save_picture(tmp_path / name, picture(8, 8, i)) for i, name in enumerate(("a.png", "b.png"))]
    answer = upscale(paths[0], tmp_path / "missing.png", paths[1], "--compare")
    assert answer.status == 1
    assert names(out) == {"a.png", "b.png", "comparison.html"}
    page = (out / "comparison.html").read_text(encoding="utf-8")
    assert page.count("<figure>") == 2
    assert "missing" not in page
    for path in paths:
        path.unlink()
    before = (out / "comparison.html").read_bytes()
    third = save_picture(tmp_path / "c.png", picture(8, 8, 3))
    error = upscale(third, "--compare").error()
    assert "comparison.html: exists already" in error
    assert (out / "comparison.html").read_bytes() == before
    assert not (out / "c.png").exists(), "found out only after the work"
    assert upscale(third, "--compare", "--overwrite").status == 0
    assert (out / "comparison.html").read_text(encoding="utf-8").count("<figure>") == 1


def test_the_bar_counts_tiles_over_all_files(upscale, tmp_path):
    paths = [save_picture(tmp_path / name, picture(20, 30)) for name in ("a.png", "b.png")]
    answer = upscale(paths[0], tmp_path / "missing.png", paths[1], "--tile", 10)
    assert "| 12/12 [" in answer.raw_err
    assert "| 0/12 [" in answer.raw_err


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
