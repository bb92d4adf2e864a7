"""The official folders: the paper's split by number, and a list of whatever is missing or there twice."""

import os
import shutil

import numpy as np
import pytest
from helpers import write_photographs
from serving import number_of, numbered

from cincgan_tutorial import div2k, unpaired
from cincgan_tutorial.degradation import BICUBIC
from cincgan_tutorial.training import load_photographs


@pytest.fixture
def folder(official, tmp_path):
    """A copy of the test's own; photographs are links, so that it is quickly made and a change is a new file."""
    return shutil.copytree(official, tmp_path / "DIV2K", copy_function=os.link, ignore=shutil.ignore_patterns(".*"))


@pytest.fixture(scope="module")
def split(official):
    return div2k.track2(official)


def test_x_are_lr_1_to_400_and_z_are_hr_401_to_800(split):
    assert [number_of(p.pixels) for p in split.x] == [(n, 17) for n in range(1, 401)]
    assert [number_of(p.pixels) for p in split.yz] == [(n, 68) for n in range(401, 801)]
    assert (split.x[0].name, split.yz[-1].name) == ("DIV2K_train_LR_mild/0001x4m.png", "DIV2K_train_HR/0800.png")
    assert split.x_is_lr
    assert split.held_out == ()


def test_x_is_trained_on_as_it_is(split):
    patches = unpaired.UnpairedPatches(split, None, patch=16)
    for photograph, levels in zip(split.x, patches.X, strict=True):
        assert np.array_equal(levels.permute(1, 2, 0).numpy(), photograph.pixels)
    with pytest.raises(ValueError, match="X is LR already"):
        unpaired.UnpairedPatches(split, BICUBIC, patch=16)


def test_train_recognises_the_folders_and_finds_them_again(folder, split, tmp_path):
    again = load_photographs(str(folder))
    assert [p.sha256 for p in again.x + again.yz] == [p.sha256 for p in split.x + split.yz]
    assert load_photographs(again.path, again.lr_path).x_is_lr
    other = load_photographs(str(write_photographs(tmp_path / "mine")))
    assert not other.x_is_lr


def test_what_is_not_used_may_be_missing_or_damaged(folder):
    shutil.rmtree(folder / "DIV2K_valid_HR")
    (folder / "DIV2K_train_HR" / "0001.png").unlink()
    (folder / "DIV2K_train_LR_mild" / "0401x4m.png").unlink()
    (folder / "DIV2K_train_LR_mild" / "0402x4m.png").unlink()
    (folder / "DIV2K_train_LR_mild" / "0402x4m.png").write_bytes(b"damaged")
    assert len(div2k.track2(folder).x) == 400


def test_missing_ones_are_listed(folder):
    for number in (3, 7, 8, 9, 400):
        (folder / "DIV2K_train_LR_mild" / f"{number:04d}x4m.png").unlink()
    (folder / "DIV2K_train_HR" / "0555.png").unlink()
    with pytest.raises(ValueError, match=r"DIV2K_train_LR_mild lacks 5 of 400 \(0003, 0007-0009, 0400\)\.") as error:
        div2k.track2(folder)
    assert "DIV2K_train_HR lacks 1 of 400 (0555)." in str(error.value)
    assert "download div2k-track2" in str(error.value)


def test_a_missing_folder_is_listed(folder):
    shutil.rmtree(folder / "DIV2K_train_HR")
    with pytest.raises(ValueError, match=r"DIV2K_train_HR lacks 400 of 400 \(0401-0800\)"):
        div2k.track2(folder)
    (folder / "DIV2K_train_HR").mkdir()
    with pytest.raises(ValueError, match=r"DIV2K_train_HR lacks 400 of 400 \(0401-0800\)"):
        div2k.track2(folder)


@pytest.mark.parametrize("name", ["0005x4.png", "0005x4m (1).png", "0005x4m.jpg", "deep/0005x4m.png"])
def test_a_number_twice_is_listed_with_its_names(folder, name):
    path = folder / "DIV2K_train_LR_mild" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(numbered(5, 17))
    with pytest.raises(ValueError, match=r"DIV2K_train_LR_mild has 0005 more than once \(") as error:
        div2k.track2(folder)
    assert path.name in str(error.value)


def test_another_kind_of_lr_in_the_folder_is_not_taken_for_mild(folder):
    os.rename(folder / "DIV2K_train_LR_mild" / "0005x4m.png", folder / "DIV2K_train_LR_mild" / "0005x4.png")
    with pytest.raises(ValueError, match=r"lacks 1 of 400 \(0005\)"):
        div2k.track2(folder)


def test_the_same_photograph_under_two_numbers_is_found(folder):
    path = folder / "DIV2K_train_HR" / "0600.png"
    path.unlink()
    path.write_bytes(numbered(500, 68))
    with pytest.raises(ValueError, match=r"DIV2K_train_HR/0500.png and DIV2K_train_HR/0600.png are the same"):
        div2k.track2(folder)


def test_a_damaged_photograph_is_named(folder):
    path = folder / "DIV2K_train_HR" / "0600.png"
    path.unlink()
    path.write_bytes(numbered(600, 68)[:-30])
    with pytest.raises(ValueError, match=r"0600\.png: damaged or truncated"):
        div2k.track2(folder)


def test_the_validation_pairs_are_801_to_900(official):
    pairs = div2k.track2_pairs(official)
    assert [pair.name for pair in pairs] == [f"{n:04d}" for n in range(801, 901)]
    assert (pairs[0].lr.name, pairs[0].hr.name) == ("0801x4m.png", "0801.png")


def test_a_missing_validation_pair_is_listed(folder):
    (folder / "DIV2K_valid_LR_mild" / "0900x4m.png").unlink()
    with pytest.raises(ValueError, match=r"DIV2K_valid_LR_mild lacks 1 of 100 \(0900\).*download div2k-valid"):
        div2k.track2_pairs(folder)


def test_numbers_are_written_for_people():
    assert div2k.runs([1, 2, 3, 7]) == "0001-0003, 0007"
    assert div2k.runs(range(1, 401)) == "0001-0400"
    assert div2k.runs(range(1, 40, 2)).endswith("0015 and 12 more")
