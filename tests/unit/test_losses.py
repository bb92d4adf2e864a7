"""Each loss against values worked out by hand."""

import pytest
import torch

from cincgan_tutorial.losses import Terms, discriminator_loss, distance, judged_fake, judged_real, total_variation
from cincgan_tutorial.presets import Weights


@pytest.mark.parametrize(("scores", "real", "fake"), [([1.0, 1.0], 0, 1), ([0.0, 0.0], 1, 0), ([3.0, -1.0], 4, 5)])
def test_judgements_are_mean_squares_to_one_and_to_zero(scores, real, fake):
    scores = torch.tensor(scores).view(1, 1, 1, 2)
    assert judged_real(scores).item() == real
    assert judged_fake(scores).item() == fake


def test_discriminator_loss_wants_real_at_one_and_fake_at_zero():
    one, zero, half = (torch.full((2, 1, 3, 3), value) for value in (1.0, 0.0, 0.5))
    assert discriminator_loss(one, zero).item() == 0
    assert discriminator_loss(zero, one).item() == 2
    assert discriminator_loss(half, half).item() == 0.5
    assert discriminator_loss(torch.full_like(one, 3.0), zero).item() == 4
    assert discriminator_loss(one, torch.full_like(one, 3.0)).item() == 9


def test_distance_is_a_mean_over_everything_and_takes_no_root():
    a, b = torch.zeros(2, 3, 1, 2), torch.zeros(2, 3, 1, 2)
    a[0, 0, 0, 0], b[1, 2, 0, 1] = 0.6, 0.3
    assert distance(a, b, 1).item() == pytest.approx(0.9 / 12)
    assert distance(a, b, 2).item() == pytest.approx((0.36 + 0.09) / 12)


def test_total_variation_of_a_small_image():
    image = torch.tensor([[0.0, 0.1], [0.3, 0.7]]).expand(1, 3, 2, 2)
    # Down: 0.3 and 0.6. Right: 0.1 and 0.4. Each direction is averaged by itself.
    assert total_variation(image, 1).item() == pytest.approx((0.3 + 0.6) / 2 + (0.1 + 0.4) / 2)
    assert total_variation(image, 2).item() == pytest.approx((0.09 + 0.36) / 2 + (0.01 + 0.16) / 2)


def test_total_variation_averages_each_direction_over_its_own_differences():
    image = torch.zeros(1, 3, 2, 5)
    image[..., 1, :] = 1
    assert total_variation(image, 2).item() == 1
    assert total_variation(image.mT, 2).item() == 1


def test_total_is_the_weighted_sum_of_the_four_terms():
    terms = Terms(*(torch.tensor(value) for value in (2.0, 3.0, 5.0, 7.0)))
    assert terms.total(Weights()).item() == 1 * 2 + 10 * 3 + 5 * 5 + 0.5 * 7
    assert terms.total(Weights(gan=0.5, cycle=0.25, identity=3, tv=11)).item() == 1 + 0.75 + 15 + 77


@pytest.mark.parametrize("loss", [judged_real, judged_fake, lambda s: distance(s, s * 0, 2)])
def test_losses_are_computed_in_float32(loss):
    assert loss(torch.ones(1, 1, 2, 2, dtype=torch.bfloat16)).dtype == torch.float32
