"""Laws that hold for any input, on inputs that Hypothesis thinks up."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cincgan_tutorial.degradation import bicubic_downsample, gaussian_kernel, resize, resize_matrix
from cincgan_tutorial.images import from_pixels, quantise, to_pixels
from cincgan_tutorial.losses import discriminator_loss, distance, judged_fake, judged_real, total_variation
from cincgan_tutorial.presets import PRESETS, Preset, with_settings
from cincgan_tutorial.training import rate
from cincgan_tutorial.unpaired import Photograph, Photographs

law = settings(deadline=None, max_examples=25, derandomize=True)
NORMS = st.sampled_from([1, 2])
LEVELS = st.floats(0, 1, width=32)


@st.composite
def images(draw, shape=None, elements=LEVELS):
    shape = shape or (draw(st.integers(1, 3)), 3, draw(st.integers(2, 7)), draw(st.integers(2, 7)))
    return torch.from_numpy(draw(arrays(np.float32, shape, elements=elements)))


@st.composite
def two_images(draw):
    first = draw(images())
    return first, draw(images(tuple(first.shape)))


@law
@given(LEVELS, NORMS)
def test_total_variation_of_a_constant_is_zero(level, norm):
    assert total_variation(torch.full((2, 3, 5, 4), level), norm).item() == 0


@law
@given(images(), st.floats(-2, 2, width=32), NORMS)
def test_total_variation_ignores_brightness(image, level, norm):
    torch.testing.assert_close(total_variation(image + level, norm), total_variation(image, norm), atol=1e-5, rtol=1e-4)


@law
@given(images(), st.floats(-3, 3, width=32), NORMS)
def test_total_variation_is_homogeneous_of_degree_p(image, factor, norm):
    expected = abs(factor) ** norm * total_variation(image, norm)
    torch.testing.assert_close(total_variation(factor * image, norm), expected, atol=1e-6, rtol=1e-4)


@law
@given(images(), NORMS)
def test_total_variation_does_not_prefer_a_direction(image, norm):
    reference = total_variation(image, norm)
    for turned in (image.mT, image.flip(2), image.flip(3)):
        torch.testing.assert_close(total_variation(turned, norm), reference)


@law
@given(two_images(), NORMS)
def test_distance_is_symmetric_not_negative_and_zero_only_at_identity(pair, norm):
    a, b = pair
    assert distance(a, b, norm).item() >= 0
    torch.testing.assert_close(distance(a, b, norm), distance(b, a, norm))
    assert distance(a, a, norm).item() == 0
    if (a - b).abs().max() > 1e-3:
        assert distance(a, b, norm).item() > 0


@law
@given(two_images(), NORMS, st.randoms(use_true_random=False))
def test_losses_do_not_depend_on_the_order_of_the_batch(pair, norm, random):
    a, b = pair
    order = list(range(len(a)))
    random.shuffle(order)
    for loss in (
        lambda p, q: distance(p, q, norm),
        lambda p, q: total_variation(p, norm) + total_variation(q, norm),
        lambda p, q: judged_real(p[:, :1]) + 2 * judged_fake(q[:, :1]),
        lambda p, q: discriminator_loss(p[:, :1], q[:, :1]),
    ):
        torch.testing.assert_close(loss(a[order], b[order]), loss(a, b))


@law
@given(images(), NORMS)
def test_losses_do_not_grow_with_the_batch(image, norm):
    twice = torch.cat([image, image])
    torch.testing.assert_close(total_variation(twice, norm), total_variation(image, norm))
    torch.testing.assert_close(distance(twice, twice * 0.5, norm), distance(image, image * 0.5, norm))
    torch.testing.assert_close(judged_real(twice), judged_real(image))


@law
@given(LEVELS, st.integers(1, 6), st.integers(1, 6), st.sampled_from([2, 4]))
def test_reduction_of_a_constant_is_the_constant(level, height, width, scale):
    z = torch.full((1, 3, height * scale, width * scale), level)
    torch.testing.assert_close(bicubic_downsample(z, scale), torch.full((1, 3, height, width), level))


@law
@given(two_images(), st.integers(1, 12), st.integers(1, 12), st.floats(-2, 2, width=32))
def test_resizing_is_linear(pair, height, width, factor):
    a, b = pair
    together = resize(a + factor * b, height, width)
    apart = resize(a, height, width) + factor * resize(b, height, width)
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=1e-4)


@law
@given(st.integers(1, 40), st.integers(1, 40))
def test_a_resize_matrix_sums_to_one_and_is_its_own_mirror_image(size, new):
    matrix = resize_matrix(size, new)
    torch.testing.assert_close(matrix.sum(1), torch.ones(new))
    torch.testing.assert_close(matrix.flip(0, 1), matrix, atol=1e-6, rtol=0)


@law
@given(st.floats(0.6, 3), st.floats(0.6, 3), st.floats(0, 3.1), st.floats(-2, 2), st.floats(-2, 2))
def test_every_kernel_sums_to_one_and_turning_it_over_negates_its_shift(sigma_1, sigma_2, angle, down, right):
    k = gaussian_kernel((sigma_1, sigma_2), angle, (down, right))
    assert k.sum().item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(k.flip(0, 1), gaussian_kernel((sigma_1, sigma_2), angle, (-down, -right)))


@law
@given(arrays(np.uint8, (3, 4, 3)))
def test_levels_survive_the_way_to_tensors_and_back(pixels):
    assert np.array_equal(to_pixels(from_pixels(pixels)), pixels)
    assert torch.equal(quantise(from_pixels(pixels)), from_pixels(pixels))


@law
@given(
    st.sampled_from(list(PRESETS)),
    st.integers(0, 10**7),
    st.floats(1e-8, 1, allow_nan=False),
    st.integers(1, 64),
    st.booleans(),
)
def test_settings_survive_text_and_json(name, steps, lr, batch, residual):
    wanted = {"first.steps": steps, "joint.lr": lr, "pretrain.batch": batch, "generator.residual": residual}
    changed = with_settings(PRESETS[name], {path: str(value) for path, value in wanted.items()})
    assert (changed.first.steps, changed.joint.lr, changed.pretrain.batch) == (steps, lr, batch)
    assert changed.generator.residual is residual
    assert Preset.from_json(changed.to_json()) == changed
    assert with_settings(changed, wanted) == changed


@law
@given(st.sampled_from(list(PRESETS)), st.sampled_from(["pretrain", "first", "joint"]), st.integers(0, 10**6))
def test_learning_rates_never_rise_and_never_leave_their_range(name, stage, step):
    stage = PRESETS[name].stages()[stage]
    assert rate(stage, 0) == 1
    assert 0 < rate(stage, step + 1) <= rate(stage, step) <= 1


@law
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("xyh")), min_size=2, max_size=8))
def test_a_split_is_accepted_exactly_when_its_parts_are_disjoint(members):
    parts = {part: [n for n, where in members if where == part] for part in "xyh"}

    def photographs(numbers):
        return tuple(Photograph(f"p{n}", np.full((2, 2, 3), n, np.uint8)) for n in numbers)

    sets = [set(numbers) for numbers in parts.values()]
    disjoint = sum(map(len, sets)) == len(set.union(*sets))
    if disjoint and parts["x"] and parts["y"]:
        Photographs("test", *map(photographs, parts.values()))
    else:
        with pytest.raises(ValueError, match=r"same photograph|no photograph"):
            Photographs("test", *map(photographs, parts.values()))
