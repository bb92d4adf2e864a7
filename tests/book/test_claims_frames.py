"""What chapter 6 says of the pictures of a training holds for the recorded run."""

import itertools

import pytest
import torch

from cincgan_tutorial.experiments import EXAMPLE_BOX, FRAMES, example, frames_of, recorded
from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.unpaired import bundled_photographs


@pytest.fixture(scope="module")
def film():
    return recorded(FRAMES)


@pytest.fixture(scope="module")
def gains(film):
    """The gain over bicubic of every checkpoint, by stage."""
    frames = frames_of(film)
    return {stage: [f.gain for f in frames if f.stage == stage] for stage in ("pretrain", "first", "joint")}


def test_it_is_a_clean_run_of_lesson_on_open_photographs_and_shows_one_held_out(film):
    assert len(film.provenance["commit"]) == 40  # not "-dirty"
    assert (film.provenance["preset"], film.provenance["source"]) == ("lesson", "cid22")
    assert film.data["shown"] in [photograph.name for photograph in bundled_photographs().held_out]
    assert film.data["shown"] not in film.data["held_out"]


def test_it_is_light(film):
    assert sum(path.stat().st_size for path in film.folder.iterdir()) < 400_000


def test_before_the_first_step_there_is_no_picture(gains):
    assert gains["pretrain"][0] < -5


def test_pre_training_gives_a_picture_at_once_and_then_the_gain_on_x_falls_again(gains):
    first, *_, last = gains["pretrain"][1:]
    assert first > 0
    assert 0 < last < max(gains["pretrain"]) - 0.05


def test_blotches_get_stronger_in_pre_training_and_weaker_in_stage_one(film):
    """Differences of colour that the truth does not have, as spread over areas of 4 x 4 pixels."""
    pictures = {(f.stage, f.step): f.image for f in frames_of(film) if f.image is not None}
    truth = EXAMPLE_BOX.cut(example()[1])[0]

    def blotches(stage, step):
        wrong = torch.nn.functional.avg_pool2d(pictures[stage, step] - truth, 4)
        return (wrong[0] - wrong[1]).std() + (wrong[2] - wrong[1]).std()

    last = film.data["steps"]
    _, early, *_ = sorted(step for stage, step in pictures if stage == "pretrain")
    assert blotches("pretrain", last["pretrain"]) > 1.1 * blotches("pretrain", early)
    assert blotches("first", last["first"]) < 0.8 * blotches("pretrain", last["pretrain"])


def test_its_stages_are_as_long_as_those_of_lesson(film):
    assert film.data["steps"] == {name: stage.steps for name, stage in PRESETS["lesson"].stages().items()}


def test_stage_one_gains_most_in_its_first_half_and_falls_back_at_times(gains):
    begin, values = gains["pretrain"][-1], gains["first"]
    half = values[len(values) // 2 - 1]
    assert half - begin > 0.8 * (values[-1] - begin)
    assert any(after < before for before, after in itertools.pairwise(values))


def test_the_joint_stage_changes_next_to_nothing(gains):
    assert abs(gains["joint"][-1] - gains["first"][-1]) < 0.05


def test_pictures_are_the_crop_of_the_running_example(film):
    assert {tuple(f.image.shape) for f in frames_of(film) if f.image is not None} == {(3, 128, 128)}
