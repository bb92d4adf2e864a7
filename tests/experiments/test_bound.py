"""The bound: the same networks, trained on pairs."""

import dataclasses

import pytest
import torch

from cincgan_tutorial.baselines import Material
from cincgan_tutorial.degradation import DEGRADATIONS, bicubic_downsample
from cincgan_tutorial.experiments import BOUND, bound, evaluate, recorded, rows_of
from cincgan_tutorial.experiments.bound import RegisteredPairs, train_on_pairs
from cincgan_tutorial.metrics import psnr
from cincgan_tutorial.presets import with_settings


@pytest.fixture
def clean(small_lesson):
    """With nothing but bicubic reduction, x is the reduction of z wherever a patch is cut."""
    return dataclasses.replace(small_lesson, degradation="bicubic")


def test_x_and_z_show_the_same_place(clean, photographs):
    x, z = RegisteredPairs(photographs.x + photographs.yz, clean).batch(3, 8)
    assert x.shape == (8, 3, clean.patch, clean.patch)
    assert z.shape == (8, 3, 4 * clean.patch, 4 * clean.patch)
    # The cubic kernel reaches 8 HR pixels over the border of a patch: only the inside has to agree.
    inside = (..., slice(3, -3), slice(3, -3))
    torch.testing.assert_close(bicubic_downsample(z)[inside].clamp(0, 1), x[inside], atol=1.01 / 255, rtol=0)


def test_both_halves_serve(clean, photographs):
    pairs = RegisteredPairs(photographs.x + photographs.yz, clean)
    assert len(pairs.X) == len(photographs.x) + len(photographs.yz)


def test_it_learns_from_the_pairs_and_is_not_trained_twice(small_lesson, photographs, tmp_path):
    preset = with_settings(small_lesson, {"pretrain.steps": 60, "first.steps": 30, "joint.steps": 30})
    path = tmp_path / "runs" / "weights.safetensors"
    trained = train_on_pairs(preset, photographs, path)
    before = with_settings(preset, {"pretrain.steps": 1, "first.steps": 1, "joint.steps": 1})
    untrained = train_on_pairs(before, photographs, tmp_path / "untrained" / "weights.safetensors")
    x, z = RegisteredPairs(photographs.x + photographs.yz, preset).batch(1000, 16)
    with torch.no_grad():
        scores = [
            sum(psnr(nets.nets.upscaler()(a[None]).clamp(0, 1), b[None]) for a, b in zip(x, z, strict=True))
            for nets in (untrained, trained)
        ]
    assert scores[1] > scores[0] + 16  # a decibel a patch
    written = path.stat().st_mtime_ns
    train_on_pairs(preset, photographs, path)
    assert path.stat().st_mtime_ns == written
    with pytest.raises(ValueError, match="other settings or other photographs"):
        train_on_pairs(before, photographs, path)


def test_it_is_scored_beside_bicubic_and_recorded(small_lesson, photographs, held_out, tmp_path):
    for name in (None, "mine"):
        bound(small_lesson, photographs, held_out, tmp_path / "runs", tmp_path / "results", name)
    result = recorded("lesson-bound", tmp_path / "results")
    assert recorded("mine", tmp_path / "results").data == result.data
    stages = small_lesson.stages().values()
    assert result.data["training"]["steps"] == sum(stage.steps for stage in stages) > 0
    rows = rows_of(result)
    assert [row.system for row in rows] == ["bicubic", BOUND]
    trained = train_on_pairs(small_lesson, photographs, tmp_path / "runs" / "bound-lesson" / "weights.safetensors")
    degradation = DEGRADATIONS["synthetic_mild"].without_shift()
    assert rows[1].psnr == {
        name: pytest.approx(value) for name, value in evaluate(trained, held_out, degradation)[-1].psnr.items()
    }


def test_lr_photographs_as_they_came_are_refused_before_anything_is_trained(
    small_lesson, photographs, held_out, tmp_path
):
    """They would be degraded a second time, and called the truth."""
    given = dataclasses.replace(photographs, x_is_lr=True)
    for work in (
        lambda: bound(small_lesson, given, held_out, tmp_path, tmp_path),
        lambda: train_on_pairs(small_lesson, given, tmp_path / "runs" / "weights.safetensors"),
        lambda: Material(small_lesson, given, torch.device("cpu")).registered,
    ):
        with pytest.raises(ValueError, match="LR photographs as they came"):
            work()
    assert list(tmp_path.iterdir()) == []


def test_a_photograph_of_the_training_is_not_scored(small_lesson, photographs, tmp_path):
    with pytest.raises(ValueError, match="trained on it"):
        bound(small_lesson, photographs, photographs.x, tmp_path / "runs", tmp_path / "results")
