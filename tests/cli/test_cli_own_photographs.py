"""One's own photographs from the first look to the last: `check`, `train`, `evaluate` and `upscale`, with no pair."""

import json
import shutil

import numpy as np
import pytest
from helpers import picture, save_picture, write_photographs
from PIL import Image

from cincgan_tutorial import cli
from cincgan_tutorial.weights import load_weights


@pytest.fixture(scope="module")
def lr(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("real") / "phone", 3, 40, 50, first_seed=40)


@pytest.fixture(scope="module")
def hr(tmp_path_factory):
    return write_photographs(tmp_path_factory.mktemp("real") / "camera", 3, 90, 100, first_seed=60)


@pytest.fixture(scope="module")
def real_run(lr, hr, tmp_path_factory):
    folder = tmp_path_factory.mktemp("real") / "run"
    arguments = ["train", "--preset", "smoke", "--lr-photos", lr, "--hr-photos", hr, "--run", folder]
    assert cli.main([str(argument) for argument in arguments]) == 0
    return folder


def test_check_shows_what_it_measured_and_that_nothing_stops(cincgan, lr, hr):
    answer = cincgan("check", "--lr-photos", lr, "--hr-photos", hr, "--preset", "smoke")
    assert (answer.status, answer.err.strip()) == (0, "")
    for part in ("photographs", "50x40", "100x90", "noise, levels of 255", "blur"):
        assert part in answer.out
    assert "warning: only 3 LR photograph(s)" in answer.out


def test_check_ends_with_1_where_training_could_not_begin(cincgan, lr, hr, tmp_path):
    mixed = shutil.copytree(lr, tmp_path / "mixed")
    shutil.copy(hr / "p1.png", mixed / "again.png")
    answer = cincgan("check", "--lr-photos", mixed, "--hr-photos", hr, "--preset", "smoke")
    assert answer.status == 1
    assert "will not work: 1 photograph(s) in both folders, the first is again.png (LR) and p1.png (HR)" in answer.out


def test_check_names_a_folder_without_photographs_and_a_damaged_one(cincgan, lr, tmp_path):
    (tmp_path / "empty").mkdir()
    error = cincgan("check", "--lr-photos", lr, "--hr-photos", tmp_path / "empty").error()
    assert f"{tmp_path / 'empty'}: no images in it" in error
    (tmp_path / "empty" / "cut.png").write_bytes(b"\x89PNG")
    assert "cut.png: not an image" in cincgan("check", "--lr-photos", lr, "--hr-photos", tmp_path / "empty").error()


def test_a_run_on_real_photographs_knows_no_degradation(real_run, lr, hr):
    config = json.loads((real_run / "config.json").read_text(encoding="utf-8"))["photographs"]
    assert config["x_is_lr"]
    assert (config["lr_path"], config["path"]) == (str(lr), str(hr))
    assert (len(config["x"]), len(config["yz"])) == (3, 3)
    assert load_weights(real_run).facts["x_is_lr"]


def test_training_looks_first_and_says_what_it_saw(cincgan, lr, hr, real_run):
    answer = cincgan("train", "--preset", "smoke", "--lr-photos", lr, "--hr-photos", hr, "--run", real_run)
    assert answer.status == 0
    assert "warning: only 3 LR" in answer.out
    assert "already finished" in answer.out


def test_training_does_not_begin_with_photographs_that_are_too_small(cincgan, lr, hr, tmp_path):
    small = shutil.copytree(lr, tmp_path / "small")
    save_picture(small / "tiny.png", picture(3, 60))
    arguments = ("--preset", "smoke", "--lr-photos", small, "--hr-photos", hr, "--run", tmp_path / "run")
    assert "1 LR photograph(s) smaller than a patch" in cincgan("train", *arguments).error()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("given", [("--lr-photos",), ("--hr-photos",), ("--lr-photos", "--hr-photos", "--photos")])
def test_both_folders_are_needed_and_nothing_else(cincgan, lr, tmp_path, given):
    options = [part for option in given for part in (option, lr)]
    error = cincgan("train", "--preset", "smoke", *options, "--run", tmp_path / "run").error()
    assert "--lr-photos and --hr-photos belong together" in error
    assert not (tmp_path / "run").exists()


def test_evaluate_without_a_reference_scores_the_look_and_writes_a_sheet(cincgan, real_run, lr, tmp_path):
    folder = shutil.copytree(lr, tmp_path / "lr")
    save_picture(folder / "new.png", picture(300, 400, 77))
    sheet = tmp_path / "sheets" / "sheet.png"
    answer = cincgan("evaluate", "--weights", real_run, "--lr-photos", folder, "--sheet", sheet)
    assert (answer.status, answer.err.strip()) == (0, "")
    assert answer.out.startswith("4 LR photographs, 3 of them seen in training\n")
    assert "PSNR and SSIM can't be had" in answer.out
    assert f"look at {sheet}" in answer.out
    rows = [line.split(" | ") for line in answer.out.splitlines() if line.startswith("| ")][1:]
    assert [row[0] for row in rows] == ["| bicubic", "| SR alone", "| G1 then SR", "| CinCGAN"]
    values = np.array([[float(cell.strip(" |")) for cell in row[1:]] for row in rows])
    assert (values[:, 0] > 0).all()
    assert ((values[:, 1] > 0) & (values[:, 1] < 1)).all()
    with Image.open(sheet) as image:
        assert image.size == (8 + 4 * (320 + 8), 26 + 4 * (240 + 26) + 8)
        shown = np.asarray(image)
    # The first cell is the middle of the first photograph, in the sheet's order, enlarged by the cubic kernel.
    small = np.asarray(Image.open(folder / "new.png"))
    cells = shown[26 : 26 + 240, 8 : 8 + 320]
    assert cells.std() > 10
    assert small.shape == (300, 400, 3)


def test_the_sheet_is_not_overwritten_and_that_is_found_first(cincgan, real_run, lr, tmp_path):
    (tmp_path / "sheet.png").write_bytes(b"mine")
    error = cincgan("evaluate", "--weights", real_run, "--lr-photos", lr, "--sheet", tmp_path / "sheet.png").error()
    assert "sheet.png: exists already" in error
    assert (tmp_path / "sheet.png").read_bytes() == b"mine"


def test_real_weights_are_not_scored_by_a_degradation_that_nobody_named(cincgan, real_run, unseen):
    error = cincgan("evaluate", "--weights", real_run, "--photos", unseen).error()
    assert "PSNR can't be had" in error
    assert "--lr-photos" in error
    answer = cincgan("evaluate", "--weights", real_run, "--photos", unseen, "--degradation", "synthetic_mild")
    assert answer.status == 0
    assert "PSNR (dB)" in answer.out


@pytest.mark.parametrize("other", [("--shift",), ("--record", "x"), ("--degradation", "bicubic"), ("--photos", ".")])
def test_what_needs_a_reference_is_refused_without_one(cincgan, real_run, lr, tmp_path, other):
    sheet = tmp_path / "sheet.png"
    error = cincgan("evaluate", "--weights", real_run, "--lr-photos", lr, "--sheet", sheet, *other).error()
    assert "has no reference" in error
    assert not sheet.exists()


def test_weights_of_real_photographs_enlarge(cincgan, real_run, lr, tmp_path):
    answer = cincgan("upscale", lr, "--out", tmp_path / "out", "--weights", real_run)
    assert (answer.status, answer.out) == (0, f"3 of 3 written to {tmp_path / 'out'}\n")


def test_a_run_on_real_photographs_is_resumed(cincgan, lr, hr, tmp_path, interrupt):
    interrupt("cycle_one_step", 3)
    run = tmp_path / "run"
    arguments = ("train", "--preset", "smoke", "--lr-photos", lr, "--hr-photos", hr, "--run", run)
    assert cincgan(*arguments).status == 130
    there = [shutil.copytree(place, tmp_path / "there" / place.name) for place in (lr, hr)]
    written = run / "config.json"
    written.write_text(written.read_text(encoding="utf-8").replace(str(lr), str(tmp_path / "gone")), encoding="utf-8")
    assert f"resume {run} --lr-photos DIR --hr-photos DIR" in cincgan("resume", run).error()
    assert cincgan("resume", run, "--lr-photos", there[0], "--hr-photos", there[1]).status == 0
    assert load_weights(run).facts["x_is_lr"]
