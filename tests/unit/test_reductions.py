"""HR photographs and their own reductions in one folder are told apart by name and size, before any is decoded."""

from pathlib import Path

import numpy as np
import pytest
from helpers import picture, save_picture, write_photographs
from PIL import Image, ImageFile

from cincgan_tutorial import pictures, reductions
from cincgan_tutorial.images import list_images
from cincgan_tutorial.reductions import hr_images, refuse_reductions
from cincgan_tutorial.training import load_photographs
from cincgan_tutorial.unpaired import folder_of_photographs, read_photographs


def blank(path: Path, height: int, width: int, **options) -> Path:
    """A picture whose content does not matter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(path, **options)
    return path


@pytest.mark.parametrize(
    ("large", "small"),
    [
        ("HR/baby.png", "LR_bicubic_x4/baby.png"),
        ("a/IMG_7.JPG", "b/img_7.webp"),
        ("0001.png", "0001x4m.png"),
        ("0001.png", "0001x4.png"),
        ("deep/HR/0001x4.png", "0001x4m.png"),
        ("0001.png", "wild/0001x4w3.png"),
        ("0001.png", "0001x2.png"),
        ("0001.png", "0001_x8.png"),
    ],
)
def test_a_reduction_beside_its_original_is_named(tmp_path, large, small):
    blank(tmp_path / large, 72, 84)
    blank(tmp_path / small, 18, 21)
    blank(tmp_path / "another.png", 18, 21)
    with pytest.raises(ValueError, match="only the HR photographs") as refused:
        hr_images(tmp_path)
    text = str(refused.value)
    assert text.startswith(f"{tmp_path}: ")
    assert f"{small} (21x18)" in text
    assert f"{large} (84x72)" in text
    assert "rename one" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("small", "found"),
    [
        *(((h, w), True) for h in (18, 19) for w in (20, 21)),  # 73 / 4 = 18.25, 81 / 4 = 20.25
        ((36, 40), True),
        ((37, 41), True),
        ((24, 27), True),
        ((9, 11), True),
        ((20, 18), True),  # a camera's note may turn one of them
        ((17, 20), False),
        ((18, 22), False),
        ((36, 20), False),  # halved, and a quarter
        ((15, 16), False),  # a fifth
        ((73, 81), False),
        ((73, 41), False),
    ],
)
def test_the_size_decides(tmp_path, small, found):
    blank(tmp_path / "HR" / "a.png", 73, 81)
    blank(tmp_path / "other" / "a.png", *small)
    if found:
        with pytest.raises(ValueError, match="a reduction"):
            hr_images(tmp_path)
    else:
        assert len(hr_images(tmp_path)) == 2


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 10), (2, 2)])
def test_a_picture_is_no_reduction_of_one_of_its_own_size(tmp_path, height, width):
    blank(tmp_path / "a" / "p.png", height, width)
    blank(tmp_path / "b" / "p.png", height, width)
    assert len(hr_images(tmp_path)) == 2


def test_other_names_are_other_photographs(tmp_path):
    for name in ("0001.png", "0010x4.png", "x4.png", "box.png", "a0001x4.png", "0001x5.png", "0001x4q.png"):
        blank(tmp_path / name, *((80, 80) if name in ("0001.png", "box.png") else (20, 20)))
    assert len(hr_images(tmp_path)) == 7


def test_the_number_of_reductions_is_told_and_the_first(tmp_path):
    for name in ("a", "b", "c"):
        blank(tmp_path / "HR" / f"{name}.png", 80, 64)
    for name in ("a", "c"):
        blank(tmp_path / "LR" / f"{name}x4.png", 20, 16)
        blank(tmp_path / "LR" / f"{name}x2.png", 40, 32)
    blank(tmp_path / "other" / "HR" / "a.png", 80, 64)
    with pytest.raises(ValueError, match=r": 4 of its pictures .* the first is LR/ax2\.png .* reduction of HR/a\.png "):
        hr_images(tmp_path)


def test_headers_are_read_once_and_only_of_those_that_share_a_name(tmp_path, monkeypatch):
    read = []

    def size_of(path):
        read.append(path.name)
        return pictures.size_of(path)

    monkeypatch.setattr(reductions, "size_of", size_of)
    for name in ("a/x.png", "b/x.png", "c/x.jpg", "d/y.png", "e/z.png"):
        blank(tmp_path / name, 20, 20)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("a picture was decoded"))
    hr_images(tmp_path)
    assert sorted(read) == ["x.jpg", "x.png", "x.png"]


def test_what_has_no_size_is_left_to_those_who_decode(tmp_path):
    blank(tmp_path / "a" / "p.png", 72, 84)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "p.png").write_bytes(b"nothing")
    assert hr_images(tmp_path) == list_images(tmp_path)
    with pytest.raises(ValueError, match=r"p\.png: not an image"):
        read_photographs(tmp_path, hr=True)


def with_reductions(folder: Path) -> Path:
    write_photographs(folder / "HR")
    for number in range(4):
        save_picture(folder / "LR" / f"p{number}.png", picture(18, 21, number))
    return folder


def test_a_folder_of_both_can_not_be_trained_on(tmp_path):
    """The half of X would hold photographs whose reductions are in the half of Y, or the other way round."""
    folder = with_reductions(tmp_path / "set")
    for load in (folder_of_photographs, load_photographs):
        with pytest.raises(ValueError, match=r"LR/p0\.png \(21x18\)"):
            load(str(folder))
    assert len(load_photographs(str(folder / "HR")).x) == 2


def test_split_csv_says_what_belongs_to_the_set(tmp_path):
    folder = with_reductions(tmp_path / "set")
    (folder / "split.csv").write_text("file,half\nHR/p0.png,A\nHR/p1.png,B\n", encoding="utf-8")
    assert len(folder_of_photographs(folder).x) == 1
    (folder / "split.csv").write_text("file,half\nHR/p0.png,A\nHR/p1.png,B\nLR/p0.png,B\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"LR/p0\.png \(21x18\)"):
        folder_of_photographs(folder)


def test_lr_photographs_may_be_of_any_size_but_the_hr_ones_are_hr(tmp_path):
    folder = with_reductions(tmp_path / "set")
    blank(folder / "LR" / "half" / "p0.png", 9, 11)
    assert len(load_photographs(str(folder / "HR"), str(folder / "LR")).x) == 5
    other = write_photographs(tmp_path / "other", first_seed=9)
    with pytest.raises(ValueError, match=r"LR/half/p0\.png"):
        load_photographs(str(folder), str(other))


def test_the_photographs_that_recorded_runs_used_are_all_taken(data):
    """No two of them share a name; those of the test sets do, and are refused."""
    for part in ("train", "val", "test/set5/HR", "test/set14/HR"):
        assert hr_images(data / part) == list_images(data / part)
    for part in ("test", "test/set5", "test/set14"):
        with pytest.raises(ValueError, match="a reduction"):
            refuse_reductions(data / part, list_images(data / part))
