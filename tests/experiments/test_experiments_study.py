"""Studies: every variant, trained once, scored by the same rule, recorded with what it was."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from helpers import write_photographs
from PIL import Image

from cincgan_tutorial.degradation import DEGRADATIONS, SYNTHETIC_MILD, bicubic_downsample, bicubic_upsample
from cincgan_tutorial.experiments import (
    SIGNALS,
    STUDIES,
    SYMPTOMS,
    Study,
    evaluate,
    noisy,
    run_study,
    slug,
    study,
    systems,
)
from cincgan_tutorial.metrics import psnr
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import Run
from cincgan_tutorial.unpaired import folder_of_photographs
from cincgan_tutorial.weights import load_weights

LR = Study(
    "tiny",
    "what clipping does",
    {"pretrain.steps": 0, "joint.steps": 0},
    {"all terms": {}, "it's calm: no": {"clip": 0}},
)
HR = Study(
    "tiny-two",
    "what the adversary does",
    {"pretrain.steps": 0, "first.steps": 0},
    {"all terms": {}, "no adversary": {"joint.cycle_two.gan": 0}},
    base={"joint.steps": 0},
    measures="hr",
)


@pytest.fixture(scope="session")
def finished_study(small_lesson, photographs, held_out, tmp_path_factory):
    """The study `LR`, run once from nothing; tests must not change it."""
    folder = tmp_path_factory.mktemp("study")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run_study(LR, small_lesson, photographs, held_out, folder / "runs", folder / "results")
    torch.set_num_threads(threads)
    return folder


@pytest.fixture
def done(work, finished_study):
    """The runs and the result of the finished study `LR`, copied to where `work` works; its result.json."""
    for folder in (work.runs, work.results):
        shutil.copytree(finished_study / folder.name, folder)
    return json.loads((work.results / "tiny" / "result.json").read_text(encoding="utf-8"))


@pytest.fixture
def work(small_lesson, photographs, held_out, tmp_path, monkeypatch):
    """Run a study in folders of its own, and count what it trains."""
    calls = {"train": [], "resume": []}

    def counted(name):
        original = getattr(study, name)

        def call(*arguments):
            folder = next(argument for argument in arguments if isinstance(argument, Path))
            calls[name].append(folder.name)
            return original(*arguments)

        monkeypatch.setattr(study, name, call)

    counted("train")
    counted("resume")

    def run(which, preset=small_lesson, photographs=photographs, held_out=held_out, name=None):
        calls["train"].clear()
        calls["resume"].clear()
        where = run_study(which, preset, photographs, held_out, tmp_path / "runs", tmp_path / "results", name)
        return json.loads((where / "result.json").read_text(encoding="utf-8"))

    run.calls, run.runs, run.results = calls, tmp_path / "runs", tmp_path / "results"
    return run


def test_every_variant_is_trained_with_its_settings_scored_and_recorded(work, small_lesson, held_out):
    content = work(LR)
    slugs = ["all-terms", "its-calm-no"]
    assert work.calls["train"] == slugs
    data, facts = content["data"], content["provenance"]
    assert (data["question"], data["measures"], data["common"]) == ("what clipping does", "lr", LR.common)
    assert list(data["variants"]) == ["all terms", "it's calm: no"]
    assert (facts["preset"], facts["seed"], facts["source"]) == ("lesson", small_lesson.seed, "photographs0")
    seconds = 0.0
    for folder_name, (label, variant) in zip(slugs, data["variants"].items(), strict=True):
        trained = load_weights(work.runs / "tiny-lesson" / folder_name)
        assert trained.preset == with_settings(small_lesson, {**LR.common, **LR.variants[label]})
        assert variant["settings"] == LR.variants[label]
        assert set(variant["psnr"]) == {"one", "two"}
        assert variant["colour_drift_8bit"] >= 0
        seconds += sum(trained.facts["seconds"].values())
        for photograph in held_out:
            x, z = noisy(photograph, SYNTHETIC_MILD.without_shift())
            with torch.no_grad():
                cleaned = trained.nets.G1(x).clamp(0, 1)
            expected = psnr(cleaned, bicubic_downsample(z).clamp(0, 1), border=1)
            assert variant["psnr"][photograph.name] == pytest.approx(expected, abs=1e-6)
    assert data["seconds"] == round(seconds)
    folder = work.results / "tiny"
    assert {path.name for path in folder.iterdir()} == {"result.json", "all-terms.png", "its-calm-no.png"}
    assert Image.open(folder / "all-terms.png").size == (32, 32)


def test_the_colour_drift_is_the_largest_change_of_a_mean_colour(work, done, held_out):
    variant = done["data"]["variants"]["all terms"]
    trained = load_weights(work.runs / "tiny-lesson" / "all-terms")
    drifts = []
    for photograph in held_out:
        x, _ = noisy(photograph, SYNTHETIC_MILD.without_shift())
        with torch.no_grad():
            change = trained.nets.G1(x).clamp(0, 1)[0] - x[0]
        drifts.append(max(abs(255 * float(channel.mean())) for channel in change))
    assert variant["colour_drift_8bit"] == pytest.approx(sum(drifts) / len(drifts), abs=1e-4)


def test_what_is_finished_is_not_done_again(work, done):
    weights = {path: path.stat().st_mtime_ns for path in work.runs.rglob("weights.safetensors")}
    assert len(weights) == 2
    again = work(LR)
    assert work.calls["train"] == []
    assert {path: path.stat().st_mtime_ns for path in weights} == weights
    assert again["data"] == done["data"]


def test_only_the_missing_variant_is_trained(work, done):
    shutil.rmtree(work.runs / "tiny-lesson" / "its-calm-no")
    content = work(LR)
    assert work.calls["train"] == ["its-calm-no"]
    assert list(content["data"]["variants"]) == ["all terms", "it's calm: no"]


def test_an_interrupted_variant_is_resumed(work, done):
    (work.runs / "tiny-lesson" / "its-calm-no" / "weights.safetensors").unlink()
    work(LR)
    assert work.calls["train"] == []
    assert "its-calm-no" in work.calls["resume"]
    assert Run(work.runs / "tiny-lesson" / "its-calm-no").finished


def test_a_run_with_other_settings_is_refused_and_kept(work, done, small_lesson):
    before = {path: path.read_bytes() for path in work.results.rglob("*") if path.is_file()}
    weights = (work.runs / "tiny-lesson" / "all-terms" / "weights.safetensors").read_bytes()
    with pytest.raises(ValueError, match="all-terms: holds a run with other settings"):
        work(LR, preset=dataclasses.replace(small_lesson, seed=7))
    with pytest.raises(ValueError, match="its-calm-no: holds a run with other settings"):
        work(dataclasses.replace(LR, variants={**LR.variants, "it's calm: no": {"clip": 2}}))
    assert (work.runs / "tiny-lesson" / "all-terms" / "weights.safetensors").read_bytes() == weights
    assert {path: path.read_bytes() for path in work.results.rglob("*") if path.is_file()} == before


def test_runs_on_other_photographs_are_refused(work, done, tmp_path):
    """Else the result would name photographs that its networks never saw."""
    others = folder_of_photographs(write_photographs(tmp_path / "others", first_seed=60))
    with pytest.raises(ValueError, match="photographs are not those"):
        work(LR, photographs=others)


@pytest.mark.parametrize("which", [LR, dataclasses.replace(LR, measures="hr")], ids=["lr", "hr"])
def test_photographs_of_the_training_are_not_scored(work, done, photographs, which):
    with pytest.raises(ValueError, match="the networks were trained on it"):
        work(which, held_out=[photographs.x[0]])


def test_a_study_of_cycle_two_begins_with_its_base(work, held_out):
    content = work(HR)
    assert work.calls["train"] == ["base", "all-terms", "no-adversary"]
    folder = work.runs / "tiny-two-lesson"
    base = load_weights(folder / "base")
    assert (base.preset.joint.steps, base.preset.start) == (0, "")
    for label, folder_name in (("all terms", "all-terms"), ("no adversary", "no-adversary")):
        trained = load_weights(folder / folder_name)
        assert trained.preset.start == (folder / "base").as_posix()
        for name, value in base.nets.upscaler().state_dict().items():
            assert torch.equal(trained.before_joint.state_dict()[name], value), "did not begin with the base"
        (row,) = evaluate(trained, held_out, chosen={"CinCGAN": systems(trained)["CinCGAN"]}, protocols=["vif"])
        scored = content["data"]["variants"][label]
        assert scored == {"psnr": row.psnr, "ssim": row.ssim, "vif": row.protocols["vif"]} | {
            key: scored[key] for key in ("settings", "trained", "lr_psnr")
        }
        for photograph in held_out:
            x, z = noisy(photograph, SYNTHETIC_MILD.without_shift())
            with torch.no_grad():
                cleaned = trained.nets.eval().G1(x).clamp(0, 1)
            expected = psnr(cleaned, bicubic_downsample(z).clamp(0, 1), border=1)
            assert scored["lr_psnr"][photograph.name] == pytest.approx(expected, abs=1e-6)
    # In a few steps G1 hardly moves. To tell its scores from those before the stage, the G1 of before is spoilt.
    with torch.no_grad():
        trained.before_joint.G1.load_state_dict({k: v + 0.1 for k, v in base.nets.G1.state_dict().items()})
    assert study.scores_of(trained, held_out, "hr")["lr_psnr"] == pytest.approx(scored["lr_psnr"], abs=1e-6)
    assert Image.open(work.results / "tiny-two" / "all-terms.png").size == (128, 128)


def test_a_variant_with_other_networks_begins_with_a_base_of_its_own(work):
    """The weights of a common base would not fit, or would undo the start that the variant is about."""
    wider = {"sr.features": 4}
    assert wider["sr.features"] != PRESETS["smoke"].sr.features
    given = dataclasses.replace(
        HR, variants={"all terms": {}, "wide": wider, "wide, slow": {**wider, "joint.lr": 1e-5}}
    )
    work(given, preset=PRESETS["smoke"])
    assert work.calls["train"] == ["base", "all-terms", "base-srfeatures-4", "wide", "wide-slow"]
    folder = work.runs / "tiny-two-smoke"
    for name in ("wide", "wide-slow"):
        assert load_weights(folder / name).preset.start == (folder / "base-srfeatures-4").as_posix()
    own = load_weights(folder / "base-srfeatures-4").preset
    assert own == with_settings(PRESETS["smoke"], {**HR.base, **wider})


def test_what_no_variant_was_trained_on_is_scored_too_by_the_protocols_that_are_asked_for(work, held_out):
    asked = dataclasses.replace(HR, protocols=("blur",), degradations=("bicubic", "synthetic_white"))
    variants = work(asked)["data"]["variants"]
    trained = load_weights(work.runs / "tiny-two-lesson" / "no-adversary")
    found = variants["no adversary"]
    assert set(found) == {"psnr", "ssim", "blur", "lr_psnr", "under", "settings", "trained"}
    assert list(found["under"]) == ["bicubic", "synthetic_white"]
    for name, scores in found["under"].items():
        (row,) = evaluate(
            trained,
            held_out,
            DEGRADATIONS[name].without_shift(),
            chosen={"CinCGAN": systems(trained)["CinCGAN"]},
            protocols=["blur"],
        )
        assert scores == {"psnr": row.psnr, "ssim": row.ssim, "blur": row.protocols["blur"]}
    assert found["under"]["bicubic"]["psnr"] != found["psnr"]


def test_a_study_of_another_seed_goes_by_its_own_name(work, done, small_lesson):
    """So that three seeds of it leave three results, and each its own runs."""
    content = work(LR, preset=dataclasses.replace(small_lesson, seed=5), name="tiny-5")
    assert content["provenance"]["seed"] == 5
    assert {path.name for path in work.runs.iterdir()} == {"tiny-lesson", "tiny-5-lesson"}
    assert {path.name for path in work.results.iterdir()} == {"tiny", "tiny-5"}


def test_three_stages_by_the_papers_settings_differ_from_the_preset_paper_in_size_and_length_alone():
    chosen = STUDIES["literal"]
    settings = {**chosen.common, **chosen.variants["the paper's settings"]}
    ours, papers = (
        dataclasses.asdict(preset) for preset in (with_settings(PRESETS["lesson"], settings), PRESETS["paper"])
    )

    def differing(one, other, prefix=""):
        for key in one:
            if isinstance(one[key], dict) and isinstance(other[key], dict):
                yield from differing(one[key], other[key], f"{prefix}{key}.")
            elif one[key] != other[key]:
                yield prefix + key

    size_and_length = "name|log_every|save_every|sr[.].*|.*[.](steps|batch|width|widest|blocks)"
    # Where a rate is halved no floor is looked at.
    assert [key for key in differing(ours, papers) if not re.fullmatch(size_and_length, key)] == [
        f"{stage}.lr_floor" for stage in ("first", "joint")
    ]


def test_studies_of_stage_one_score_its_end():
    """A picked step would make every short run look as good as its best."""
    for name in ("cycle-one", "departures", "sizes"):
        assert with_settings(PRESETS["lesson"], STUDIES[name].common).validate_every == 0, name
    assert PRESETS["lesson"].validate_every > 0


def test_the_papers_settings_are_those_of_the_preset_paper():
    paper, lesson = PRESETS["paper"], PRESETS["lesson"]
    chosen = {**STUDIES["sizes"].common, **STUDIES["sizes"].variants["the paper's settings at its sizes"]}
    given = with_settings(lesson, chosen)
    same = ("generator", "discriminator", "norms", "ema", "clip", "beta1", "patch", "scale")
    assert [name for name in same if getattr(given, name) != getattr(paper, name)] == []
    # But for the length: in so few steps the rate does not fall by either rule.
    assert dataclasses.replace(given.first, steps=paper.first.steps, lr_floor=paper.first.lr_floor) == paper.first
    joint = with_settings(lesson, STUDIES["joint-stage"].variants["the paper's norms and weights"])
    assert (joint.norms, joint.joint.cycle_one, joint.joint.cycle_two) == (
        paper.norms,
        paper.joint.cycle_one,
        paper.joint.cycle_two,
    )


def test_sums_for_means_are_the_weights_of_sums_over_a_patch_but_for_one_factor():
    """A sum over a patch is its mean times the patch's numbers; scores are averaged either way."""
    lesson = PRESETS["lesson"]
    sums = with_settings(lesson, STUDIES["joint-stage"].variants["sums for means"]).joint
    hr, lr = 3 * (lesson.scale * lesson.patch) ** 2, 3 * lesson.patch**2
    counts = {"gan": 1, "cycle": lr, "identity": lr, "tv": lr}, {"gan": 1, "cycle": lr, "identity": hr, "tv": hr}
    factors = set()
    for count, weights, means in zip(
        counts,
        (sums.cycle_one, sums.cycle_two),
        (lesson.joint.cycle_one, lesson.joint.cycle_two),
        strict=True,
    ):
        factors |= {round(getattr(weights, k) / (getattr(means, k) * n) * lr, 12) for k, n in count.items()}
    assert factors == {1.0}


def test_a_study_of_smoke_is_kept_apart(work, done):
    content = work(LR, preset=PRESETS["smoke"])
    assert content["provenance"]["preset"] == "smoke"
    assert {path.name for path in work.runs.iterdir()} == {"tiny-lesson", "tiny-smoke"}


@pytest.mark.parametrize("name", sorted(STUDIES))
@pytest.mark.parametrize("preset", ["smoke", "lesson"])
def test_the_settings_of_every_study_fit_the_presets(name, preset):
    chosen = STUDIES[name]
    assert chosen.name == name
    assert chosen.measures in ("lr", "hr")
    variants = list(chosen.variants.items())
    assert variants[0][1] == {}, "the first variant is what the others are compared with"
    common = with_settings(PRESETS[preset], chosen.common)
    changed = {label: with_settings(PRESETS[preset], {**chosen.common, **settings}) for label, settings in variants}
    assert [label for label, settings in changed.items() if settings == common] == [variants[0][0]]
    assert len(set(changed.values())) == len(variants), "two variants are the same"
    folders = {slug(label) for label, _ in variants}
    assert len(folders) == len(variants), "two variants would share a folder"
    assert all(re.fullmatch("[A-Za-z0-9-]+", folder) for folder in folders)
    assert "base" not in folders


@pytest.mark.parametrize(
    ("label", "expected"),
    [("all terms", "all-terms"), ("it's calm: no", "its-calm-no"), ("no cycle, no identity", "no-cycle-no-identity")],
)
def test_a_label_becomes_a_file_name(label, expected):
    assert slug(label) == expected


@pytest.mark.parametrize("measures", ["lr", "hr"])
def test_the_untouched_input_is_scored_by_the_rule_of_the_variants(work, done, held_out, measures):
    """What doing nothing scores: x against y for cycle one, bicubic against z for cycle two."""
    data = work(dataclasses.replace(LR, measures=measures))["data"]
    for photograph in held_out:
        x, z = noisy(photograph, SYNTHETIC_MILD.without_shift())
        if measures == "lr":
            expected = psnr(x, bicubic_downsample(z).clamp(0, 1), border=1)
        else:
            expected = psnr(bicubic_upsample(x).clamp(0, 1), z)
        assert data["untouched"][photograph.name] == pytest.approx(expected, abs=1e-6)


def test_lr_photographs_as_they_came_are_refused(small_lesson, photographs, held_out, tmp_path):
    given = dataclasses.replace(photographs, x_is_lr=True)
    with pytest.raises(ValueError, match="LR photographs as they came"):
        run_study(LR, small_lesson, given, held_out, tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_studies_of_what_a_setting_does_leave_colours_free():
    """Else what a setting does to colours would be taken out of its score."""
    others = ("sr-size", "sr-rate", "joint-control")
    asked = [each for each in (*STUDIES.values(), SIGNALS, SYMPTOMS) if each.name not in others]
    assert len(asked) == 8
    for each in asked:
        for settings in (each.common, each.base or each.common):
            assert with_settings(PRESETS["lesson"], settings).generator.local_mean == 0, each.name
    assert PRESETS["lesson"].generator.local_mean == 17
