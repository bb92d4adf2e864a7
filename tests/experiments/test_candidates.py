"""The signals that were tried for validation without pairs: what each measures on made-up images."""

import pytest
import torch
from helpers import noise, random_images, shake, soft_image, tinted

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.cycle_one import cycle_one
from cincgan_tutorial.experiments import candidates
from cincgan_tutorial.experiments.candidates import Seen
from cincgan_tutorial.presets import with_settings
from cincgan_tutorial.training import validation


def seen_as(y_tilde, x=None, y=None):
    """What is seen when G1 answers `y_tilde`; the rest as if G2 and D1 were content."""
    x = [soft_image(48, 56, seed) for seed in range(2)] if x is None else x
    y = [soft_image(48, 56, seed) for seed in range(4, 6)] if y is None else y
    return Seen(x, y, y_tilde, x, y, [torch.ones(1, 1, 5, 5)] * len(x))


def test_grain_sees_noise_and_no_colour(clean, noisy):
    untouched, perfect, cast = (seen_as(images, noisy) for images in (noisy, clean, tinted(clean)))
    assert candidates.grain(untouched) > 3 * candidates.grain(perfect)
    assert candidates.grain(cast) == pytest.approx(candidates.grain(perfect), abs=1e-3)


def test_the_residue_ranks_the_right_answer_before_both_wrong_ones(clean, noisy):
    def value(y_tilde):
        return candidates.residue(candidates.grain(seen_as(y_tilde, noisy)), validation.unfaithful(noisy, y_tilde))

    foggy = [torch.full_like(image, 0.5) for image in clean]
    assert value(clean) < min(value(noisy), value(foggy), value(tinted(clean)))


def test_the_residue_joins_independent_errors():
    assert candidates.residue(3.0, 4.0) == 5


def test_cycle_identity_judge_and_total_are_those_of_the_losses(smoke):
    nets = Networks.from_preset(smoke)
    shake(nets, 0.02)
    x, y = [random_images(1, 16, 16, 0)], [random_images(1, 16, 16, 1)]
    weights, norms = smoke.first.cycle_one, smoke.norms
    seen = candidates.look(nets, x, y)
    with torch.no_grad():
        terms, _, _ = cycle_one(nets, x[0], y[0], norms)
    assert candidates.cycle(seen) == pytest.approx(float(terms.cycle), rel=1e-5)
    assert candidates.identity(seen) == pytest.approx(float(terms.identity), rel=1e-5)
    assert candidates.judge(seen) == pytest.approx(float(terms.gan), rel=1e-5)
    assert candidates.total(seen, weights, norms) == pytest.approx(float(terms.total(weights)), rel=1e-5)


def test_the_pyramid_holds_everything_and_its_finest_level_the_noise():
    image = soft_image(48, 56)
    levels = candidates.pyramid(image)
    assert [tuple(level.shape[-2:]) for level in levels] == [(48, 56), (24, 28), (12, 14)]
    rest = [a - b for a, b in zip(candidates.pyramid(image + noise(image, 0.05)), levels, strict=True)]
    energies = [float(level.square().mean()) for level in rest]
    assert energies[0] > 5 * energies[1] > 5 * energies[2]


def test_sliced_wasserstein_on_points():
    points = random_images(1, 40, 40)[0].flatten(1).T
    assert float(candidates.sliced_wasserstein(points, points.flip(0))) == 0  # a set has no order
    moved = points + torch.tensor([0.3, 0, 0])
    far, near = (float(candidates.sliced_wasserstein(points, p)) for p in (moved, points + (moved - points) / 3))
    assert far == pytest.approx(3 * near, rel=1e-3)
    assert 0.3 / 3 < far < 0.3  # the mean projection of the shift on a random direction


def test_texture_tells_noisy_from_clean(clean, noisy):
    assert candidates.texture(seen_as(noisy, noisy)) > candidates.texture(seen_as(clean, noisy))


def test_colours_are_looked_at_as_training_leaves_them(smoke):
    """In use G1 may keep them, and then a cast would not be seen."""
    keeping = with_settings(smoke, {"generator.local_mean": 17})
    seen = []
    for preset in (smoke, keeping):
        nets = Networks.from_preset(preset).eval()
        shake(nets, 0.02)
        seen.append(candidates.look(nets, [random_images(1, 40, 40, 0)], [random_images(1, 40, 40, 1)]))
        assert nets.G1.local_mean == preset.generator.local_mean
    assert candidates.signals_of(seen[0], smoke) == candidates.signals_of(seen[1], smoke)


def test_every_candidate_is_given(smoke):
    nets = Networks.from_preset(smoke)
    shake(nets, 0.02)
    seen = candidates.look(nets, [random_images(1, 40, 40, 0)], [random_images(1, 40, 40, 1)])
    found = candidates.signals_of(seen, smoke)
    assert found["spectrum"] == validation.spectrum(seen.y_tilde, seen.y)
    assert found["unfaithful"] == validation.unfaithful(seen.x, seen.y_tilde)
    assert found["mismatch"] == validation.mismatch(found["spectrum"], found["unfaithful"])
    assert found["residue"] == candidates.residue(candidates.grain(seen), found["unfaithful"])
    assert found["texture + unfaithful"] == candidates.texture(seen) + found["unfaithful"]
    assert len(set(found.values())) == 11
