"""Settings: the paper's numbers, JSON, dotted names, and errors that help."""

import pytest

from cincgan_tutorial.degradation import DEGRADATIONS
from cincgan_tutorial.presets import (
    PRESETS,
    DiscriminatorSize,
    EDSRSize,
    GeneratorSize,
    Norms,
    Preset,
    Weights,
    check,
    current_preset,
    preset_named,
    with_settings,
)

SMOKE = PRESETS["smoke"]


def test_the_presets_are_there_under_their_own_names():
    assert list(PRESETS) == ["smoke", "lesson", "mild", "general", "colab", "paper"]
    assert all(preset.name == name for name, preset in PRESETS.items())


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_preset_passes_its_own_check_and_names_a_known_degradation(preset):
    assert check(preset) is preset
    assert preset.degradation in DEGRADATIONS
    assert list(preset.stages()) == ["pretrain", "first", "joint"]
    assert preset.pretrain.cycle_one is preset.pretrain.cycle_two is preset.first.cycle_two is None


def test_the_paper_preset_has_the_papers_schedule():
    first, joint = PRESETS["paper"].first, PRESETS["paper"].joint
    assert (first.steps, first.lr, first.lr_D, first.halve_every, first.batch) == (400_000, 2e-4, 2e-4, 40_000, 16)
    assert (joint.steps, joint.lr, joint.lr_D, joint.halve_every, joint.batch) == (400_000, 1e-4, 1e-4, 40_000, 16)
    assert first.cycle_one == Weights(gan=1, cycle=10, identity=5, tv=0.5)
    assert joint.cycle_one == Weights(gan=1, cycle=10, identity=1, tv=0.5)
    assert joint.cycle_two == Weights(gan=1, cycle=10, identity=5, tv=2)
    assert first.warm_up == joint.warm_up == 0


def test_the_paper_preset_departs_in_nothing():
    paper = PRESETS["paper"]
    assert (paper.scale, paper.patch, paper.beta1, paper.ema, paper.clip) == (4, 32, 0.5, 0, 0)
    assert paper.generator == GeneratorSize(width=64, blocks=6, residual=False)
    assert paper.discriminator == DiscriminatorSize(width=64, widest=512, batch_norm=True, high_pass=False)
    assert paper.sr == EDSRSize(features=256, blocks=32, residual_scale=0.1)
    assert paper.norms == Norms(cycle=2, identity=1, tv=2, supervised=2)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_json_round_trip(preset):
    assert Preset.from_json(preset.to_json()) == preset


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("first.steps", "10", 10),
        ("first.steps", "1e3", 1000),
        ("joint.lr", "0.25", 0.25),
        ("joint.cycle_two.gan", "0", 0.0),
        ("generator.residual", "False", False),
        ("norms.cycle", "2", 2),
        ("precision", "bf16", "bf16"),
        ("degradation", "synthetic_white", "synthetic_white"),
        ("seed", 7, 7),
        ("first.cycle_one", {"gan": 0.5}, Weights(gan=0.5)),
    ],
)
def test_a_dotted_name_sets_one_value_and_nothing_else(path, text, value):
    changed = with_settings(SMOKE, {path: text})
    found = changed
    for name in path.split("."):
        found = getattr(found, name)
    assert found == value
    assert type(found) is type(value)
    before, after = SMOKE.to_dict(), changed.to_dict()
    for group in (before, after):
        *groups, last = path.split(".")
        for name in groups:
            group = group[name]
        del group[last]
    assert before == after


def test_several_settings_at_once_leave_the_preset_as_it_was():
    changed = with_settings(SMOKE, {"first.batch": "3", "joint.batch": "5"})
    assert (changed.first.batch, changed.joint.batch, SMOKE.first.batch) == (3, 5, 2)


@pytest.mark.parametrize(
    ("path", "suggestion"),
    [
        ("first.step", "'steps'"),
        ("frist.steps", "'first'"),
        ("joint.cycle_two.cycl", "'cycle'"),
        ("pach", "'patch'"),
        ("qqqqqq", "Known: name, pretrain"),
    ],
)
def test_an_unknown_setting_suggests_the_nearest(path, suggestion):
    with pytest.raises(ValueError, match="unknown setting") as error:
        with_settings(SMOKE, {path: "1"})
    assert path in str(error.value)
    assert suggestion in str(error.value)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("first.steps", "many", r"first\.steps: expected int, got 'many'"),
        ("first.steps", "10.5", r"first\.steps: expected int"),
        ("first.steps", 10.5, r"first\.steps: expected int"),
        ("first.steps", "inf", r"first\.steps: expected int"),
        ("first.lr", "fast", r"first\.lr: expected float"),
        ("generator.residual", "maybe", r"generator\.residual: expected true or false"),
        ("norms.tv", "3", r"norms\.tv: expected one of 1, 2"),
        ("precision", "fp8", "precision: expected one of auto, fp32, bf16, fp16"),
        ("first", "10", "first: is a group"),
        ("first.cycle_one", "10", r"cycle_one: is a group"),
        ("first.cycle_two.gan", "1", r"first\.cycle_two takes no part"),
        ("scale.x", "1", "scale is a single value"),
        ("scale.x.y", "1", "unknown setting"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(path, value, message):
    with pytest.raises(ValueError, match=message):
        with_settings(SMOKE, {path: value})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("scale", "3"),
        ("patch", "30"),
        ("patch", "4"),
        ("first.batch", "0"),
        ("joint.steps", "-1"),
        ("first.warm_up", "-1"),
        ("ema", "1"),
        ("generator.width", "0"),
        ("generator.local_mean", "16"),
        ("generator.local_mean", "-1"),
        ("generator.held_in_training", "true"),
        ("save_every", "0"),
        ("log_every", "0"),
        ("joint.cycle_two", "none"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(path, value):
    with pytest.raises(ValueError, match=path.split(".")[-1]):
        with_settings(SMOKE, {path: value})


def test_a_preset_from_json_must_be_complete_and_known():
    values = SMOKE.to_dict()
    with pytest.raises(ValueError, match=r"incomplete.*pretrain"):
        Preset.from_dict({k: v for k, v in values.items() if k != "pretrain"})
    with pytest.raises(ValueError, match=r"unknown setting 'first\.speed'"):
        Preset.from_dict(values | {"first": values["first"] | {"speed": 1}})
    with pytest.raises(ValueError, match="first: is a group"):
        Preset.from_dict(values | {"first": 3})


def test_an_unknown_preset_suggests_the_nearest():
    with pytest.raises(ValueError, match=r"unknown preset 'smok'\. Did you mean 'smoke'"):
        preset_named("smok")
    assert preset_named("paper") is PRESETS["paper"]


def test_the_environment_chooses_the_preset_before_the_machine_does(monkeypatch):
    monkeypatch.setenv("CINCGAN_PRESET", "paper")
    assert current_preset().name == "paper"
    monkeypatch.setenv("CINCGAN_PRESET", "papr")
    with pytest.raises(ValueError, match="Did you mean 'paper'"):
        current_preset()


@pytest.mark.parametrize(("gpu", "name"), [(True, "colab"), (False, "lesson")])
@pytest.mark.parametrize("unset", [True, False])
def test_without_a_wish_a_gpu_gives_colab_and_a_cpu_lesson(monkeypatch, gpu, name, unset):
    if unset:
        monkeypatch.delenv("CINCGAN_PRESET", raising=False)
    else:
        monkeypatch.setenv("CINCGAN_PRESET", "")
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    assert current_preset().name == name


def test_a_group_that_is_given_is_not_changed_by_what_comes_after_it():
    group = {"gan": 1.0, "cycle": 10.0, "identity": 5.0, "tv": 2.0}
    settings = {"joint.cycle_two": group, "joint.cycle_two.gan": 0.0}
    assert with_settings(PRESETS["lesson"], settings).joint.cycle_two.gan == 0
    assert group["gan"] == 1
