"""The studies of the comparison: equal seconds, rows, gates, sweeps, and nothing done twice."""

import dataclasses
import json
import math
import shutil
import sys
import types
from pathlib import Path

import pytest
import torch
from helpers import soft_image

from cincgan_tutorial import provenance
from cincgan_tutorial.baselines import Material, edsr, edsr_plus, sizes, structures
from cincgan_tutorial.degradation import BICUBIC, SYNTHETIC_MILD, SYNTHETIC_MIXTURE, bicubic_upsample
from cincgan_tutorial.experiments import (
    Box,
    comparison,
    contenders,
    noisy,
    recorded,
    run_ablations,
    run_budget,
    run_degradations,
    run_of,
    run_table,
    sweeps,
)
from cincgan_tutorial.experiments import pace as pace_module
from cincgan_tutorial.experiments.ablations import key
from cincgan_tutorial.experiments.comparison import admitted, arenas, markdown, summary, usual_budget
from cincgan_tutorial.experiments.contenders import ADMITTED_BY, TRAINED
from cincgan_tutorial.experiments.pace import Pace, pace_of_stages, pace_of_system, steps_of, stretched
from cincgan_tutorial.experiments.paper import TABLE_1, row_of_paper
from cincgan_tutorial.experiments.spending import RIVALS
from cincgan_tutorial.metrics import psnr, ssim
from cincgan_tutorial.perceptual import vif
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.provenance import device_name
from cincgan_tutorial.weights import load_weights

BUDGET = 4.0
ROWS = [
    "bicubic", "fsrcnn", "edsr", "nlm-estimated", "nlm-tuned", "srresnet", "srgan", "edsr-plus", "srgan-plus",
    "on-pairs", "cycle-gan", "dual-gan", "cincgan",
]  # fmt: skip


class PulledPlug(Exception):  # noqa: N818 - no error, an event
    """Stands for whatever ends a program."""


def write_pace(folder, keys=()):
    """A step takes a second, whatever this machine can do: the number of steps is then known."""
    phases = ("clean pairs", "registered pairs", "mse", "game", "pretrain", "first", "joint")
    content = {
        "device": device_name(),
        "yardstick_seconds": 0.5,
        "yardsticks_per_step": {key: dict.fromkeys(phases, 2.0) for key in (*TRAINED, "cincgan", *keys)},
    }
    folder.mkdir(parents=True)
    (folder / "pace.json").write_text(json.dumps(content), encoding="utf-8")


def quickened(patch, tmp_path):
    """No VGG, no BM3D, networks of smoke, a small picture, three noise levels to try."""
    patch.delenv("CINCGAN_VGG19", raising=False)
    patch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    patch.setitem(sys.modules, "bm3d", None)
    patch.setattr(comparison, "example", lambda degradation: (soft_image(12, 12), None))
    patch.setattr(comparison, "EXAMPLE_BOX", Box(0, 0, 32, 32))
    patch.setattr(contenders, "LEVELS", (3.0, 12.0, 40.0))
    patch.setattr(provenance, "commit", lambda: "0" * 40)  # git is asked often, and slow to answer
    patch.setitem(sizes._OF, "lesson", sizes._TINY)


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    quickened(monkeypatch, tmp_path)


@pytest.fixture(scope="session")
def finished(small_lesson, photographs, held_out, tmp_path_factory):
    """The table from one seed, made once from nothing; tests must not change it."""
    folder = tmp_path_factory.mktemp("table")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    write_pace(folder / "runs" / "comparison-lesson")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CINCGAN_STATIC", "1")
        quickened(patch, folder)
        run_table(small_lesson, photographs, held_out, folder / "runs", folder / "results", [0], BUDGET)
    torch.set_num_threads(threads)
    return folder


@pytest.fixture
def copied(finished, tmp_path):
    """The runs of the finished study, for a test to change."""
    shutil.copytree(finished / "runs", tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def data(finished):
    return recorded("lesson-table", finished / "results").data


def timeless(value):
    """A result without the times in it, and without the command, which says where a test is run."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in ("seconds", "date", "command")}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def contents(folder):
    return {path.name: timeless(json.loads(path.read_text(encoding="utf-8"))) for path in folder.glob("*.json")}


def lines(data):
    return {line["key"]: line for line in data["table"]}


def test_the_table_has_the_articles_rows(data):
    assert [line["key"] for line in data["table"]] == ROWS
    assert [line["system"] for line in data["table"]] == [
        "bicubic", "FSRCNN(56,12,4)", "EDSR-1x8", "nlm+EDSR-1x8, estimated", "nlm+EDSR-1x8, tuned",
        "SRResNet-1x8", "SRGAN-1x8, stand-in features", "EDSR-1x8+", "SRGAN-1x8+, stand-in features",
        "G1+EDSR-1x8 on pairs", "CycleGAN-1x8", "DualGAN-3x8", "CinCGAN",
    ]  # fmt: skip
    seeing = [line["key"] for line in data["table"] if line["sees_pairs"]]
    assert seeing == ["edsr-plus", "srgan-plus", "on-pairs"]
    named = {line["key"]: line["paper"] for line in data["table"] if line["paper"]}
    assert named == {
        "bicubic": "bicubic", "fsrcnn": "FSRCNN", "edsr": "EDSR", "edsr-plus": "EDSR+", "cincgan": "CinCGAN",
    }, "with features that stand in, SRGAN+ is not the paper's"  # fmt: skip
    assert row_of_paper("srgan-plus", "SRGAN-8x32+") == "SRGAN+"
    assert row_of_paper("bm3d-tuned", "BM3D+EDSR-8x32, tuned") == "BM3D+EDSR"
    assert {row_of_paper(key, "") for key in ROWS} | {"BM3D+EDSR"} == {"", *(row.system for row in TABLE_1)}
    assert set(data["left_out"]) == {"BM3D+EDSR", "EDSR-32x256"}
    assert comparison._left_out(PRESETS["paper"]) == {"BM3D+EDSR": contenders.missing("bm3d")}
    assert "non-commercial" in data["left_out"]["BM3D+EDSR"]
    assert (data["budget_seconds"], data["photographs"]) == (BUDGET, ["one", "two"])


def test_the_budget_becomes_steps_and_these_are_recorded(finished, data):
    assert lines(data)["edsr"]["steps"] == {"clean pairs": 4}
    assert lines(data)["edsr-plus"]["steps"] == {"clean pairs": 2, "registered pairs": 2}
    run = finished / "runs" / "comparison-lesson" / "4s" / "seed-0" / "edsr-plus"
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    assert config["facts"]["steps"] == {"clean pairs": 2, "registered pairs": 2}
    assert len(lines(data)["edsr"]["seconds"]) == 1
    assert min(lines(data)["edsr"]["seconds"]) > 0
    # 6 + 6 + 4 steps and 4 of warm-up, of which a fifth is left, in whole steps.
    assert lines(data)["cincgan"]["steps"] == {"pretrain": 1, "first": 1, "joint": 1}


def test_every_run_has_a_file_with_its_provenance(finished):
    folder = finished / "results" / "lesson-table"
    names = {path.name for path in folder.iterdir()}
    assert names == {"result.json", "table.md"} | {f"{k}.png" for k in ROWS} | {
        f"{k}-seed{s}.json" for k in ROWS for s in (0,)
    }
    run = json.loads((folder / "srgan-seed0.json").read_text(encoding="utf-8"))
    assert run["provenance"]["seed"] == run["data"]["facts"]["seed"] == 0
    for name in ("command", "commit", "device", "date", "versions", "preset", "source"):
        assert run["provenance"][name]
    assert run["provenance"]["date"] == run["data"]["facts"]["date"]
    assert run_of(recorded("lesson-table", folder.parent), "srgan") == run["data"]


def test_scores_are_those_of_the_trained_system_on_the_same_photographs(finished, data, held_out):
    runs = finished / "runs" / "comparison-lesson" / "4s" / "seed-0"
    upscaler = load_weights(runs / "cincgan").nets.upscaler()
    run = json.loads((finished / "results" / "lesson-table" / "cincgan-seed0.json").read_text(encoding="utf-8"))["data"]
    for photograph in held_out:
        x, z = noisy(photograph, SYNTHETIC_MILD.without_shift())
        with torch.no_grad():
            result = upscaler(x).clamp(0, 1)
        assert run["psnr"][photograph.name] == pytest.approx(psnr(result, z))
        assert run["ssim"][photograph.name] == pytest.approx(ssim(result, z))
        assert run["vif"][photograph.name] == pytest.approx(vif(result, z))
    assert data["runs"]["0"]["cincgan"] == {score: run[score] for score in ("psnr", "ssim", "vif")}
    clean = [noisy(photograph, BICUBIC) for photograph in held_out]
    with torch.no_grad():
        expected = sum(psnr(upscaler(y).clamp(0, 1), z) for y, z in clean) / 2
    assert run["clean_psnr"] == pytest.approx(expected)
    assert run["clean_bicubic"] == pytest.approx(sum(psnr(bicubic_upsample(y).clamp(0, 1), z) for y, z in clean) / 2)


def row(clean, judge="", score=20.0):
    facts = {"sees_pairs": False, "parameters": {"used": 1, "trained": 1}, "source": "s"}
    return {
        "system": "s", "psnr": {"a": score}, "ssim": {"a": 0.5}, "vif": {"a": 0.25}, "clean_psnr": clean,
        "clean_bicubic": 27.0, "admitted_by": judge, "facts": facts,
    }  # fmt: skip


def test_a_system_is_shown_only_if_it_trains_on_clean_input():
    rows = {"edsr": row(27.1, "edsr"), "edsr-plus": row(20.0, "edsr"), "srgan": row(30.0, "srresnet"),
            "srresnet": row(26.9, "srresnet"), "cincgan": row(5.0)}  # fmt: skip
    assert {key: admitted(rows, key) for key in rows} == {
        "edsr": True, "edsr-plus": True, "srgan": False, "srresnet": False, "cincgan": True,
    }  # fmt: skip
    worse = rows | {"edsr": row(27.0, "edsr")}
    assert [line["admitted"] for line in summary([rows, worse])] == [False, False, False, False, True]
    (one,) = summary([{"cincgan": row(5.0)}])
    assert one["psnr_spread"] is None
    assert set(ADMITTED_BY.values()) == {"fsrcnn", "edsr", "srresnet"}


def test_mean_and_spread_are_over_the_seeds():
    """Of 19 and 22 dB: mean 20.5, and as the spread their standard deviation, |19 - 22| / sqrt(2)."""
    of_seed = [{"edsr": row(28.0) | {"psnr": {"a": a, "b": b}}} for a, b in ((18.0, 20.0), (21.0, 23.0))]
    (line,) = summary(of_seed)
    assert line["psnr"] == pytest.approx(20.5)
    assert line["psnr_spread"] == pytest.approx(3 / math.sqrt(2))
    assert line["ssim_spread"] == 0


def test_the_table_can_be_read(finished):
    rows = {"edsr": row(27.1, "edsr"), "fsrcnn": row(26.0, "fsrcnn"), "cincgan": row(5.0, score=21.0)}
    rows["cincgan"]["facts"] |= {"sees_pairs": True, "seconds": {"first": 2.0, "joint": 3.4}}
    other = rows | {"cincgan": rows["cincgan"] | {"psnr": {"a": 23.0}}}
    assert markdown(summary([rows, other])).splitlines() == [
        "| System | Pairs | PSNR (dB) | SSIM | VIF | Weights | Seconds |",
        "|:--|:--|--:|--:|--:|--:|--:|",
        "| s |  | 20.00 ± 0.00 | 0.5000 ± 0.0000 | 0.250 ± 0.000 | 1 | 0 |",
        "| s | x and z | 22.00 ± 1.41 | 0.5000 ± 0.0000 | 0.250 ± 0.000 | 1 | 5 |",
        "",
        "s is not shown. It, or what it begins with, has not learnt enough: 26.00 dB on clean input,"
        " where bicubic has 27.00.",
    ]
    assert "| 20.00 | 0.5000 | 0.250 |" in markdown(summary([rows]))
    text = (finished / "results" / "lesson-table" / "table.md").read_text(encoding="utf-8")
    assert "FSRCNN(56,12,4) is not shown." in text
    assert "| CinCGAN |" in text


def test_a_finished_study_trains_and_scores_nothing(
    finished, copied, small_lesson, photographs, held_out, tmp_path, monkeypatch
):
    monkeypatch.setattr(comparison, "score_all", lambda *_: pytest.fail("was scored again"))
    monkeypatch.setattr(contenders, "score_all", lambda *_: pytest.fail("was tuned again"))
    weights = {path: path.stat().st_mtime_ns for path in copied.rglob("weights.safetensors")}
    assert len(weights) == len(TRAINED) + 1
    run_table(small_lesson, photographs, held_out, copied, tmp_path / "results", [0], BUDGET)
    assert {path: path.stat().st_mtime_ns for path in weights} == weights
    assert contents(tmp_path / "results" / "lesson-table") == contents(finished / "results" / "lesson-table")


def test_other_photographs_are_scored_again_and_none_that_was_trained_or_tuned_on(
    finished, copied, small_lesson, photographs, held_out, tmp_path
):
    where = run_table(small_lesson, photographs, held_out[:1], copied, tmp_path / "results", [0], BUDGET, name="half")
    result = recorded("half", where.parent)
    assert result.data["photographs"] == ["one"]
    before = recorded("lesson-table", finished / "results").data["runs"]["0"]["edsr"]["psnr"]["one"]
    assert result.data["runs"]["0"]["edsr"]["psnr"] == {"one": before}
    for wrong, tune, message in (
        (photographs.x, None, "systems are trained on it"),
        (held_out, held_out[1:], "systems are tuned on it"),
    ):
        with pytest.raises(ValueError, match=message):
            run_table(small_lesson, photographs, wrong, copied, tmp_path / "results", [0], BUDGET, tune)


def pull_at(monkeypatch, module, name, count):
    """Let the call number `count` of a function raise instead."""
    real, left = getattr(module, name), iter(range(count))

    def call(*arguments, **options):
        if next(left, None) is None:
            raise PulledPlug
        return real(*arguments, **options)

    monkeypatch.setattr(module, name, call)


def test_what_was_just_trained_rounds_as_what_is_read(small_lesson, photographs, tmp_path):
    """Training has its own layout in memory, and sums in another order: scores would differ in the last digit."""
    write_pace(tmp_path / "comparison-lesson")
    (arena,) = arenas(small_lesson, photographs, tmp_path, [0], BUDGET)
    fresh, read = arena.trained("srresnet").upscale.__self__, arena.trained("srresnet").upscale.__self__
    layouts = [{name: value.stride() for name, value in one.state_dict().items()} for one in (fresh, read)]
    assert layouts[0] == layouts[1]


@pytest.mark.slow
def test_a_study_that_was_interrupted_again_and_again_records_the_same(
    finished, small_lesson, photographs, held_out, tmp_path, monkeypatch
):
    """Pulled in a training, before a score, before a picture, before a run's file, and in the recording."""
    write_pace(tmp_path / "runs" / "comparison-lesson")
    arguments = (small_lesson, photographs, held_out, tmp_path / "runs", tmp_path / "results", [0], BUDGET)
    steps = contenders.edsr_plus(small_lesson)
    for module, name, count in (
        (type(steps), "step", 3),
        (comparison, "score_all", 3),
        (comparison, "write_png", 2),
        (contenders, "load_system", 5),
        (contenders, "trained_in", 0),
        (comparison, "_write_run", 7),
        (comparison, "record", 0),
    ):
        with monkeypatch.context() as patch:
            pull_at(patch, module, name, count)
            with pytest.raises(PulledPlug):
                run_table(*arguments)
        assert not (tmp_path / "results" / "lesson-table").exists()
    run_table(*arguments)
    assert contents(tmp_path / "results" / "lesson-table") == contents(finished / "results" / "lesson-table")


def test_the_tuned_level_is_the_best_of_those_tried(copied, small_lesson, photographs):
    (arena,) = arenas(small_lesson, photographs, copied, [0], BUDGET)
    network = arena.trained("edsr")
    tuned = next(c for c in arena.denoised(network, photographs.x) if c.key == "nlm-tuned")
    degradation = SYNTHETIC_MILD.without_shift()

    def score(level):
        pairs = [noisy(photograph, degradation) for photograph in photographs.x]
        return sum(psnr(network.upscale(contenders.DENOISERS["nlm"](x, level)), z) for x, z in pairs)

    assert tuned.facts["level"] == max(contenders.LEVELS, key=score)
    # The same photographs: read. Others: found anew.
    path = arena.folder / "nlm-level.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"level": 77.0}), encoding="utf-8")
    assert arena.denoised(network, photographs.x)[1].facts["level"] == 77.0
    assert arena.denoised(network, photographs.yz)[1].facts["level"] != 77.0


def test_bm3d_has_rows_where_it_is_installed(copied, small_lesson, photographs, monkeypatch):
    monkeypatch.setitem(sys.modules, "bm3d", types.SimpleNamespace(bm3d_rgb=lambda pixels, sigma: pixels / 2))
    (arena,) = arenas(small_lesson, photographs, copied, [0], BUDGET)
    network = arena.trained("edsr")
    found = {c.name: c for c in arena.denoised(network, photographs.x)}
    assert list(found)[2:] == ["BM3D+EDSR-1x8, estimated", "BM3D+EDSR-1x8, tuned"]
    x = soft_image(12, 16)
    torch.testing.assert_close(found["BM3D+EDSR-1x8, tuned"].upscale(x), network.upscale(x / 2))
    assert contenders.missing("bm3d") == ""


def test_seconds_become_steps_by_the_shares_of_a_system(small_lesson):
    assert steps_of(edsr_plus(small_lesson), {"clean pairs": 0.5, "registered pairs": 2.0}, 100) == {
        "clean pairs": 100, "registered pairs": 25,
    }  # fmt: skip
    assert steps_of(edsr(small_lesson), {"clean pairs": 50.0}, 1) == {"clean pairs": 1}


def test_cincgans_stages_are_stretched_together():
    pace = {"pretrain": 0.1, "first": 0.2, "joint": 0.5}
    # 100 + 400 + 130 s, and warm-ups of 12 and 15 s.
    lesson = with_settings(
        PRESETS["lesson"],
        {"pretrain.steps": 1000, "first.steps": 2000, "joint.steps": 260, "first.warm_up": 60, "joint.warm_up": 30},
    )
    longer = stretched(lesson, pace, 27 + 2 * 630)
    assert [stage.steps for stage in longer.stages().values()] == [2000, 4000, 520]
    assert [stage.warm_up for stage in longer.stages().values()] == [0, 60, 30]
    shorter = stretched(lesson, pace, 657 / 10)
    assert [stage.steps for stage in shorter.stages().values()] == [100, 200, 26]
    assert [stage.warm_up for stage in shorter.stages().values()] == [0, 6, 3]
    alone = stretched(with_settings(lesson, {"joint.steps": 0}), pace, 12 + 500)
    assert [stage.steps for stage in alone.stages().values()] == [1000, 2000, 0]


def test_a_pace_is_measured_once_and_on_one_device(tmp_path, monkeypatch):
    calls = []

    def measure():
        calls.append(1)
        return {"phase": 0.25}

    def pace(yardstick=lambda: pytest.fail("the yardstick was measured twice")):
        return Pace(tmp_path / "p" / "pace.json", yardstick)

    assert pace(lambda: 0.5).of("edsr", measure) == {"phase": 0.125}
    assert pace().of("edsr", lambda: pytest.fail("measured twice")) == {"phase": 0.125}
    pace().of("srgan", measure)
    assert len(calls) == 2
    monkeypatch.setattr(pace_module, "device_name", lambda: "another")
    with pytest.raises(ValueError, match=r"pace.json: was measured on .*, and this is another"):
        pace().of("edsr", measure)
    for damaged in ("{", '{"device": "here", "seconds_per_step": {}}'):
        (tmp_path / "p" / "pace.json").write_text(damaged, encoding="utf-8")
        with pytest.raises(ValueError, match=r"pace.json: damaged, or of an older version"):
            pace().of("edsr", measure)


@pytest.mark.parametrize("slowness", [lambda call: 1.0, lambda call: 3.0, lambda call: 1 + call / 20])
def test_a_slow_hour_makes_no_step_longer(slowness, monkeypatch):
    """Nor does a machine that slows down while it is measured."""
    clock, calls = [0.0], [0]

    def work(seconds):
        calls[0] += 1
        clock[0] += seconds * slowness(calls[0])

    monkeypatch.setattr(pace_module, "_yardstick", lambda material: lambda: work(0.25))
    monkeypatch.setattr(pace_module, "time", types.SimpleNamespace(monotonic=lambda: clock[0]))
    material = types.SimpleNamespace(device=torch.device("cpu"))
    length = pace_module._yardsticks(lambda step: work(2.0), material)
    assert length == pytest.approx(8, rel=0.01)


def test_a_yardstick_is_a_step_of_stage_one_and_no_chance(smoke, photographs, monkeypatch):
    material, done = Material(smoke, photographs, torch.device("cpu")), []
    real = pace_module.train_step

    def step(state, name, *rest):
        done.append((name, state.step))
        return real(state, name, *rest)

    monkeypatch.setattr(pace_module, "train_step", step)
    before = torch.get_rng_state()
    assert pace_module.seconds_of_yardstick(material) > 0
    assert torch.equal(torch.get_rng_state(), before)
    assert set(done) == {("first", smoke.first.warm_up)}


def test_every_phase_and_stage_is_measured(smoke, photographs, monkeypatch):
    monkeypatch.setattr(pace_module, "_MOST", 2)
    material = Material(smoke, photographs, torch.device("cpu"))
    found = pace_of_system(edsr_plus(smoke), material)
    assert set(found) == {"clean pairs", "registered pairs"}
    assert min(found.values()) > 0
    stages = pace_of_stages(with_settings(smoke, {"joint.steps": 0}), material)
    assert stages["joint"] == 0
    assert min(stages["pretrain"], stages["first"]) > 0


@pytest.mark.parametrize(
    "wrong", [{"budget": 0.0}, {"seeds": []}, {"seeds": [1, 1]}, {"seeds": [1, 1], "budget": None}]
)
def test_a_budget_and_seeds_make_sense(wrong, small_lesson, photographs, held_out, tmp_path):
    options = {"seeds": [0], "budget": 1.0} | wrong
    with pytest.raises(ValueError, match="expected"):
        run_table(small_lesson, photographs, held_out, tmp_path / "runs", tmp_path / "results", **options)
    assert not (tmp_path / "runs").exists()


def test_a_budget_that_is_left_out_is_said(small_lesson, photographs, tmp_path, capsys):
    write_pace(tmp_path / "comparison-lesson")
    (arena,) = arenas(small_lesson, photographs, tmp_path, [0], None)
    assert arena.budget == usual_budget(small_lesson, photographs, tmp_path)
    assert f"the budget of each system is {arena.budget:.0f} s" in capsys.readouterr().err


def test_without_a_table_the_sweeps_measure_nothing(small_lesson, photographs, held_out, tmp_path):
    with pytest.raises(ValueError, match=r"comparison-lesson: not trained. .*study table"):
        run_degradations(small_lesson, photographs, held_out, tmp_path / "runs", tmp_path / "results", [0])
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", PRESETS)
def test_left_out_the_budget_is_what_cincgan_takes_for_its_own_steps(name, photographs, tmp_path):
    preset = PRESETS[name]
    own = {"pretrain": 0.7, "first": 1.1, "joint": 3.3}
    content = {"device": device_name(), "yardstick_seconds": 0.013, "yardsticks_per_step": {"cincgan": own}}
    folder = tmp_path / f"comparison-{name}"
    folder.mkdir()
    (folder / "pace.json").write_text(json.dumps(content), encoding="utf-8")
    budget = usual_budget(preset, photographs, tmp_path)
    assert stretched(preset, {stage: 0.013 * length for stage, length in own.items()}, budget) == preset


@pytest.mark.parametrize("preset", ["smoke", "lesson"])
def test_the_settings_of_every_structure_fit_and_differ(preset):
    variants = {
        label: with_settings(PRESETS[preset], settings)
        for label, settings in (structures.ARTICLE | structures.OURS).items()
    }
    assert len({*variants.values(), PRESETS[preset]}) == len(variants) + 1
    assert len({key(label) for label in variants}) == len(variants)


@pytest.mark.slow
def test_ablations_are_trained_scored_and_recorded(copied, small_lesson, photographs, held_out, tmp_path):
    labels = [*structures.ARTICLE, *structures.OURS]
    (copied / "comparison-lesson" / "pace.json").unlink()
    (copied / "comparison-lesson").rename(tmp_path / "kept")
    write_pace(copied / "comparison-lesson", [key(label) for label in labels])
    shutil.move(tmp_path / "kept" / "4s", copied / "comparison-lesson" / "4s")
    where = run_ablations(small_lesson, photographs, held_out, copied, tmp_path / "results", [0], BUDGET)
    data = recorded(where.name, where.parent).data
    assert [line["system"] for line in data["table"]] == ["bicubic", "CinCGAN", *labels]
    assert data["settings"][key("no D2 and G3")] == {"joint.steps": 0}
    nets = load_weights(copied / "comparison-lesson" / "4s" / "seed-0" / key("LR cycle frozen"))
    for name, value in nets.before_joint.G1.state_dict().items():
        assert torch.equal(nets.nets.G1.state_dict()[name], value), "G1 has moved"
    single = load_weights(copied / "comparison-lesson" / "4s" / "seed-0" / key("one CycleGAN"))
    moved = [not torch.equal(single.nets.G1.state_dict()[n], v) for n, v in single.before_joint.G1.state_dict().items()]
    assert any(moved), "G1 is a part of the one generator"


def test_the_sweeps_grow_in_one_direction_each():
    found = sweeps.sweeps(SYNTHETIC_MILD)
    assert list(found) == ["blur", "correlated noise", "white noise", "shift", "shift, aligned", "jpeg"]
    unshifted = SYNTHETIC_MILD.without_shift()
    for value, one in found["blur"].items():
        assert one == dataclasses.replace(unshifted, blur_sigma=(value, value) if value else None)
    for value, one in found["white noise"].items():
        noise = {"noise_std_8bit": value, "poisson_peak": math.inf}
        assert one == dataclasses.replace(unshifted, correlated=False, **noise)
        assert found["correlated noise"][value] == dataclasses.replace(unshifted, correlated=True, **noise)
    assert [one.max_shift for one in found["shift"].values()] == list(found["shift"])
    assert found["jpeg"] == {
        float(quality): dataclasses.replace(unshifted, jpeg_quality=quality) for quality in (95, 75, 50, 30)
    }
    assert sweeps.sweeps(SYNTHETIC_MIXTURE) == found
    assert sweeps.sweeps(BICUBIC)["shift"][2.0].blur_sigma is not None


def test_systems_fall_as_the_degradation_grows(copied, small_lesson, photographs, held_out, tmp_path, monkeypatch):
    few = {"_BLURS": (0.0, 3.0), "_NOISES": (0.0, 24.0), "_SHIFTS": (0.0, 2.0), "_QUALITIES": (95, 30)}
    for name, values in few.items():
        monkeypatch.setattr(sweeps, name, values)
    arguments = (small_lesson, photographs, held_out, copied, tmp_path / "results", [0], BUDGET)
    data = recorded(run_degradations(*arguments).name, tmp_path / "results").data
    assert list(data["systems"]) == ROWS
    for name, sweep in data["sweeps"].items():
        best, worst = sweep["psnr"]["bicubic"]
        assert set(sweep["psnr"]) == set(ROWS)
        assert sweep["spread"]["bicubic"] == [None, None]
        if name != "shift, aligned":
            assert best > worst, name
    aligned, plain = (data["sweeps"][name]["psnr"]["edsr"][1] for name in ("shift, aligned", "shift"))
    assert aligned > plain
    expected = []
    for photograph in held_out:
        degradation = dataclasses.replace(SYNTHETIC_MILD.without_shift(), blur_sigma=(3.0, 3.0))
        x, z = noisy(photograph, degradation)
        expected.append(psnr(bicubic_upsample(x).clamp(0, 1), z))
    assert data["sweeps"]["blur"]["values"] == [0, 3]
    assert data["sweeps"]["blur"]["psnr"]["bicubic"][1] == pytest.approx(sum(expected) / 2)
    # Scored once: the second time everything is read.
    monkeypatch.setattr(sweeps, "noisy", lambda *_: pytest.fail("was scored again"))
    again = recorded(run_degradations(*arguments).name, tmp_path / "results").data
    assert again == data
    (copied / "comparison-lesson" / "4s" / "seed-0" / "srgan" / "weights.safetensors").unlink()
    with pytest.raises(ValueError, match=r"seed-0/srgan: not trained. .*study table"):
        run_degradations(*arguments)


def test_sweeps_are_averaged_over_the_seeds():
    of_seed = [{"edsr": {"blur": {"0": 30.0, "2": 20.0}}}, {"edsr": {"blur": {"0": 32.0, "2": 20.0}}}]
    found = sweeps._means(of_seed)["blur"]
    assert found["values"] == [0, 2]
    assert found["psnr"] == {"edsr": [31, 20]}
    assert found["spread"]["edsr"] == pytest.approx([math.sqrt(2), 0])


@pytest.mark.slow
def test_the_budget_study_trains_each_point_anew(copied, small_lesson, photographs, held_out, tmp_path):
    where = run_budget(small_lesson, photographs, held_out, copied, tmp_path / "results", [0], BUDGET)
    data = recorded(where.name, where.parent).data
    assert [point["budget_seconds"] for point in data["points"]] == [0.5, 1, 2, 4]
    steps = [lines(point)["edsr"]["steps"]["clean pairs"] for point in data["points"]]
    assert steps == [1, 1, 2, 4]
    for seconds in ("0.5s", "1s", "2s"):
        made = {path.parent.name for path in copied.glob(f"comparison-lesson/{seconds}/seed-0/*/weights.safetensors")}
        assert made == {*RIVALS, "cincgan"}
    assert isinstance(where, Path)
