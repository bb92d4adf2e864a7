"""The signal without pairs: what it measures on made-up images, and what the loop does with it."""

import math

import pytest
import torch
from helpers import assert_same_tensors, noise, shake, soft_image, tinted
from training_helpers import PulledPlug, assert_same_run, pull_the_plug_at

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.degradation import blur, gaussian_kernel
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import Run, loop, resume, train, validation
from cincgan_tutorial.training.precision import Arithmetic
from cincgan_tutorial.training.validation import Validation
from cincgan_tutorial.unpaired import as_levels
from cincgan_tutorial.weights import load_weights


@pytest.fixture
def others():
    """Clean images of other photographs."""
    return [soft_image(48, 56, seed) for seed in range(4, 6)]


def test_the_spectrum_sees_noise_and_unfaithful_sees_colour(clean, noisy, others):
    assert validation.spectrum(noisy, others) > 3 * validation.spectrum(clean, others)
    assert validation.unfaithful(noisy, noisy) == 0
    assert validation.unfaithful(noisy, tinted(clean)) == pytest.approx(0.1 / 3, rel=0.3)
    assert validation.spectrum(tinted(clean), others) == pytest.approx(validation.spectrum(clean, others), abs=1e-3)


def test_unfaithful_hardly_sees_the_noise_that_goes(clean, noisy):
    left = float(torch.cat([(a - b).abs().flatten() for a, b in zip(clean, noisy, strict=True)]).mean())
    assert validation.unfaithful(noisy, clean) < left / 5


def test_the_spectrum_sees_detail_that_is_gone(clean):
    kernel = gaussian_kernel((1.0, 1.0), 0.0, (0.0, 0.0), 7)
    soft = [blur(image, kernel) for image in clean]
    assert validation.spectrum(soft, clean) > 0.3
    assert validation.spectrum(clean, clean) == 0


@pytest.mark.parametrize("side", [16, 32])
def test_a_wave_has_its_power_in_its_ring(side):
    period = 8
    wave = 0.5 + 0.1 * torch.sin(2 * math.pi * torch.arange(64) / period).expand(1, 3, 48, 64)
    powers = validation.log_powers([wave], side)
    coarsest = side // 16
    assert powers.shape == (3, round(side / 2 * 2**0.5) + 1 - coarsest)
    assert (powers.argmax(1) == side // period - coarsest).all()


@pytest.mark.parametrize(("factor", "apart"), [(2.0, math.log(4)), (0.5, math.log(4)), (1.0, 0)])
def test_the_distance_is_that_of_the_logarithms_of_power(clean, factor, apart):
    stronger = [factor * image for image in clean]
    assert validation.spectrum(stronger, clean) == pytest.approx(apart, abs=1e-3)


def test_white_noise_has_equal_power_in_all_rings():
    images = [noise(torch.zeros(1, 3, 128, 128), 0.05, seed) for seed in range(8)]
    powers = validation.log_powers(images, 32)[:, :-1]  # the last is one frequency, and the mean of few logarithms
    assert float(powers.max() - powers.min()) < 0.25
    assert float(powers.mean()) == pytest.approx(math.log(0.05**2 * float(taper_energy(32))), abs=0.1)


def taper_energy(side):
    taper = torch.hann_window(side, periodic=False)
    return (taper[:, None] * taper).square().sum()


def test_waves_down_and_across_count_alike():
    image = soft_image(48, 64, 3) + noise(torch.zeros(1, 3, 48, 64), 0.02)
    turned = validation.log_powers([image.transpose(2, 3)], 32)
    torch.testing.assert_close(turned, validation.log_powers([image], 32), rtol=1e-4, atol=1e-4)


def test_the_mean_is_one_of_logarithms_and_differences_do_not_cancel():
    weak, strong = noise(torch.zeros(1, 3, 64, 64), 0.01), noise(torch.zeros(1, 3, 64, 64), 0.1)
    alone = [validation.log_powers([image], 32) for image in (weak, strong)]
    torch.testing.assert_close(validation.log_powers([weak, strong], 32), (alone[0] + alone[1]) / 2)
    swapped = torch.cat([weak[:, :1], strong[:, 1:2], weak[:, 2:]], 1)
    other = torch.cat([strong[:, :1], weak[:, 1:2], weak[:, 2:]], 1)
    assert validation.spectrum([swapped], [other]) == pytest.approx(2 / 3 * math.log(100), rel=0.05)


def test_nothing_is_weaker_than_rounding():
    flat, rounded = torch.full((1, 3, 64, 64), 0.5), 0.5 + (torch.rand(1, 3, 64, 64) - 0.5) / 255
    powers = validation.log_powers([flat], 32)
    assert float(powers.max() - powers.min()) == 0
    assert float(powers.mean()) == pytest.approx(float(validation.log_powers([rounded], 32)[:, :-1].mean()), abs=0.2)


def test_a_flat_image_has_a_spectrum_too():
    assert validation.log_powers([torch.full((1, 3, 40, 40), 0.5)], 32).isfinite().all()


def test_windows_fit_into_the_smallest_image():
    assert validation.window_of([torch.zeros(1, 3, 40, 90)]) == 32
    assert validation.window_of([torch.zeros(1, 3, 40, 90), torch.zeros(1, 3, 90, 24)]) == 24
    assert validation.window_of([torch.zeros(1, 3, 20, 90)]) == 20


def test_the_right_answer_ranks_before_both_wrong_ones(clean, noisy, others):
    def value(y_tilde):
        return validation.mismatch(validation.spectrum(y_tilde, others), validation.unfaithful(noisy, y_tilde))

    foggy = [torch.full_like(image, 0.5) for image in clean]
    assert value(clean) < min(value(noisy), value(foggy), value(tinted(clean)))


def test_how_the_parts_are_joined():
    assert validation.mismatch(0.25, 5 / 255) == pytest.approx(0.75)


@pytest.mark.parametrize(("count", "chosen"), [(2, [0, 2]), (3, [0, 1, 3]), (9, [0, 1, 2, 3, 4])])
def test_images_are_chosen_evenly(count, chosen):
    items = [torch.tensor(i) for i in range(5)]
    assert [int(item) for item in validation.spread(items, count)] == chosen


def test_the_loops_signal_is_the_mismatch_of_whole_images(smoke, clean, noisy):
    nets = Networks.from_preset(smoke)
    shake(nets.G1, 0.02)
    X, Y = ([as_levels(image.clamp(0, 1)) for image in images] for images in (noisy, clean))
    x, y = ([levels[None].float() / 255 for levels in images] for images in (X, Y))
    found = Validation(X, Y)(nets.G1, Arithmetic("fp32", torch.device("cpu")))
    with torch.no_grad():
        y_tilde = [nets.G1(image) for image in x]
    parts = validation.spectrum(y_tilde, y), validation.unfaithful(x, y_tilde)
    expected = {"mismatch": validation.mismatch(*parts), "spectrum": parts[0], "unfaithful": parts[1]}
    assert found == pytest.approx(expected, rel=1e-4)


def test_a_small_image_of_y_counts_for_the_windows_and_of_a_large_one_its_middle_is_seen(smoke):
    small, large = torch.zeros(3, 24, 90, dtype=torch.uint8), torch.zeros(3, 300, 140, dtype=torch.uint8)
    looked = Validation([large], [small])
    assert looked._side == 24
    assert [tuple(image.shape) for image in looked._x] == [(1, 3, 128, 128)]
    marked = large.clone()
    marked[:, 86:214, 6:134] = 255
    assert float(Validation([marked], [small])._x[0].min()) == 1


@pytest.mark.parametrize("count", [5, 40])
def test_as_many_images_are_looked_at_as_there_are_and_at_most_32(count):
    images = [torch.zeros(3, 32, 32, dtype=torch.uint8)] * count
    assert len(Validation(images, images)._x) == min(count, 32)


def preset(**settings):
    return with_settings(PRESETS["smoke"], {"validate_every": 2, "first.lr": 1e-2} | settings)


def pretend(monkeypatch, signals):
    """Let the signal be these numbers, one after another, and return the weights of SR(G1) that each was about."""
    judged, values = [], iter(signals)

    def call(self, G1, arithmetic):
        judged.append({name: value.clone() for name, value in G1.state_dict().items()})
        return {"mismatch": next(values), "spectrum": 0.0, "unfaithful": 0.0}

    monkeypatch.setattr(Validation, "__call__", call)
    return judged


@pytest.mark.parametrize(("signals", "best"), [([3, 1, 2], 1), ([1, 2, 3], 0), ([3, 2, 1], 2), ([1, 1, 1], 0)])
def test_the_best_of_stage_one_is_kept(photographs, tmp_path, monkeypatch, signals, best):
    judged = pretend(monkeypatch, signals)
    run = train(preset(**{"joint.steps": 0}), photographs, tmp_path / "run")
    assert len(judged) == 3  # after 2, 4 and 6 steps
    assert_same_tensors(load_weights(run.folder).before_joint.G1.state_dict(), judged[best])
    assert [line["mismatch"] for line in run.log if "mismatch" in line] == signals


def test_the_joint_stage_keeps_its_last(photographs, tmp_path, monkeypatch):
    pretend(monkeypatch, [1, 2, 3, 1, 9])
    run = train(preset(), photographs, tmp_path / "run")
    last = torch.load(run.checkpoint_path, weights_only=True)
    assert last["best"] is None
    assert [line["stage"] for line in run.log if "mismatch" in line] == ["first"] * 3 + ["joint"] * 2


def test_without_validation_nothing_is_looked_at(finished_run):
    assert not any("mismatch" in line for line in finished_run.log)


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_signal_that_is_not_finite_ends_the_run(photographs, tmp_path, monkeypatch, broken):
    pretend(monkeypatch, [5, broken, 5])
    with pytest.raises(ValueError, match=r"first, step 6: G1\(x\) of a whole image is not finite.*alarm-not-finite"):
        train(preset(**{"joint.steps": 0}), photographs, tmp_path / "run")
    assert [line["mismatch"] for line in Run.open(tmp_path / "run").log if "mismatch" in line] == [5]


# 6 steps of pre-training, 2 + 6 of stage one: validated after steps 4, 6 and 8 of it, saved after 3, 6 and 8.
@pytest.mark.parametrize("step", [5, 9, 11, 12, 13, 14, 15, 18])
def test_a_resumed_run_picks_the_same(photographs, reference, tmp_path, monkeypatch, step):
    with monkeypatch.context() as patch:
        pull_the_plug_at(patch, step)
        with pytest.raises(PulledPlug):
            train(preset(), photographs, tmp_path / "run")
    assert_same_run(resume(tmp_path / "run"), reference)


@pytest.fixture(scope="module")
def reference(photographs, tmp_path_factory):
    return train(preset(), photographs, tmp_path_factory.mktemp("runs") / "reference")


def test_only_x_and_y_are_looked_at(photographs, tmp_path, monkeypatch):
    """Not one photograph of the noisy images stands among the clean ones, and nothing held out among either."""
    made = []
    real = Validation.__init__

    def init(self, X, Y, *rest):
        made.append((X, Y))
        real(self, X, Y, *rest)

    monkeypatch.setattr(Validation, "__init__", init)
    train(preset(**{"joint.steps": 0}), photographs, tmp_path / "run")
    patches = loop._patches(preset(), photographs)
    ((X, Y),) = made
    assert all(torch.equal(a, b) for a, b in zip(X, patches.X, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(Y, patches.Y, strict=True))


def test_snapshots_hold_the_networks_after_their_step(photographs, tmp_path):
    run = train(preset(keep_every=3, validate_every=0, **{"joint.steps": 0}), photographs, tmp_path / "run")
    names = sorted(path.name for path in (run.folder / "snapshots").iterdir())
    assert names == ["first-000003.pt", "first-000006.pt", "pretrain-000003.pt", "pretrain-000006.pt"]
    last = torch.load(run.folder / "snapshots" / "first-000006.pt", weights_only=True)
    trained = load_weights(run.folder)
    assert_same_tensors(trained.before_joint.state_dict(), last["published"])
    assert_same_tensors(trained.nets.D1.state_dict(), {k[3:]: v for k, v in last["nets"].items() if k[:3] == "D1."})
