"""Each loss and each term of both cycles against plain NumPy in double precision."""

import numpy as np
import pytest
import torch
from helpers import random_images, shake

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.cycle_one import cycle_one
from cincgan_tutorial.cycle_two import cycle_two
from cincgan_tutorial.losses import discriminator_loss, distance, judged_fake, judged_real, total_variation
from cincgan_tutorial.presets import PRESETS, Norms, Weights, with_settings

WITHIN = 1e-6


def np_distance(a, b, p):
    return np.mean(np.abs(a - b) ** p)


def np_tv(a, p):
    return np.mean(np.abs(np.diff(a, axis=2)) ** p) + np.mean(np.abs(np.diff(a, axis=3)) ** p)


def doubles(*tensors):
    return [tensor.detach().numpy().astype(np.float64) for tensor in tensors]


@pytest.mark.parametrize("seed", range(3))
def test_losses(seed):
    a, b = random_images(3, 17, 12, seed), random_images(3, 17, 12, seed + 10)
    real, fake = 2 * a[:, :1] - 0.5, 2 * b[:, :1] - 0.5
    A, B, R, F = doubles(a, b, real, fake)
    assert judged_real(fake).item() == pytest.approx(np.mean((F - 1) ** 2), abs=WITHIN)
    assert judged_fake(fake).item() == pytest.approx(np.mean(F**2), abs=WITHIN)
    assert discriminator_loss(real, fake).item() == pytest.approx(np.mean((R - 1) ** 2) + np.mean(F**2), abs=WITHIN)
    for p in (1, 2):
        assert distance(a, b, p).item() == pytest.approx(np_distance(A, B, p), abs=WITHIN)
        assert total_variation(a, p).item() == pytest.approx(np_tv(A, p), abs=WITHIN)


@pytest.fixture(scope="module")
def shaken():
    """Networks that do something: no layer at zero, four different generators."""
    nets = Networks.from_preset(PRESETS["smoke"]).eval()
    shake(nets)
    return nets


@pytest.mark.parametrize("norms", [Norms(), PRESETS["lesson"].norms, Norms(cycle=1, identity=2, tv=2, supervised=1)])
def test_terms_of_cycle_one(shaken, norms):
    x, y = random_images(2, 16, 20, 1), random_images(2, 16, 20, 2)
    terms, y_tilde, scores = cycle_one(shaken, x, y, norms)
    torch.testing.assert_close(y_tilde, shaken.G1(x), atol=WITHIN, rtol=0)
    assert torch.equal(scores, shaken.D1(y_tilde))
    X, Y, cleaned, soiled, G1_y, scores = doubles(x, y, y_tilde, shaken.G2(y_tilde), shaken.G1(y), scores)
    expected = (
        np.mean((scores - 1) ** 2),
        np_distance(soiled, X, norms.cycle),
        np_distance(G1_y, Y, norms.identity),
        np_tv(cleaned, norms.tv),
    )
    assert [term.item() for term in terms] == pytest.approx(expected, abs=WITHIN, rel=WITHIN)
    assert len({round(value, 5) for value in expected}) == 4  # no two of them could be mixed up unseen
    weights = Weights(gan=0.7, cycle=3, identity=2, tv=0.3)
    total = 0.7 * expected[0] + 3 * expected[1] + 2 * expected[2] + 0.3 * expected[3]
    assert terms.total(weights).item() == pytest.approx(total, abs=3 * WITHIN, rel=WITHIN)


@pytest.mark.parametrize("norms", [Norms(), PRESETS["lesson"].norms, Norms(cycle=1, identity=2, tv=2, supervised=1)])
def test_terms_of_cycle_two(shaken, norms):
    x, y, z = random_images(2, 16, 20, 1), random_images(2, 16, 20, 2), random_images(2, 64, 80, 3)
    terms, z_tilde, scores = cycle_two(shaken, x, y, z, norms)
    torch.testing.assert_close(z_tilde, shaken.SR(shaken.G1(x)), atol=WITHIN, rtol=0)
    assert torch.equal(scores, shaken.D2(z_tilde))
    X, Z, enlarged, reduced, SR_y, scores = doubles(x, z, z_tilde, shaken.G3(z_tilde), shaken.SR(y), scores)
    expected = (
        np.mean((scores - 1) ** 2),
        np_distance(reduced, X, norms.cycle),
        np_distance(SR_y, Z, norms.supervised),
        np_tv(enlarged, norms.tv),
    )
    assert [term.item() for term in terms] == pytest.approx(expected, abs=WITHIN, rel=WITHIN)
    assert len({round(value, 5) for value in expected}) == 4


def test_at_the_paper_norms_are_the_default():
    assert PRESETS["paper"].norms == Norms()
    changed = with_settings(PRESETS["smoke"], {"norms.cycle": "2", "norms.tv": "2", "norms.supervised": "2"})
    assert changed.norms == Norms()
