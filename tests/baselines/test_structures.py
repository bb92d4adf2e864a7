"""Other structures of CinCGAN: what each setting keeps still."""

import shutil

import pytest
import torch
from helpers import assert_same_tensors

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.baselines.structures import ARTICLE, OURS
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import make_optimizers, resume, train
from cincgan_tutorial.weights import load_weights


def moved_by(optimizer, nets):
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    return {name for name, net in nets.named_children() if any(id(p) in held for p in net.parameters())}


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("one CycleGAN", {"cycle_two": {"G1", "SR", "G3"}, "D2": {"D2"}}),
        ("LR cycle frozen", {"cycle_two": {"SR", "G3"}, "D2": {"D2"}}),
        ("no TV", {"both_cycles": {"G1", "G2", "SR", "G3"}, "D1": {"D1"}, "D2": {"D2"}}),
    ],
)
def test_a_structure_moves_the_networks_that_it_names(label, expected, smoke):
    preset = with_settings(smoke, (ARTICLE | OURS)[label])
    nets = Networks.from_preset(preset)
    optimizers = make_optimizers(nets, "joint", preset.joint, preset)
    assert {name: moved_by(optimizer, nets) for name, optimizer in optimizers.items()} == expected


def test_a_frozen_lr_cycle_stays_as_stage_one_left_it(smoke, photographs, tmp_path):
    base = train(with_settings(smoke, {"joint.steps": 0}), photographs, tmp_path / "base", command="test")
    run = train(with_settings(smoke, ARTICLE["LR cycle frozen"]), photographs, tmp_path / "frozen", command="test")
    before, after = load_weights(base.folder).nets, load_weights(run.folder).nets
    for name in ("G1", "G2", "D1"):
        assert_same_tensors(getattr(after, name).state_dict(), getattr(before, name).state_dict())
    for name in ("SR", "G3", "D2"):
        pairs = zip(getattr(after, name).parameters(), getattr(before, name).parameters(), strict=True)
        assert any(not torch.equal(a, b) for a, b in pairs), name
    assert {"HR gan", "D2"} <= set(run.log[-1]) and "D1" not in run.log[-1]  # noqa: PT018 - one line of the log


def test_without_a_term_its_weight_is_zero_wherever_a_cycle_has_it():
    lesson = PRESETS["lesson"]
    for label, term in (("no TV", "tv"), ("no cycle", "cycle"), ("no adversary", "gan")):
        preset = with_settings(lesson, OURS[label])
        weights = (preset.first.cycle_one, preset.joint.cycle_one, preset.joint.cycle_two)
        assert [getattr(w, term) for w in weights] == [0, 0, 0]
    preset = with_settings(lesson, OURS["no identity"])
    assert preset.first.cycle_one.identity == preset.joint.cycle_one.identity == 0
    assert preset.joint.cycle_two.identity == lesson.joint.cycle_two.identity, "supervision is no identity"


def test_the_joint_stage_needs_cycle_two_and_the_first_cycle_one(smoke):
    for setting in ("joint.cycle_two", "first.cycle_one"):
        with pytest.raises(ValueError, match="first needs cycle_one, and joint needs cycle_two"):
            with_settings(smoke, {setting: None})


def test_a_checkpoint_of_an_older_version_counts_what_it_did_not_know_as_the_default(
    smoke, photographs, finished_run, tmp_path
):
    shutil.copytree(finished_run.folder, tmp_path / "run")
    (tmp_path / "run" / "weights.safetensors").unlink()
    path = tmp_path / "run" / "checkpoint.pt"
    saved = torch.load(path, weights_only=True)
    del saved["preset"]["discriminator"]["D1_sees"]
    for stage in ("pretrain", "first", "joint"):
        del saved["preset"][stage]["hold_G1"]
    torch.save(saved, path)
    run = resume(tmp_path / "run", photographs)
    ours, theirs = load_weights(run.folder).nets, load_weights(finished_run.folder).nets
    assert_same_tensors(ours.state_dict(), theirs.state_dict())
    (tmp_path / "run" / "weights.safetensors").unlink()
    saved["preset"]["joint"]["hold_G1"] = True
    torch.save(saved, path)
    with pytest.raises(ValueError, match=r"joint.hold_G1 is True there and False here"):
        resume(tmp_path / "run", photographs)
