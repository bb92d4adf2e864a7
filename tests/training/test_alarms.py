"""Every alarm rings where it should, stays silent in healthy runs, and leads to an entry of the FAQ."""

import json
import math
import re

import numpy as np
import pytest
import torch
from helpers import ROOT, picture, random_images, soft_image
from training_helpers import PulledPlug, log_without_time, pull_the_plug_at

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.experiments import RESULTS, recorded
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import Arithmetic, Run, alarms, loop, resume, train
from cincgan_tutorial.training.alarms import ENTRIES, Alarms, appearance, colour_drift, contrast_kept
from cincgan_tutorial.training.state import changing
from cincgan_tutorial.unpaired import Photograph, Photographs

ONLY_ONE = {"pretrain.steps": 0, "joint.steps": 0, "log_every": 1}
WITH_LOG = sorted(path.parent.name for path in RESULTS.glob("*/log.jsonl"))


def tiny(**settings):
    return with_settings(PRESETS["smoke"], settings)


def rung(run):
    return {(line["alarm"], line["of"]) for line in run.log if "alarm" in line}


def run_with(settings, photographs, folder):
    return train(tiny(**(ONLY_ONE | settings)), photographs, folder / "run")


@pytest.fixture(scope="module")
def dark_and_bright():
    """X is dark and Y bright, so that a judge has an easy life."""

    def photograph(number, level):
        pixels = np.clip(picture(72, 84, number) * 0.5 + level, 0, 255).astype(np.uint8)
        return Photograph(f"p{number}", pixels)

    return Photographs("two kinds", (photograph(0, 0), photograph(1, 0)), (photograph(2, 120), photograph(3, 120)))


@pytest.mark.parametrize("name", WITH_LOG)
def test_recorded_healthy_runs_ring_nothing_but_at_chance_where_they_did(name):
    """G1 cleans so well that D1 can hardly tell: of the alarms, only this one rings in good runs too."""
    log = recorded(name).log
    for stage in ("first", "joint"):
        watch = Alarms(stage)
        lines = [line for line in log if line["stage"] == stage and "alarm" not in line]
        assert len(lines) >= alarms._LINES_D
        said = [(line["step"], line["alarm"], line["of"]) for line in log if "alarm" in line and line["stage"] == stage]
        assert [(line["step"], a.kind, a.of) for line in lines for a in watch.look(line)] == said
        assert {kind for _, kind, _ in said} <= {"at chance"}


def test_most_recorded_healthy_runs_ring_nothing():
    silent = [name for name in WITH_LOG if not any("alarm" in line for line in recorded(name).log)]
    assert len(silent) > len(WITH_LOG) / 2


def test_a_smoke_run_rings_nothing_and_logs_how_its_output_looks(finished_run):
    assert rung(finished_run) == set()
    last = finished_run.log[-1]
    assert last["LR contrast"] == pytest.approx(1, abs=0.05)  # G1 began as the identity, a moment ago
    assert 0 <= last["LR drift"] < 4  # the alarm rings at 8
    assert {"HR drift", "HR contrast"} <= set(last)


@pytest.mark.parametrize(("identity", "expected"), [(0, {("colour drift", "G1(x)")}), (5, set())])
def test_without_identity_the_colours_drift(photographs, tmp_path, identity, expected):
    settings = {"first.steps": 40, "first.lr": 5e-3, "first.cycle_one.cycle": 0, "first.cycle_one.identity": identity}
    assert {alarm for alarm in rung(run_with(settings, photographs, tmp_path)) if alarm[1] != "D1"} == expected


def test_a_judge_that_does_not_learn_is_at_chance(photographs, tmp_path, capsys):
    run = run_with({"first.steps": 20, "first.lr_D": 0}, photographs, tmp_path)
    assert rung(run) == {("at chance", "D1")}
    assert [line["step"] for line in run.log if "alarm" in line] == [alarms._LINES_D]  # once, though it stays there
    said = capsys.readouterr().err
    assert said.count("warning: first, step 10: D1 is at chance") == 1
    assert "book/faq.md#alarm-at-chance" in said


def test_a_judge_without_an_opponent_is_saturated(dark_and_bright, tmp_path):
    settings = {
        "first.steps": 40,
        "first.lr": 0,
        "first.lr_D": 5e-3,
        "first.lr_floor": 0.1,
        "discriminator.high_pass": False,
    }
    assert ("saturated", "D1") in rung(run_with(settings, dark_and_bright, tmp_path))


def test_a_generator_that_paints_one_colour_is_flat(photographs, tmp_path, monkeypatch):
    monkeypatch.setattr("cincgan_tutorial.architectures.generators.Generator.forward", lambda self, x: grey(self, x))
    assert rung(run_with({"first.steps": 6}, photographs, tmp_path)) == {("flat output", "G1(x)")}


def grey(generator, images):
    """The mean of each image, and nothing of it but its size; joined to the weights, so that there is a gradient."""
    return images.mean((2, 3), keepdim=True).expand_as(images) + 0 * generator.tail[-1].bias.sum()


def test_switched_off_they_neither_ring_nor_look(photographs, tmp_path, capsys):
    run = run_with({"first.steps": 20, "first.lr_D": 0, "alarms": False}, photographs, tmp_path)
    assert rung(run) == set()
    assert not any("drift" in name for line in run.log for name in line)
    assert "warning" not in capsys.readouterr().err


def test_looking_does_not_change_the_run(photographs, tmp_path):
    runs = [train(tiny(alarms=on), photographs, tmp_path / str(on)) for on in (True, False)]
    states = [torch.load(run.checkpoint_path, weights_only=True)["nets"] for run in runs]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


@pytest.mark.parametrize("step", [5, 14, 19])
def test_a_resumed_run_rings_when_the_undisturbed_one_did(photographs, tmp_path, monkeypatch, step):
    preset = tiny(**(ONLY_ONE | {"first.steps": 20, "first.lr_D": 0}))
    reference = train(preset, photographs, tmp_path / "reference")
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, step)
        with pytest.raises(PulledPlug):
            train(preset, photographs, tmp_path / "run")
    assert log_without_time(resume(tmp_path / "run")) == log_without_time(reference)


def break_at(monkeypatch, step, term):
    """Let one loss of one step be NaN, as the first sign of a run that comes apart, and all later ones too."""
    real, count = loop.train_step, iter(range(1, 10**6))

    def broken(*arguments):
        losses, now = real(*arguments), next(count)
        return {name: value * math.nan if now > step or (now == step and name == term) else value
                for name, value in losses.items()}  # fmt: skip

    monkeypatch.setattr(loop, "train_step", broken)


@pytest.mark.parametrize("term", ["LR identity", "D1"])
def test_the_first_term_and_its_step_are_named_though_the_log_is_written_later(
    photographs, tmp_path, monkeypatch, term
):
    break_at(monkeypatch, 7, term)
    preset = tiny(**(ONLY_ONE | {"first.steps": 20, "log_every": 10, "save_every": 5}))
    with pytest.raises(ValueError, match=rf"first, step 7: the loss '{term}' is not finite.*faq\.md#alarm-not-finite"):
        train(preset, photographs, tmp_path / "run")
    assert torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["step"] == 5


def finite(state):
    if isinstance(state, torch.Tensor):
        return bool(state.isfinite().all())
    members = state.values() if isinstance(state, dict) else state if isinstance(state, (list, tuple)) else ()
    return all(map(finite, members))


@pytest.mark.parametrize("log_every", [1, 1000])
def test_a_huge_learning_rate_ends_the_run_and_leaves_the_last_good_checkpoint(
    photographs, tmp_path, monkeypatch, log_every
):
    preset = tiny(**(ONLY_ONE | {"first.steps": 20, "log_every": log_every, "save_every": 2}))
    real = loop.train_step

    def step(state, name, stage, *rest):
        if state.step == 9:
            state.optimizers["cycle_one"].step = lambda: spoil(state.nets.G1)
        return real(state, name, stage, *rest)

    def spoil(network):
        with torch.no_grad():
            network.tail[-1].weight.add_(math.inf)

    monkeypatch.setattr(loop, "train_step", step)
    with pytest.raises(ValueError, match=r"not finite any more.*last checkpoint stands"):
        train(preset, photographs, tmp_path / "run")
    kept = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert kept["step"] == 8
    assert finite(kept)
    assert not Run.open(tmp_path / "run").finished
    assert "NaN" not in (tmp_path / "run" / "log.jsonl").read_text()


def test_a_really_huge_learning_rate_is_noticed(photographs, tmp_path):
    with pytest.raises(ValueError, match=r"first, step .*not finite"):
        run_with({"first.steps": 20, "first.lr": 1e30}, photographs, tmp_path)


@pytest.mark.parametrize("part", ["nets", "average", "optimizer"])
def test_no_part_of_a_checkpoint_may_be_broken(smoke, part):
    nets = Networks.from_preset(smoke)
    state = loop.State("first", 0, nets, Arithmetic("fp32", torch.device("cpu")))
    loop.enter(state, "first", smoke)
    watch = Alarms("first")
    watch.check(changing(state))
    with torch.no_grad():
        if part == "nets":
            nets.D1.layers[0].bias[0] = math.nan
        elif part == "average":
            next(state.average.module.parameters())[0] = math.inf
        else:
            p = next(nets.G1.parameters())
            state.optimizers["cycle_one"].state[p] = {"exp_avg_sq": torch.full_like(p, math.inf)}
    named = {"nets": "the weights of D1", "average": "the average", "optimizer": "the optimizer of cycle_one"}[part]
    with pytest.raises(ValueError, match=f"first: a number in {named} is not finite"):
        watch.check(changing(state))


def test_drift_is_the_worst_channel_in_levels():
    images = random_images(2, 8, 8)
    moved = images.clone()
    moved[0, 1] += 10 / 255
    moved[0, 2] -= 4 / 255
    assert float(colour_drift(moved, images)) == pytest.approx(10 / 2, abs=1e-3)


def test_contrast_is_that_within_the_images():
    image = soft_image(16, 16)
    assert float(contrast_kept(image, image)) == pytest.approx(1)
    assert float(contrast_kept(0.5 * image + 0.3, image)) == pytest.approx(0.5, abs=1e-3)
    two_colours = torch.cat([torch.zeros(1, 3, 16, 16), torch.ones(1, 3, 16, 16)])
    assert float(contrast_kept(two_colours, image.expand(2, -1, -1, -1))) < 0.1
    assert float(contrast_kept(two_colours, two_colours)) == 1  # a flat input may stay flat


def test_enlarged_pictures_are_compared_with_bicubic(nets):
    x = random_images(2, 16, 16)
    fp32 = Arithmetic("fp32", torch.device("cpu"))
    seen = appearance(nets.upscaler(), x, 4, enlarged=True, arithmetic=fp32)
    assert set(seen) == {"LR drift", "LR contrast", "HR drift", "HR contrast"}
    assert float(seen["LR drift"]) == pytest.approx(0, abs=1e-3)
    assert set(appearance(nets.upscaler(), x, 4, enlarged=False, arithmetic=fp32)) == {"LR drift", "LR contrast"}


def test_what_the_log_keeps_is_json():
    alarm = alarms.Alarm("flat output", "G1(x)", math.inf, "Said.")
    line = alarm.line("first", 3)
    assert json.loads(json.dumps(line, allow_nan=False)) == line
    assert str(alarm) == "Said. See the FAQ, book/faq.md#alarm-flat-output"


@pytest.mark.parametrize("kind", ENTRIES)
def test_every_alarm_has_its_entry_in_the_faq(kind):
    faq = (ROOT / "book" / "faq.md").read_text(encoding="utf-8")
    entry = re.search(rf"^\({ENTRIES[kind]}\)=\n+### .+\n(?P<text>(?:(?!^#|^\().*\n)*)", faq, re.MULTILINE)
    assert entry is not None, f"{ENTRIES[kind]}: no such label before a heading"
    for part in ("**You see**", "**Why**", "**What to do**"):
        assert part in entry["text"]
