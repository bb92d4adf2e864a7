"""Training as frames: every checkpoint is scored, the right pictures are kept, and the ends are what was handed on."""

import pytest

from cincgan_tutorial.degradation import SYNTHETIC_MILD, bicubic_upsample
from cincgan_tutorial.experiments import EXAMPLE_BOX, example, frames_of, noisy, recorded, run_frames
from cincgan_tutorial.experiments import frames as module
from cincgan_tutorial.experiments.frames import _kept
from cincgan_tutorial.images import to_pixels
from cincgan_tutorial.inference import super_resolve
from cincgan_tutorial.metrics import psnr
from cincgan_tutorial.unpaired import Photographs, bundled_photograph
from cincgan_tutorial.weights import load_weights


@pytest.fixture(scope="module")
def done(small_lesson, photographs, held_out, tmp_path_factory):
    """The study on smoke networks, done once; its folders."""
    folder = tmp_path_factory.mktemp("frames")
    run_frames(small_lesson, photographs, held_out, folder / "runs", folder / "results")
    return folder


@pytest.fixture(scope="module")
def frames(done):
    return frames_of(recorded("frames", done / "results"))


def test_every_checkpoint_is_a_frame_in_the_order_of_training(frames, small_lesson):
    assert [(frame.stage, frame.step) for frame in frames] == [
        *(("pretrain", step) for step in range(7)),
        *(("first", step) for step in range(1, 7)),
        *(("joint", step) for step in range(1, 5)),
    ]
    assert [frame.at for frame in frames] == list(range(17))
    assert frames[7].label == "stage one, step 1"


def test_pictures_are_kept_of_the_beginning_of_the_ends_and_of_powers_of_two_in_stage_one(frames):
    kept = [(frame.stage, frame.step) for frame in frames if frame.image is not None]
    assert kept == [
        ("pretrain", 0), ("pretrain", 1), ("pretrain", 6),
        ("first", 1), ("first", 2), ("first", 4), ("first", 6),
        ("joint", 1), ("joint", 4),
    ]  # fmt: skip


def test_a_stage_without_steps_has_no_picture():
    rows = [{"stage": "pretrain", "step": 0}, *({"stage": "first", "step": step} for step in (1, 2, 3))]
    assert _kept(rows) == [0, 1, 2, 3]


def test_ends_are_the_networks_that_were_handed_on(done, frames):
    trained = load_weights(done / "runs" / "frames-lesson")
    x, z = example()
    bicubic = psnr(bicubic_upsample(x).clamp(0, 1), z)
    ends = {"first": trained.before_joint, "joint": trained.nets.upscaler()}
    for stage, upscaler in ends.items():
        frame = [frame for frame in frames if frame.stage == stage][-1]
        result = super_resolve(upscaler, x)
        assert frame.gain == pytest.approx(psnr(result, z) - bicubic)
        assert (to_pixels(frame.image) == to_pixels(EXAMPLE_BOX.cut(result)[0])).all()
    # Pre-training ends with SR as stage one has it, behind a G1 that changes nothing.
    frame = frames[6]
    assert frame.gain == pytest.approx(psnr(trained.before_joint.SR(x).detach().clamp(0, 1), z) - bicubic, abs=1e-4)


def test_every_checkpoint_is_another_network(frames):
    assert len({frame.gain for frame in frames}) == len(frames)


def test_the_mean_is_that_of_the_held_out_photographs_without_shift(done, frames, held_out):
    upscaler = load_weights(done / "runs" / "frames-lesson").nets.upscaler()
    gains = []
    for photograph in held_out:
        x, z = noisy(photograph, SYNTHETIC_MILD.without_shift())
        gains.append(psnr(super_resolve(upscaler, x), z) - psnr(bicubic_upsample(x).clamp(0, 1), z))
    assert frames[-1].mean_gain == pytest.approx(sum(gains) / 2)


def test_a_photograph_that_is_shown_may_not_be_trained_on(small_lesson, photographs, held_out, tmp_path):
    seen = Photographs("with the example", x=(*photographs.x, bundled_photograph("astronaut")), yz=photographs.yz)
    with pytest.raises(ValueError, match="astronaut: systems are trained on it"):
        run_frames(small_lesson, seen, held_out, tmp_path / "runs", tmp_path / "results")
    assert not (tmp_path / "runs").exists(), "nothing may be trained for nothing"


def test_the_bar_ends_where_the_moments_end(done, small_lesson, photographs, held_out, tmp_path, monkeypatch):
    totals = []
    real = module.progress_bar
    monkeypatch.setattr(module, "progress_bar", lambda total, *rest: totals.append(total) or real(total, *rest))
    where = run_frames(small_lesson, photographs, held_out, done / "runs", tmp_path)
    assert totals == [len(recorded(where.name, tmp_path).data["checkpoints"])]
