"""With a small budget each stage already moves towards what it is for, and averages end up where they belong."""

import csv
import statistics

import pytest
import torch
from helpers import LETTERS, assert_same_tensors, moved, shake, weights_of
from training_helpers import log_without_time

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.cycle_one import cycle_one
from cincgan_tutorial.degradation import SYNTHETIC_MILD
from cincgan_tutorial.experiments import cleaning
from cincgan_tutorial.images import list_images, read_pixels
from cincgan_tutorial.losses import discriminator_loss
from cincgan_tutorial.presets import PRESETS, Weights, with_settings
from cincgan_tutorial.training import (
    Arithmetic,
    cycle_one_step,
    joint_step,
    judge_step,
    loop,
    make_optimizers,
    pretrain_step,
    train,
)
from cincgan_tutorial.unpaired import Photograph, Photographs, UnpairedPatches
from cincgan_tutorial.weights import load_weights

FP32 = Arithmetic("fp32", torch.device("cpu"))


@pytest.fixture(scope="module")
def patches(bundled):
    return UnpairedPatches(bundled, SYNTHETIC_MILD, patch=16)


def tiny(**settings):
    return with_settings(PRESETS["smoke"], settings)


def mean(losses, name):
    return statistics.fmean(float(line[name]) for line in losses)


def test_pretraining_lowers_the_error_of_sr(patches):
    preset = tiny()
    nets = Networks.from_preset(preset)
    optimizers = make_optimizers(nets, "pretrain", preset.pretrain, preset)
    losses = [pretrain_step(nets, optimizers, *patches.pairs(step, 4), FP32) for step in range(80)]
    assert mean(losses[-10:], "SR") < 0.6 * mean(losses[:10], "SR")


def test_the_warm_up_brings_d1_below_chance(patches):
    preset = tiny(**{"first.lr_D": 5e-4})
    nets = Networks.from_preset(preset)
    optimizers = make_optimizers(nets, "first", preset.first, preset)
    losses = []
    for step in range(80):
        x, y, _ = patches.batch(step, 8)
        losses.append({"D1": judge_step(nets.D1, optimizers["D1"], y, nets.D1(x), FP32, preset.clip)})
    assert mean(losses[-10:], "D1") < 0.45 < mean(losses[:3], "D1")


def totals(step, name, weights, steps=40):
    """The total that the generators minimise, on one batch and against a discriminator that stands still."""
    found = []
    for _ in range(steps):
        losses = step()
        terms = ((weights.gan, "gan"), (weights.cycle, "cycle"), (weights.identity, "identity"), (weights.tv, "tv"))
        found.append(sum(w * float(losses[f"{name} {term}"]) for w, term in terms))
    return found


def test_stage_one_lowers_its_own_total(patches):
    preset = tiny(**{"first.lr": 1e-3, "first.lr_D": 0})
    nets = Networks.from_preset(preset)
    shake(nets, 0.02)  # away from the identity, at which cycle and identity are 0 already
    optimizers = make_optimizers(nets, "first", preset.first, preset)
    x, y, _ = patches.batch(0, 4)
    weights, norms = preset.first.cycle_one, preset.norms
    found = totals(lambda: cycle_one_step(nets, optimizers, x, y, weights, norms, FP32, 1.0), "LR", weights, 80)
    assert found[-1] < 0.8 * found[0]


@pytest.mark.parametrize("stage", ["first", "joint"])
def test_generators_learn_to_please_a_judge_that_stands_still(patches, stage):
    preset = tiny(**{f"{stage}.lr": 1e-3, f"{stage}.lr_D": 0})
    nets = Networks.from_preset(preset)
    optimizers = make_optimizers(nets, stage, preset.stages()[stage], preset)
    x, y, z = patches.batch(0, 4)
    alone = Weights(gan=1, cycle=0, identity=0, tv=0)
    if stage == "first":
        found = totals(lambda: cycle_one_step(nets, optimizers, x, y, alone, preset.norms, FP32, 1.0), "LR", alone)
    else:
        weights = alone, alone
        found = totals(lambda: joint_step(nets, optimizers, x, y, z, weights, preset.norms, FP32, 1.0), "HR", alone)
    assert found[-1] < 0.8 * found[0]


def test_the_joint_stage_lowers_its_own_total(patches):
    preset = tiny(**{"joint.lr": 1e-3, "joint.lr_D": 0})
    nets = Networks.from_preset(preset)
    optimizers = make_optimizers(nets, "joint", preset.joint, preset)
    x, y, z = patches.batch(0, 4)
    one, two = preset.joint.cycle_one, preset.joint.cycle_two
    found = totals(lambda: joint_step(nets, optimizers, x, y, z, (one, two), preset.norms, FP32, 1.0), "HR", two)
    assert found[-1] < 0.8 * found[0]


@pytest.fixture(scope="module")
def history(photographs, tmp_path_factory):
    """A run with a short memory, and the weights of all networks after each of its steps."""
    preset = tiny(ema=0.5)
    weights = {"pretrain": [], "first": [], "joint": []}
    real = loop.train_step

    def recording(state, name, *arguments):
        if not weights[name]:
            weights[name].append(weights_of(state.nets))
        losses = real(state, name, *arguments)
        weights[name].append(weights_of(state.nets))
        return losses

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "train_step", recording)
        run = train(preset, photographs, tmp_path_factory.mktemp("runs") / "history")
    return preset, weights, load_weights(run.folder)


def test_each_stage_moves_its_own_networks_and_no_others(history):
    preset, weights, _ = history
    nets = Networks.from_preset(preset)

    def moved_between(stage, first, last):
        for letter in LETTERS:
            getattr(nets, letter).load_state_dict(weights[stage][last][letter])
        return moved(weights[stage][first], nets)

    assert moved_between("pretrain", 0, -1) == {"SR"}
    assert moved_between("first", 0, preset.first.warm_up) == {"D1"}
    assert moved_between("first", preset.first.warm_up, -1) == {"G1", "G2", "D1"}
    assert moved_between("joint", 0, preset.joint.warm_up) == {"D2", "G3"}
    assert moved_between("joint", preset.joint.warm_up, -1) == set(LETTERS)


def test_a_plain_backward_after_g1_has_moved_gives_g1_a_gradient_and_nobody_complains(patches, smoke):
    nets = Networks.from_preset(smoke)
    optimizers = make_optimizers(nets, "first", smoke.first, smoke)
    x, y, _ = patches.batch(step=0, size=2)
    terms, _, scores = cycle_one(nets, x, y, smoke.norms)
    FP32.minimise(terms.total(smoke.first.cycle_one), optimizers["cycle_one"], keep_graph=True)
    nets.G1.zero_grad()
    discriminator_loss(nets.D1(y), scores).backward()
    assert all(parameter.grad is not None for parameter in nets.G1.parameters())


def average_by_hand(steps, letter, decay_at_last, grown):
    average = steps[0][letter]
    for count, weights in enumerate(steps[1:], start=1):
        decay = decay_at_last if grown else min(decay_at_last, (1 + count) / (10 + count))
        average = {name: decay * average[name] + (1 - decay) * value for name, value in weights[letter].items()}
    return average


@pytest.mark.parametrize(("stage", "letter"), [("pretrain", "SR"), ("first", "G1"), ("joint", "G1"), ("joint", "SR")])
def test_the_average_takes_the_place_of_the_last_step(history, stage, letter):
    preset, weights, trained = history
    # The average of the joint stage begins with what enters it, the others with their first step.
    steps = weights[stage] if stage == "joint" else weights[stage][1:]
    expected = average_by_hand(steps, letter, preset.ema, grown=stage == "joint")
    following = {"pretrain": "first", "first": "joint"}.get(stage)
    handed_over = weights[following][0][letter] if following else getattr(trained.nets, letter).state_dict()
    for name, value in expected.items():
        torch.testing.assert_close(handed_over[name], value, atol=1e-6, rtol=1e-5)
    last = weights[stage][-1][letter]
    assert any((handed_over[name] - last[name]).abs().max() > 1e-6 for name in last)


def test_networks_that_are_not_averaged_are_handed_over_as_they_are(history):
    _, weights, trained = history
    for letter in ("G2", "D1", "D2", "G3"):
        for stage, following in (("pretrain", "first"), ("first", "joint")):
            for name, value in weights[stage][-1][letter].items():
                assert torch.equal(value, weights[following][0][letter][name])
        for name, value in weights["joint"][-1][letter].items():
            assert torch.equal(value, getattr(trained.nets, letter).state_dict()[name])


def test_before_joint_is_a_copy_of_what_the_joint_stage_started_with(history):
    _, weights, trained = history
    for letter in ("G1", "SR"):
        for name, value in getattr(trained.before_joint, letter).state_dict().items():
            assert torch.equal(value, weights["joint"][0][letter][name])


def test_without_an_average_the_last_step_is_published(photographs, tmp_path):
    run = train(tiny(ema=0), photographs, tmp_path / "run")
    state = torch.load(run.checkpoint_path, weights_only=True)
    assert state["average"] is None
    assert load_weights(run.folder).nets.state_dict().keys() == state["nets"].keys()


@pytest.mark.parametrize("ema", [0, 0.9])
def test_a_local_mean_that_is_kept_in_use_changes_nothing_in_training(photographs, tmp_path, ema):
    """Not one weight, not one line of the log, and not which step the validation picks."""
    settings = {"ema": ema, "validate_every": 2}
    kept = settings | {"generator.local_mean": 9}
    held = kept | {"generator.held_in_training": True}
    runs = {
        name: train(tiny(**chosen), photographs, tmp_path / name)
        for name, chosen in (("free", settings), ("kept", kept), ("held", held))
    }
    logs = {name: log_without_time(run) for name, run in runs.items()}
    weights = {name: load_weights(run.folder) for name, run in runs.items()}
    assert logs["kept"] == logs["free"] != logs["held"]
    assert any("mismatch" in line for line in logs["free"])
    for part in ("nets", "before_joint"):
        assert_same_tensors(getattr(weights["kept"], part).state_dict(), getattr(weights["free"], part).state_dict())
    assert [weights[name].before_joint.G1.local_mean for name in runs] == [0, 9, 9]


def test_weights_with_free_colours_begin_a_run_that_keeps_them(photographs, tmp_path):
    free = train(tiny(), photographs, tmp_path / "free")
    begun = tiny(**{"start": str(free.folder), "generator.local_mean": 9, "pretrain.steps": 0, "first.steps": 0})
    assert train(begun, photographs, tmp_path / "kept").finished
    with pytest.raises(ValueError, match="its networks have another generator"):
        train(tiny(**{"start": str(free.folder), "generator.width": 12}), photographs, tmp_path / "other")


def test_a_stage_of_no_steps_is_skipped(photographs, tmp_path):
    preset = tiny(**{"pretrain.steps": 0, "joint.steps": 0})
    run = train(preset, photographs, tmp_path / "run")
    assert {line["stage"] for line in run.log} == {"first"}
    fresh, trained = Networks.from_preset(preset), load_weights(run.folder)
    for name, value in fresh.SR.state_dict().items():
        torch.testing.assert_close(trained.nets.SR.state_dict()[name], value, atol=1e-6, rtol=0)


@pytest.mark.slow
@pytest.mark.data
def test_stage_one_cleans_photographs_that_it_never_saw(data, tmp_path):
    """Thirty photographs a half and 300 steps bring G1(x) nearer to the clean reduction, by 0.9 dB at first."""
    with (data / "train" / "split.csv").open(newline="", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table) if row["source"] == "cid22"]

    def photographs(paths):
        return tuple(Photograph(path.stem, read_pixels(path)) for path in paths)

    x, yz = (photographs([data / "train" / r["file"] for r in rows if r["half"] == half][:30]) for half in "AB")
    unseen = photographs(list_images(data / "val")[:6])
    preset = with_settings(
        PRESETS["lesson"], {"pretrain.steps": 1, "first.steps": 300, "joint.steps": 0, "precision": "fp32"}
    )
    trained = load_weights(train(preset, Photographs("cid22", x, yz), tmp_path / "run").folder)
    scores = cleaning(trained, unseen)
    assert scores["G1(x)"] > scores["x"] + 0.3
