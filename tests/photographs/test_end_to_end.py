"""From nothing to a score with small archives in the official layout: download, train, evaluate. Only sizes differ."""

import io
import json
import os
import re
import shutil
import zipfile
from dataclasses import replace
from functools import partial

import pytest
import torch
from serving import PARTS, number_of, numbered

from cincgan_tutorial import cli, data
from cincgan_tutorial.cli import downloading
from cincgan_tutorial.data import CATALOGUE, obtaining
from cincgan_tutorial.data.licences import ACCEPTED
from cincgan_tutorial.degradation import bicubic_upsample
from cincgan_tutorial.div2k import Pair, track2_pairs
from cincgan_tutorial.experiments import at_best_shift, evaluate_pairs
from cincgan_tutorial.images import read_pixels
from cincgan_tutorial.metrics import best_shift, psnr, ssim
from cincgan_tutorial.unpaired import Photograph
from cincgan_tutorial.weights import load_weights


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Call the command line in an empty folder; returns status, stdout, and stderr without progress bars."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("CINCGAN_PHOTOS", raising=False)

    def call(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, [line for line in re.split(r"[\r\n]", err) if line and "|" not in line]

    return call


@pytest.fixture
def small_catalogue(server, official, monkeypatch):
    """The catalogue with archives that have the official names and layout, but small photographs, on loopback."""
    archives = {}
    for part, numbers, suffix, _ in PARTS:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as zipped:
            zipped.mkdir(part)
            for number in numbers:
                name = f"{part}/{number:04d}{suffix}"
                zipped.write(official / name, name)
        archives[f"{part}.zip"] = server.put(f"{part}.zip", file.getvalue())

    def small(data_set):
        found = tuple(replace(a, remote=archives[a.remote.name]) for a in data_set.archives)
        return replace(data_set, archives=found)

    named = {name: small(CATALOGUE[name]) for name in ("div2k-track2", "div2k-valid")}
    monkeypatch.setattr(downloading, "CATALOGUE", CATALOGUE | named)
    return named


def test_download_train_evaluate(run, server, small_catalogue, tmp_path):
    status, out, err = run("download", "div2k-track2", "--accept-licence")
    assert (status, err) == (0, [])
    assert "academic research only" in out
    assert out.count("SHA-256 is right") == 4
    folder = tmp_path / "here" / "data" / "DIV2K"
    assert f"train --photos {folder}" in out
    assert sorted(path.name for path in folder.iterdir()) == sorted(part for part, *_ in PARTS)
    for part, numbers, suffix, side in PARTS:
        names = sorted(path.name for path in (folder / part).iterdir())
        assert names == [f"{number:04d}{suffix}" for number in numbers]
        assert number_of(read_pixels(folder / part / names[3])) == (numbers[3], side)

    status, out, err = run("train", "--preset", "smoke", "--photos", folder, "--run", "run")
    assert (status, err) == (0, [])
    config = json.loads((tmp_path / "here" / "run" / "config.json").read_text())["photographs"]
    assert list(config["x"]) == [f"DIV2K_train_LR_mild/{n:04d}x4m.png" for n in range(1, 401)]
    assert list(config["yz"]) == [f"DIV2K_train_HR/{n:04d}.png" for n in range(401, 801)]
    assert config["x_is_lr"] is True

    status, out, err = run("evaluate", "--weights", "run", "--photos", folder, "--record", "mine", "--results", "r")
    assert (status, err) == (0, [])
    assert out.startswith("100 pairs of DIV2K track 2, x as given, best shift\n")
    data = json.loads((tmp_path / "here" / "r" / "mine" / "result.json").read_text())["data"]
    assert data["photographs"] == [f"{n:04d}" for n in range(801, 901)]
    assert [row["system"] for row in data["rows"]] == ["bicubic", "SR alone", "G1 then SR", "CinCGAN"]
    assert (data["degradation"], data["shifted"]) == ("as given", True)

    asked = len(server.requests)
    status, out, _ = run("download", "div2k-track2")
    assert (status, len(server.requests)) == (0, asked)
    assert "0.0 MB to obtain" in out


def test_the_terms_are_asked_for_first(run, server, small_catalogue, tmp_path, monkeypatch):
    status, out, err = run("download", "div2k-valid")
    assert status == 2
    assert err == ["error: div2k-valid: accept its terms, shown above, once with --accept-licence."]
    assert "Terms: DIV2K is for academic research only." in out
    assert server.requests == []
    monkeypatch.setattr(downloading.sys.stdin, "isatty", lambda: True, raising=False)
    answers = iter(["no", "Yes"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert run("download", "div2k-valid")[0] == 2
    assert run("download", "div2k-valid")[0] == 0
    assert (tmp_path / "here" / "data" / ACCEPTED).is_file()
    assert run("download", "div2k-valid")[0] == 0  # nobody is asked again: `answers` is empty


def test_the_listing_says_sizes_and_what_is_here(run, small_catalogue, tmp_path):
    assert run("download", "div2k-valid", "--to", "there", "--accept-licence")[0] == 0
    status, out, err = run("download", "--to", "there")
    assert (status, err) == (0, [])
    rows = {line.split()[0]: line for line in out.splitlines() if line and line.split()[0] in CATALOGUE}
    assert list(rows) == list(CATALOGUE)
    assert "3.81 GB" in rows["div2k-bicubic"]
    assert {name for name, row in rows.items() if " yes " in row} == {"div2k-valid"}


def test_errors_are_one_line_and_end_with_2(run, small_catalogue, monkeypatch, tmp_path):
    def error(*arguments):
        status, _, err = run("download", *arguments)
        assert status == 2
        assert len(err) == 1
        return err[0]

    assert "unknown data 'div2k-track-2'. Did you mean 'div2k-track2'?" in error("div2k-track-2")
    assert "--from nowhere: no such file" in error("div2k-valid", "--from", "nowhere")
    monkeypatch.setenv("CINCGAN_OFFLINE", "1")
    assert "CINCGAN_OFFLINE is set" in error("div2k-valid", "--accept-licence")
    monkeypatch.setattr(downloading, "free_space", lambda _: 1000)
    assert "0.0 MB are free and" in error("div2k-valid")


def test_local_archives_by_the_command_line(run, server, small_catalogue, tmp_path, monkeypatch):
    monkeypatch.setenv("CINCGAN_OFFLINE", "1")
    (tmp_path / "stick").mkdir()
    for archive in small_catalogue["div2k-valid"].archives:
        (tmp_path / "stick" / archive.remote.name).write_bytes(server.files[f"/{archive.remote.name}"])
    status, out, err = run("download", "div2k-valid", "--accept-licence", "--from", tmp_path / "stick")
    assert (status, err) == (0, [])
    assert f"evaluate --photos {tmp_path / 'here' / 'data' / 'DIV2K'}" in out


def test_only_validation_photographs_can_not_be_trained_on(run, official, tmp_path):
    for part in ("DIV2K_valid_LR_mild", "DIV2K_valid_HR"):
        shutil.copytree(official / part, tmp_path / "DIV2K" / part, copy_function=os.link)
    status, _, err = run("train", "--preset", "smoke", "--photos", tmp_path / "DIV2K", "--run", "run")
    assert status == 2
    assert "DIV2K_train_LR_mild lacks 400 of 400 (0001-0400)" in err[0]
    assert "download div2k-track2" in err[0]


@pytest.mark.parametrize("option", [("--degradation", "bicubic"), ("--shift",)])
def test_given_pairs_are_not_degraded(run, official, option):
    status, _, err = run("evaluate", "--photos", official, *option)
    assert (status, len(err)) == (2, 1)
    assert "of which x is given" in err[0]


def test_a_study_needs_the_truth_behind_x(run, official, tmp_path):
    status, _, err = run("study", "cycle-one", "--preset", "smoke", "--photos", official, "--results", tmp_path)
    assert (status, len(err)) == (2, 1)
    assert "give a folder of HR photographs" in err[0]


def test_the_best_shift_is_found_and_scored():
    z = torch.rand(1, 3, 60, 180, generator=torch.Generator().manual_seed(0))
    for down, right in ((0, 0), (10, -10), (-3, 7)):
        result = (z.roll((down, right), (2, 3)) + 0.05).clamp(0, 1)
        inner = z[..., 10:-10, 10:-10]
        expected = (inner + 0.05).clamp(0, 1)
        found = at_best_shift(result, z)
        assert found == pytest.approx((psnr(expected, inner), ssim(expected, inner)), abs=1e-6)
        assert found[0] == pytest.approx(best_shift(partial(psnr, border=0), result, z, 10)[0])
    with pytest.raises(ValueError, match="180x38 is too small to be aligned and scored; 39"):
        at_best_shift(z[..., :38, :], z[..., :38, :])


def test_given_pairs_are_scored_as_they_are(finished_run, official):
    """x is the file itself; further protocols are scored beside."""
    trained = load_weights(finished_run.folder)
    pairs = track2_pairs(official)[:2]
    seen = []
    rows = evaluate_pairs(
        trained, pairs, {"enlarged": lambda x: seen.append(x) or bicubic_upsample(x)}, protocols=["luma"]
    )
    assert [number_of((x[0].permute(1, 2, 0) * 255).round().int().numpy()) for x in seen] == [(801, 17), (802, 17)]
    for pair, x in zip(pairs, seen, strict=True):
        result, z = bicubic_upsample(x), Photograph("z", read_pixels(pair.hr)).image
        assert (rows[0].psnr[pair.name], rows[0].ssim[pair.name]) == at_best_shift(result, z)
        assert rows[0].protocols["luma"][pair.name] == psnr(result, z, luma_only=True)


def test_a_pair_whose_sizes_do_not_fit_and_one_that_was_trained_on_are_refused(
    finished_run, official, folder, tmp_path
):
    trained = load_weights(finished_run.folder)
    wrong = Pair("0801", official / "DIV2K_valid_LR_mild" / "0801x4m.png", tmp_path / "hr.png")
    wrong.hr.write_bytes(numbered(801, 34))
    with pytest.raises(ValueError, match=r"0801x4m.png \(17x17\) and .*hr.png \(34x34\): not a pair, .* 68x68 for x4"):
        evaluate_pairs(trained, [wrong])
    with pytest.raises(ValueError, match="trained on it"):
        evaluate_pairs(trained, [replace(wrong, hr=folder / "p0.png")])


def test_the_catalogue_of_the_command_is_that_of_the_library():
    assert downloading.CATALOGUE is data.CATALOGUE
    assert obtaining.PATIENCE.attempts >= 3
