"""What chapter 5 says of sizes, sight, cost and start holds for the networks of `paper` and of the other presets."""

import pytest
import torch
from torchinfo import summary

from cincgan_tutorial.architectures import (
    D1_STRIDES,
    Networks,
    PatchDiscriminator,
    influence,
    parameter_count,
    receptive_field,
)
from cincgan_tutorial.experiments import recorded
from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.tables import paired

OTHERS = sorted(set(PRESETS) - {"paper"})


@pytest.fixture(scope="module")
def on_paper():
    with torch.device("meta"):
        return Networks.of_sizes(PRESETS["paper"])


@pytest.fixture(scope="module")
def counts(on_paper):
    return {name: parameter_count(network) for name, network in on_paper.named_children()}


@pytest.fixture(scope="module")
def small():
    return Networks.from_preset(PRESETS["lesson"])


def test_sr_has_several_times_as_many_parameters_as_the_other_five_together(counts):
    assert counts["SR"] > 5 * sum(count for name, count in counts.items() if name != "SR")


def test_both_judges_have_equally_many(counts):
    assert counts["D1"] == counts["D2"]


def test_the_second_row_of_sr_is_65_convolutions(on_paper):
    assert parameter_count(on_paper.SR.body) == 65 * (9 * 256 * 256 + 256)


def test_d1_costs_more_than_three_times_g1_and_twice_d2(on_paper):
    cost = {
        name: summary(getattr(on_paper, name), (1, 3, size, size), device="meta", verbose=0).total_mult_adds
        for name, size in (("G1", 32), ("D1", 32), ("D2", 128))
    }
    assert cost["D1"] > 3 * cost["G1"]
    assert cost["D1"] > 2 * cost["D2"]


@pytest.mark.parametrize("name", OTHERS)
def test_every_preset_but_paper_departs_from_it_in_these(name):
    paper, preset = PRESETS["paper"], PRESETS[name]
    assert (paper.generator.residual, paper.generator.he, paper.discriminator.high_pass) == (False,) * 3
    assert preset.generator.residual
    assert preset.generator.he
    assert preset.generator.residual_scale == 1 / 10
    assert preset.discriminator.high_pass
    assert paper.discriminator.batch_norm
    assert not preset.discriminator.batch_norm
    assert (paper.sr.residual_scale, preset.sr.residual_scale) == (0.1, 1)


def test_generators_at_lesson_start_as_the_identity_and_g3_adds_no_input(small):
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(small.G1(image), image)
        assert torch.equal(small.G2(image), image)
    assert not small.G3.residual


def papers_D1(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return PatchDiscriminator(D1_STRIDES, PRESETS["paper"].discriminator)


def spread(first_layer, image):
    with torch.no_grad():
        return first_layer(image)[..., 2:-2, 2:-2].std((-2, -1)).mean().item()


def test_random_filters_answer_to_the_slope_several_times_as_strongly_and_high_pass_ones_to_grain_alone(small):
    ramp = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    grain = 0.5 + 0.02 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for seed in range(3):
        at_random = papers_D1(seed).layers[0]
        assert spread(at_random, ramp) > 5 * spread(at_random, grain)
    assert spread(small.D1.layers[0], ramp) < 1e-4
    assert spread(small.D1.layers[0], grain) > 0.1


def test_the_first_layers_of_both_judges_start_without_bias(small):
    for judge in (small.D1, small.D2):
        assert not judge.layers[0].bias.any()


@pytest.mark.parametrize("letter", ["D1", "D2", "G1"])
def test_the_corners_of_a_field_weigh_far_less_than_its_middle(small, letter):
    strength = influence(getattr(small, letter), 80)
    seen = (strength > 0).nonzero()
    (top, left), (bottom, right) = seen.amin(0).tolist(), seen.amax(0).tolist()
    corners = strength[[top, top, bottom, bottom], [left, right, left, right]]
    assert (strength > 0).sum() == (bottom - top + 1) * (right - left + 1)
    assert strength.max() > 100 * corners.max()


def test_batchnorm_at_work_lets_a_score_depend_on_every_pixel():
    judge = papers_D1(0)
    reached = {}
    for training in (True, False):
        judge.train(training)
        images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
        judge(images)[0, 0, 13, 13].backward()
        reached[training] = (images.grad.abs().sum(1) > 0).sum((1, 2)).tolist()
    assert reached == {True: [32 * 32, 32 * 32], False: [16 * 16, 0]}


def test_what_the_exercise_on_tiles_says_of_lesson(small):
    seen = [(influence(small.SR, 48, cell) > 0).any(0).nonzero().flatten() for cell in range(96, 100)]
    assert max(24 - line[0].item() for line in seen) == max(line[-1].item() - 24 for line in seen) == 20
    assert (24 - seen[0][0], seen[0][-1] - 24) == (20, 19)
    assert receptive_field(small.G1, size=64) == (53, 53) == (26 + 1 + 26,) * 2
    assert small.G1.reach == 18 + 8 == 26
    assert small.upscaler().reach == 26 + 20 + 1 == 47


def test_a_d1_that_sees_less_hardly_moves_the_psnr_and_one_that_sees_more_lowers_it():
    result = recorded("lesson-ablations").data
    runs, keys = result["runs"]["0"], {line["system"]: line["key"] for line in result["table"]}
    assert PRESETS["lesson"].discriminator.D1_sees == 16

    def change(label: str) -> float:
        return paired(runs[keys[label]]["psnr"], runs[keys["CinCGAN"]]["psnr"])[0]

    assert abs(change("D1 sees 10 pixels")) < 0.05
    assert change("D1 sees 28 pixels") == pytest.approx(-0.25, abs=0.02)
