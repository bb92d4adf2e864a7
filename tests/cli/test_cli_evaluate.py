"""``evaluate`` and ``study``: whose weights, which photographs, and what is written down."""

import json
import shutil
import statistics
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from helpers import picture, save_picture
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from cincgan_tutorial import perceptual
from cincgan_tutorial.cli import command, studying
from cincgan_tutorial.degradation import DEGRADATIONS, bicubic_downsample
from cincgan_tutorial.experiments import Study, eightfold, evaluate, keeping, noisy, results, run_study, systems, table
from cincgan_tutorial.images import read_pixels
from cincgan_tutorial.metrics import psnr
from cincgan_tutorial.unpaired import Photograph, bundled_photographs
from cincgan_tutorial.weights import load_weights

SYSTEMS = ["bicubic", "SR alone", "G1 then SR", "CinCGAN"]


def photographs_in(folder):
    return [Photograph(path.name, read_pixels(path)) for path in sorted(folder.iterdir())]


def result(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def test_a_run_folder_its_file_and_a_shipped_name_give_the_same_table(cincgan, finished, shipped, unseen):
    answers = [
        cincgan("evaluate", "--weights", weights, "--photos", unseen)
        for weights in (finished, finished / "weights.safetensors", "lesson")
    ] + [cincgan("evaluate", "--photos", unseen)]
    assert [answer.status for answer in answers] == [0] * 4
    assert len({answer.out for answer in answers}) == 1
    assert answers[0].out.startswith("2 photographs, synthetic_mild\n")
    assert table(evaluate(load_weights(finished), photographs_in(unseen))) in answers[0].out


def test_the_table_has_the_systems_in_their_order(cincgan, finished, unseen):
    lines = cincgan("evaluate", "--weights", finished, "--photos", unseen).out.splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("|")]
    assert rows == ["System", ":--", *SYSTEMS]


def test_kept_and_free_colours_are_scored_when_asked_for(cincgan, finished, unseen):
    asked = ("evaluate", "--weights", finished, "--photos", unseen, "--local-mean", 0, 9)
    lines = cincgan(*asked).out.splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("|")]
    both = SYSTEMS[2:]
    how = ("colours free", "local mean 9")
    assert rows == ["System", ":--", *SYSTEMS, *(f"{name}, {one}" for one in how for name in both)]
    trained, x = load_weights(finished), noisy(photographs_in(unseen)[0], DEGRADATIONS["synthetic_mild"])[0]
    plain, free, kept = systems(trained), keeping(trained, 0), keeping(trained, 9)
    for name in both:
        assert torch.equal(plain[name](x), free[f"{name}, colours free"](x))
        assert not torch.equal(plain[name](x), kept[f"{name}, local mean 9"](x))


def test_the_mean_of_eight_views_is_scored_when_asked_for(cincgan, finished, unseen):
    asked = ("evaluate", "--weights", finished, "--photos", unseen, "--self-ensemble")
    lines = cincgan(*asked).out.splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("|")]
    assert rows == ["System", ":--", *SYSTEMS, "G1 then SR, self-ensemble", "CinCGAN, self-ensemble"]
    trained, x = load_weights(finished), noisy(photographs_in(unseen)[0], DEGRADATIONS["synthetic_mild"])[0]
    every = systems(trained) | eightfold(trained)
    for name in SYSTEMS[2:]:
        assert not torch.equal(every[name](x), every[f"{name}, self-ensemble"](x))
        assert psnr(every[name](x), every[f"{name}, self-ensemble"](x)) > 20


def test_without_photographs_the_two_bundled_held_out_ones_are_scored(cincgan, finished, tmp_path):
    answer = cincgan("evaluate", "--weights", finished, "--record", "here", "--results", tmp_path)
    assert answer.out.startswith("2 photographs")
    assert result(tmp_path / "here")["data"]["photographs"] == [p.name for p in bundled_photographs().held_out]


def test_the_seed_decides_the_noise(cincgan, finished, unseen):
    first, again, other = (
        cincgan("evaluate", "--weights", finished, "--photos", unseen, "--seed", seed).out for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_shift_is_only_scored_when_asked_for(cincgan, finished, unseen):
    plain = cincgan("evaluate", "--weights", finished, "--photos", unseen).out
    shifted = cincgan("evaluate", "--weights", finished, "--photos", unseen, "--shift").out
    assert "best shift" not in plain
    assert shifted.startswith("2 photographs, synthetic_mild, best shift\n")


@pytest.mark.parametrize("name", sorted(DEGRADATIONS))
def test_another_degradation_can_be_asked_for(cincgan, finished, unseen, name):
    answer = cincgan("evaluate", "--weights", finished, "--photos", unseen, "--degradation", name)
    assert answer.out.startswith(f"2 photographs, {name}\n")
    expected = evaluate(load_weights(finished), photographs_in(unseen), DEGRADATIONS[name].without_shift())
    assert table(expected) in answer.out


def test_further_protocols_are_printed_and_recorded(cincgan, finished, unseen, tmp_path):
    recording = ["--record", "here", "--results", tmp_path / "results"]
    arguments = ["evaluate", "--weights", finished, "--photos", unseen, *recording]
    plain = cincgan(*arguments).out.splitlines()
    assert "protocols" not in result(tmp_path / "results" / "here")["data"]["rows"][0]
    extended = cincgan(*arguments, "--protocol", "luma", "blur").out.splitlines()
    assert extended[2] == "| System | PSNR (dB) | gain (dB) | SSIM | luma (dB) | blur |"
    assert [line.split("|")[:5] for line in extended if "|" in line] == [
        line.split("|")[:5] for line in plain if "|" in line
    ]
    expected = evaluate(load_weights(finished), photographs_in(unseen), protocols=["luma", "blur"])
    rows = result(tmp_path / "results" / "here")["data"]["rows"]
    assert [row["protocols"] for row in rows] == [row.protocols for row in expected]
    means = [statistics.fmean(expected[0].protocols[name].values()) for name in ("luma", "blur")]
    assert extended[4].endswith(f" {means[0]:.2f} | {means[1]:.4f} |")


def test_a_photograph_too_small_for_a_protocol_is_named(cincgan, finished, unseen):
    error = cincgan("evaluate", "--weights", finished, "--photos", unseen, "--protocol", "rgb", "challenge").error()
    assert "p0.png: 76x60" in error
    assert "protocol challenge needs 160 pixels" in error


def test_an_unknown_protocol_lists_the_known_ones(cincgan, finished, capsys):
    with pytest.raises(SystemExit) as stopped:
        cincgan("evaluate", "--weights", finished, "--protocol", "psnr")
    assert stopped.value.code == 2
    assert "best-shift" in capsys.readouterr().err


def test_lpips_without_its_extra_says_what_to_install(cincgan, finished, unseen, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    perceptual._lpips_network.cache_clear()
    error = cincgan("evaluate", "--weights", finished, "--photos", unseen, "--protocol", "lpips").error()
    assert "pip install torchvision" in error


def test_an_unfinished_run_has_no_weights_yet(cincgan, finished, unseen):
    (finished / "weights.safetensors").unlink()
    error = cincgan("evaluate", "--weights", finished, "--photos", unseen).error()
    assert "not finished" in error
    assert f"resume {finished}" in error


def test_a_folder_that_is_no_run_is_not_called_unfinished(cincgan, unseen):
    error = cincgan("evaluate", "--weights", unseen, "--photos", unseen).error()
    assert "not that of a run" in error
    assert "resume" not in error


def test_a_name_that_could_be_two_things_is_refused(cincgan, shipped, finished, unseen):
    Path("lesson").symlink_to(finished)
    assert "./lesson" in cincgan("evaluate", "--weights", "lesson", "--photos", unseen).error()
    assert cincgan("evaluate", "--weights", "./lesson", "--photos", unseen).status == 0


@pytest.mark.parametrize("name", ["a/b", "../a", "..", "/tmp/a"])
def test_a_result_has_a_plain_name(cincgan, finished, unseen, tmp_path, name):
    arguments = ["--record", name, "--results", tmp_path / "results"]
    answer = cincgan("evaluate", "--weights", finished, "--photos", unseen, *arguments)
    assert "plain name" in answer.error()
    assert not (tmp_path / "results").exists()


def test_smoke_is_never_recorded_for_the_book(cincgan, finished, unseen, tmp_path, monkeypatch, snapshot):
    """Not even in the place of a result that may be shown."""
    book = tmp_path / "book" / "results"
    (book / "here").mkdir(parents=True)
    (book / "here" / "result.json").write_text("precious", encoding="utf-8")
    monkeypatch.setattr(results, "RESULTS", book)
    before = snapshot(book)
    recording = ["--record", "here", "--results", book]
    assert "smoke" in cincgan("evaluate", "--weights", finished, "--photos", unseen, *recording).error()
    assert snapshot(book) == before


def test_unknown_weights_are_named_beside_the_known_ones(cincgan, shipped, unseen):
    error = cincgan("evaluate", "--weights", "leson", "--photos", unseen).error()
    assert "leson: no such weights" in error
    assert "(general, lesson, mild)" in error


def test_a_shipped_file_that_was_changed_is_refused(cincgan, shipped, unseen):
    (shipped / "SHA256SUMS").write_text(f"{'0' * 64}  lesson.safetensors\n", encoding="utf-8")
    assert "SHA-256" in cincgan("evaluate", "--weights", "lesson", "--photos", unseen).error()


@pytest.mark.parametrize("keep", [0, 5, 500, 100_000])
def test_truncated_weights_are_refused(cincgan, finished, unseen, keep):
    file = finished / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    assert str(file) in cincgan("evaluate", "--weights", file, "--photos", unseen).error()


def test_weights_of_another_size_are_refused_by_the_name_of_a_tensor(cincgan, finished, unseen, tmp_path):
    source, other = finished / "weights.safetensors", tmp_path / "other.safetensors"
    with safe_open(source, framework="pt") as file:
        header = file.metadata()
    tensors = load_file(source)
    tensors["nets.SR.head.weight" if "nets.SR.head.weight" in tensors else sorted(tensors)[-1]] = torch.zeros(2, 2)
    save_file(tensors, other, metadata=header)
    error = cincgan("evaluate", "--weights", other, "--photos", unseen).error()
    assert "the preset needs" in error
    assert "the file has (2, 2)" in error


def test_a_safetensors_file_of_another_program_is_refused(cincgan, unseen, tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    error = cincgan("evaluate", "--weights", tmp_path / "foreign.safetensors", "--photos", unseen).error()
    assert "another program" in error


def test_photographs_that_the_networks_were_trained_on_are_refused(cincgan, folder, finished, unseen, tmp_path):
    """Copied, renamed and saved in another format they are still the same photographs."""
    mixed = shutil.copytree(unseen, tmp_path / "mixed")
    for seen in ("p0.png", "p3.png"):
        save_picture(mixed / "copy.bmp", read_pixels(folder / seen))
        error = cincgan("evaluate", "--weights", finished, "--photos", mixed).error()
        assert "copy.bmp: the networks were trained on it" in error


def test_a_recorded_result_says_where_it_comes_from(cincgan, finished, unseen, tmp_path, monkeypatch):
    arguments = ["evaluate", "--weights", str(finished), "--photos", str(unseen), "--seed", "4"]
    arguments += ["--record", "comparison", "--results", str(tmp_path / "results")]
    monkeypatch.setattr("sys.argv", ["/somewhere/cincgan_tutorial/__main__.py", *arguments])
    answer = cincgan(*arguments)
    assert answer.status == 0
    folder = tmp_path / "results" / "comparison"
    assert answer.out.endswith(f"Recorded: {folder}\n")
    content = result(folder)
    facts = content["provenance"]
    assert {"command", "commit", "device", "versions", "date", "preset", "seed", "source"} <= set(facts)
    assert facts["command"] == "python -m cincgan_tutorial " + " ".join(arguments)
    assert (facts["preset"], facts["seed"]) == ("smoke", 4)
    rows = evaluate(load_weights(finished), photographs_in(unseen), seed=4)
    assert content["data"]["rows"] == [{"system": r.system, "psnr": r.psnr, "ssim": r.ssim} for r in rows]
    assert content["data"]["training"]["command"] == "test"
    assert content["data"]["training"]["photographs"] == {"x": 2, "yz": 2}
    assert (folder / "log.jsonl").read_bytes() == (finished / "log.jsonl").read_bytes()


def test_weights_without_a_log_are_recorded_without_one(cincgan, finished, shipped, unseen, tmp_path):
    assert cincgan("evaluate", "--photos", unseen, "--record", "here", "--results", tmp_path / "results").status == 0
    assert {path.name for path in (tmp_path / "results" / "here").iterdir()} == {"result.json"}


@pytest.mark.parametrize("name", ["synthetic_mild", "synthetic_white"])
def test_the_recorded_cleaning_is_of_the_degradation_that_was_scored(cincgan, finished, unseen, tmp_path, name):
    arguments = ["--degradation", name, "--record", "here", "--results", tmp_path]
    assert cincgan("evaluate", "--weights", finished, "--photos", unseen, *arguments).status == 0
    data = result(tmp_path / "here")["data"]
    assert data["degradation"] == name
    pairs = [noisy(photograph, DEGRADATIONS[name].without_shift()) for photograph in photographs_in(unseen)]
    expected = [psnr(x, bicubic_downsample(z).clamp(0, 1), border=1) for x, z in pairs]
    assert data["lr_psnr"]["x"] == pytest.approx(sum(expected) / len(expected), abs=1e-6)


def test_recording_again_replaces_the_result(cincgan, finished, unseen, tmp_path):
    for seed in (1, 2):
        arguments = ["--seed", seed, "--record", "here", "--results", tmp_path / "results"]
        assert cincgan("evaluate", "--weights", finished, "--photos", unseen, *arguments).status == 0
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["here"]
    assert result(tmp_path / "results" / "here")["provenance"]["seed"] == 2


def test_an_evaluation_that_fails_leaves_an_earlier_result_alone(
    cincgan, folder, finished, unseen, tmp_path, snapshot, full_disk
):
    where = tmp_path / "results"
    recording = ["--record", "here", "--results", where]
    assert cincgan("evaluate", "--weights", finished, "--photos", unseen, *recording).status == 0
    before = snapshot(where)
    broken = shutil.copytree(unseen, tmp_path / "broken")
    (broken / "z.png").write_bytes(b"no image")
    for weights, photos in ((finished, folder), (finished, broken), (tmp_path / "nowhere", unseen)):
        cincgan("evaluate", "--weights", weights, "--photos", photos, *recording).error()
        assert snapshot(where) == before
    with full_disk(50):
        cincgan("evaluate", "--weights", finished, "--photos", unseen, *recording).error()
    assert snapshot(where) == before


@pytest.mark.parametrize("size", [(8, 90), (3, 40), (12, 12), (20, 90)])
def test_a_photograph_too_small_to_score_is_refused_by_name(cincgan, finished, unseen, tmp_path, size):
    photos = shutil.copytree(unseen, tmp_path / "photos")
    save_picture(photos / "tiny.png", picture(*size))
    answer = cincgan("evaluate", "--weights", finished, "--photos", photos)
    if size == (20, 90):  # 12 pixels are left without the border: enough for the 11 of SSIM's window
        assert answer.status == 0
    else:
        assert "tiny.png" in answer.error()


def test_a_study_is_run_and_recorded(cincgan, monkeypatch, folder, unseen, tmp_path):
    study = Study("tiny", "does it run", {"pretrain.steps": 0, "joint.steps": 0}, {"all": {}, "calm": {"clip": 0}})
    monkeypatch.setitem(studying._STUDIES, "tiny", studying._Study(study.question, partial(run_study, study)))
    folders = ["--runs", tmp_path / "runs", "--results", tmp_path / "results"]
    arguments = ["study", "tiny", "--preset", "smoke", "--photos", folder, "--held-out", unseen, *folders]
    answer = cincgan(*arguments)
    assert (answer.status, answer.out) == (0, f"Recorded: {tmp_path / 'results' / 'tiny'}\n")
    assert list(result(tmp_path / "results" / "tiny")["data"]["variants"]) == ["all", "calm"]
    assert {path.name for path in (tmp_path / "runs" / "tiny-smoke").iterdir()} == {"all", "calm"}


def test_an_interrupted_study_goes_on_with_the_same_command(
    cincgan, monkeypatch, interrupt, folder, unseen, tmp_path, snapshot
):
    study = Study("tiny", "does it run", {"pretrain.steps": 0, "joint.steps": 0}, {"all": {}, "calm": {"clip": 0}})
    monkeypatch.setitem(studying._STUDIES, "tiny", studying._Study(study.question, partial(run_study, study)))
    folders = ["--runs", tmp_path / "runs", "--results", tmp_path / "results"]
    arguments = ["study", "tiny", "--preset", "smoke", "--photos", folder, "--held-out", unseen, *folders]
    interrupt("cycle_one_step", 9)
    answer = cincgan(*arguments)
    assert (answer.status, "Traceback" in answer.err) == (130, False)
    assert not (tmp_path / "results").exists()
    first = snapshot(tmp_path / "runs" / "tiny-smoke" / "all")
    assert "weights.safetensors" in first
    assert cincgan(*arguments).status == 0
    again = snapshot(tmp_path / "runs" / "tiny-smoke" / "all")
    assert {name: again[name] for name in first} == first


@pytest.mark.parametrize("what", ["--photos", "--held-out"])
def test_a_study_without_photographs_makes_nothing(cincgan, folder, tmp_path, what):
    (tmp_path / "empty").mkdir()
    folders = ["--runs", tmp_path / "runs", "--results", tmp_path / "results"]
    error = cincgan("study", "cycle-one", "--preset", "smoke", what, tmp_path / "empty", *folders).error()
    assert "no images" in error
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "results").exists()


def test_an_unknown_study_lists_the_known_ones(cincgan, capsys):
    with pytest.raises(SystemExit) as stopped:
        cincgan("study", "cycle-three")
    assert stopped.value.code == 2
    assert "cycle-one" in capsys.readouterr().err


def test_unseen_photographs_are_unlike_those_of_training(folder, unseen):
    """The premise of the tests above."""
    hashes = [{p.sha256 for p in photographs_in(where)} for where in (folder, unseen)]
    assert not hashes[0] & hashes[1]


@pytest.fixture
def both(tmp_path):
    """A benchmark set as it is handed round: HR photographs, and their reductions under the same names."""
    for number in range(2):
        save_picture(tmp_path / "set" / "HR" / f"p{number}.png", picture(64, 80, 300 + number))
        save_picture(tmp_path / "set" / "LR_bicubic_x4" / f"p{number}.png", picture(16, 20, 300 + number))
    return tmp_path / "set"


def test_a_folder_that_also_holds_the_reductions_is_not_scored(cincgan, finished, both, tmp_path):
    error = cincgan("evaluate", "--weights", finished, "--photos", both).error()
    assert "LR_bicubic_x4/p0.png (20x16), a reduction of HR/p0.png (80x64)" in error
    assert cincgan("evaluate", "--weights", finished, "--photos", both / "HR").out.startswith("2 photographs")
    sheet = ["--sheet", tmp_path / "sheet.png"]
    answer = cincgan("evaluate", "--weights", finished, "--lr-photos", both / "LR_bicubic_x4", *sheet)
    assert answer.out.startswith("2 LR photographs")


@pytest.mark.parametrize("option", ["--photos", "--held-out", "--tune"])
def test_nor_is_it_taken_by_a_study(cincgan, folder, both, tmp_path, option):
    places = ["--runs", tmp_path / "runs", "--results", tmp_path / "results"]
    answer = cincgan("study", "table", "--preset", "smoke", "--photos", folder, option, both, *places)
    assert "LR_bicubic_x4/p0.png" in answer.error()
    assert not (tmp_path / "runs").exists()


def test_nor_looked_at_as_hr_photographs(cincgan, folder, both):
    assert "LR_bicubic_x4/p0.png" in cincgan("check", "--lr-photos", folder, "--hr-photos", both).error()


@pytest.mark.parametrize("name", ["evaluate", "upscale"])
def test_networks_are_applied_on_a_gpu_where_there_is_one_and_in_32_bits(
    cincgan, finished, unseen, tmp_path, monkeypatch, name
):
    """The device ``meta`` has no numbers to bring back, and says so."""
    monkeypatch.setattr(command, "training_device", lambda: torch.device("meta"))
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    where = ("--photos", unseen) if name == "evaluate" else (*sorted(unseen.glob("*.png")), "--out", tmp_path / "out")
    with pytest.raises(NotImplementedError, match="out of meta"):
        cincgan(name, "--weights", finished, *where)
    assert not torch.backends.cudnn.allow_tf32
