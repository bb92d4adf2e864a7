"""One step of each stage against the loop that a textbook would write: networks frozen and thawed, `backward()`.

Compared in float64, where two ways to compute the same mathematics agree to 12 digits, and in float32, where one pass
over x and y together adds its numbers in another order than two passes.

Compared with plain gradient descent, since Adam divides by the size of a gradient and so turns its last bit into a
step; that the optimizers are the paper's Adam is tested below by itself.
"""

import math
from dataclasses import replace

import pytest
import torch
from helpers import LETTERS, moved, random_images, shake, weights_of
from torch.optim import SGD

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.presets import PRESETS, Stage, Weights, with_settings
from cincgan_tutorial.training import (
    Arithmetic,
    cycle_one_step,
    cycle_two_step,
    joint_step,
    judge_step,
    make_optimizers,
    pretrain_step,
    rate,
)
from cincgan_tutorial.training.steps import set_rates

FP32 = Arithmetic("fp32", torch.device("cpu"))
W1, W2 = Weights(gan=0.8, cycle=10, identity=1, tv=0.5), Weights(gan=0.3, cycle=7, identity=5, tv=2)
STEPS = 3


@pytest.fixture(params=["lesson's kind", "paper's kind"])
def preset(request):
    # Plain descent needs small signals: behind He's start it leaps away, and two of its paths with it.
    smoke = with_settings(PRESETS["smoke"], {"generator.he": "false"})
    if request.param == "lesson's kind":
        return smoke
    literal = {"generator.residual": "false", "discriminator.batch_norm": "true", "discriminator.high_pass": "false"}
    return with_settings(smoke, literal | {"norms.cycle": "2", "norms.tv": "2", "norms.supervised": "2", "clip": "0"})


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def dtype(request, monkeypatch):
    """The numbers to compute with. Losses are taken in float32 at least; here, in float64 where that is asked for."""
    if request.param == torch.float64:
        monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    return request.param


def two_copies(preset, dtype=torch.float32):
    pair = Networks.from_preset(preset), Networks.from_preset(preset)
    for nets in pair:
        shake(nets, 0.03)
    return [nets.to(dtype) for nets in pair]


def batch(step, dtype=torch.float32):
    sides = (16, 16, 64)
    return [random_images(2, side, side, 3 * step + number).to(dtype) for number, side in enumerate(sides)]


def power(difference, norm):
    return difference.abs().mean() if norm == 1 else (difference**2).mean()


def variation(image, norm):
    return power(image[:, :, 1:] - image[:, :, :-1], norm) + power(image[:, :, :, 1:] - image[:, :, :, :-1], norm)


def freeze(*networks, thaw=False):
    for network in networks:
        for parameter in network.parameters():
            parameter.requires_grad_(thaw)


def descent(*networks):
    return SGD([p for n in networks for p in n.parameters()], lr=0.02, momentum=0.5)


def plain_descent(loss, optimizer, D=None, clip=0.0):
    optimizer.zero_grad()
    loss.backward()
    if D is not None and clip:
        torch.nn.utils.clip_grad_norm_(D.parameters(), clip)
    optimizer.step()


def plain_judge(D, optimizer, real, fake, clip):
    loss = (D(fake.detach()) ** 2).mean() + ((D(real) - 1) ** 2).mean()
    plain_descent(loss, optimizer, D, clip)


def unnoticed(D, images):
    """D's scores, with its running statistics left as they were: the library shows it each fake only once."""
    copies = {name: buffer.clone() for name, buffer in D.named_buffers()}
    return torch.func.functional_call(D, copies, (images,))


def assert_equal_weights(ours, theirs, dtype):
    """Up to rounding: the passes are joined in other places, so numbers are added in another order."""
    within = {torch.float32: 1e-5, torch.float64: 1e-12}[dtype]
    for (name, a), (_, b) in zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True):
        torch.testing.assert_close(a, b, atol=within, rtol=0, msg=lambda text, name=name: f"{name}: {text}")


def test_cycle_one_step(preset, dtype):
    ours, plain = two_copies(preset, dtype)
    before = weights_of(ours)
    optimizers = {"cycle_one": descent(ours.G1, ours.G2), "D1": descent(ours.D1)}
    down_G, down_D = descent(plain.G1, plain.G2), descent(plain.D1)
    norms = preset.norms
    for step in range(STEPS):
        x, y, _ = batch(step, dtype)
        cycle_one_step(ours, optimizers, x, y, W1, norms, FP32, preset.clip)

        freeze(plain.D1)
        cleaned = plain.G1(x)
        gan = ((unnoticed(plain.D1, cleaned) - 1) ** 2).mean()
        cycle = power(plain.G2(cleaned) - x, norms.cycle)
        identity = power(plain.G1(y) - y, norms.identity)
        loss = W1.gan * gan + W1.cycle * cycle + W1.identity * identity + W1.tv * variation(cleaned, norms.tv)
        plain_descent(loss, down_G)
        freeze(plain.D1, thaw=True)
        plain_judge(plain.D1, down_D, y, cleaned, preset.clip)
    assert_equal_weights(ours, plain, dtype)
    assert moved(before, ours) == {"G1", "G2", "D1"}


def test_cycle_two_step(preset, dtype):
    ours, plain = two_copies(preset, dtype)
    before = weights_of(ours)
    optimizers = {"cycle_two": descent(ours.G1, ours.SR, ours.G3), "D2": descent(ours.D2)}
    down_G, down_D = descent(plain.G1, plain.SR, plain.G3), descent(plain.D2)
    norms = preset.norms
    for step in range(STEPS):
        x, y, z = batch(step, dtype)
        cycle_two_step(ours, optimizers, x, y, z, W2, norms, FP32, preset.clip)

        freeze(plain.D2)
        enlarged = plain.SR(plain.G1(x))
        gan = ((unnoticed(plain.D2, enlarged) - 1) ** 2).mean()
        cycle = power(plain.G3(enlarged) - x, norms.cycle)
        supervised = power(plain.SR(y) - z, norms.supervised)
        loss = W2.gan * gan + W2.cycle * cycle + W2.identity * supervised + W2.tv * variation(enlarged, norms.tv)
        plain_descent(loss, down_G)
        freeze(plain.D2, thaw=True)
        plain_judge(plain.D2, down_D, z, enlarged, preset.clip)
    assert_equal_weights(ours, plain, dtype)
    assert moved(before, ours) == {"G1", "SR", "G3", "D2"}


def test_joint_step(preset, dtype):
    ours, plain = two_copies(preset, dtype)
    before = weights_of(ours)
    optimizers = {"both_cycles": descent(ours.G1, ours.G2, ours.SR, ours.G3)}
    optimizers |= {"D1": descent(ours.D1), "D2": descent(ours.D2)}
    down_G = descent(plain.G1, plain.G2, plain.SR, plain.G3)
    down_D1, down_D2 = descent(plain.D1), descent(plain.D2)
    norms = preset.norms
    for step in range(STEPS):
        x, y, z = batch(step, dtype)
        joint_step(ours, optimizers, x, y, z, (W1, W2), norms, FP32, preset.clip)

        freeze(plain.D1, plain.D2)
        cleaned = plain.G1(x)
        enlarged = plain.SR(plain.G1(x))
        lr_total = (
            W1.gan * ((unnoticed(plain.D1, cleaned) - 1) ** 2).mean()
            + W1.cycle * power(plain.G2(cleaned) - x, norms.cycle)
            + W1.identity * power(plain.G1(y) - y, norms.identity)
            + W1.tv * variation(cleaned, norms.tv)
        )
        hr_total = (
            W2.gan * ((unnoticed(plain.D2, enlarged) - 1) ** 2).mean()
            + W2.cycle * power(plain.G3(enlarged) - x, norms.cycle)
            + W2.identity * power(plain.SR(y) - z, norms.supervised)
            + W2.tv * variation(enlarged, norms.tv)
        )
        plain_descent(lr_total + hr_total, down_G)
        freeze(plain.D1, plain.D2, thaw=True)
        plain_judge(plain.D1, down_D1, y, cleaned, preset.clip)
        plain_judge(plain.D2, down_D2, z, enlarged, preset.clip)
    assert_equal_weights(ours, plain, dtype)
    assert moved(before, ours) == {"G1", "G2", "SR", "G3", "D1", "D2"}


def test_pretrain_step(preset, dtype):
    ours, plain = two_copies(preset, dtype)
    before = weights_of(ours)
    optimizers, down = {"SR": descent(ours.SR)}, descent(plain.SR)
    for step in range(STEPS):
        _, y, z = batch(step, dtype)
        pretrain_step(ours, optimizers, y, z, FP32)
        plain_descent((plain.SR(y) - z).abs().mean(), down)
    assert_equal_weights(ours, plain, dtype)
    assert moved(before, ours) == {"SR"}


def test_judge_step_moves_the_discriminator_alone(preset):
    nets, _ = two_copies(preset)
    before = weights_of(nets)
    optimizers = make_optimizers(nets, "first", preset.first, preset)
    x, y, _ = batch(0)
    loss = judge_step(nets.D1, optimizers["D1"], y, nets.D1(nets.G1(x)), FP32, preset.clip)
    assert moved(before, nets) == {"D1"}
    assert all(p.grad is None for p in nets.G1.parameters())
    assert not loss.requires_grad


def test_judge_step_computes_nothing_behind_the_fake(preset):
    nets, _ = two_copies(preset)
    x, y, _ = batch(0)
    fake = nets.G1(x)
    asked = []
    fake.register_hook(asked.append)
    scores = nets.D1(fake)
    judge_step(nets.D1, descent(nets.D1), y, scores, FP32, preset.clip)
    assert not asked
    scores = nets.D1(fake)
    scores.sum().backward()
    assert len(asked) == 1  # the hook would have noticed


def passes(nets, step):
    """How many forward passes of each network ``step`` makes."""
    count = dict.fromkeys(LETTERS, 0)
    hooks = [
        getattr(nets, letter).register_forward_hook(lambda *_, letter=letter: count.update({letter: count[letter] + 1}))
        for letter in LETTERS
    ]
    step()
    for hook in hooks:
        hook.remove()
    return count


def test_nothing_is_computed_twice(preset):
    nets, _ = two_copies(preset)
    x, y, z = batch(0)
    together = make_optimizers(nets, "joint", preset.joint, preset)
    optimizers = make_optimizers(nets, "joint", preset.joint, replace(preset, adam_per_cycle=True))
    one = passes(nets, lambda: cycle_one_step(nets, optimizers, x, y, W1, preset.norms, FP32, 0))
    two = passes(nets, lambda: cycle_two_step(nets, optimizers, x, y, z, W2, preset.norms, FP32, 0))
    both = passes(nets, lambda: joint_step(nets, together, x, y, z, (W1, W2), preset.norms, FP32, 0))
    # Two of a discriminator: the fake, and the real patches.
    assert one == {"G1": 1, "G2": 1, "SR": 0, "G3": 0, "D1": 2, "D2": 0}
    assert two == {"G1": 1, "G2": 0, "SR": 1, "G3": 1, "D1": 0, "D2": 2}
    assert both == {"G1": 1, "G2": 1, "SR": 1, "G3": 1, "D1": 2, "D2": 2}


def test_losses_carry_the_names_of_the_log_and_no_graph(preset):
    nets, _ = two_copies(preset)
    x, y, z = batch(0)
    optimizers = make_optimizers(nets, "joint", preset.joint, replace(preset, adam_per_cycle=True))
    one = cycle_one_step(nets, optimizers, x, y, W1, preset.norms, FP32, 0)
    two = cycle_two_step(nets, optimizers, x, y, z, W2, preset.norms, FP32, 0)
    together = make_optimizers(nets, "joint", preset.joint, preset)
    both = joint_step(nets, together, x, y, z, (W1, W2), preset.norms, FP32, 0)
    assert both.keys() == (one | two).keys()
    assert list(one) == ["LR gan", "LR cycle", "LR identity", "LR tv", "D1"]
    assert list(two) == ["HR gan", "HR cycle", "HR identity", "HR tv", "D2"]
    assert not any(value.requires_grad for value in (one | two | both).values())


@pytest.mark.parametrize(
    ("stage", "apart", "expected"),
    [
        ("pretrain", False, {"SR": "SR"}),
        ("first", False, {"cycle_one": "G1 G2", "D1": "D1"}),
        ("joint", False, {"both_cycles": "G1 G2 SR G3", "D1": "D1", "D2": "D2"}),
        ("joint", True, {"cycle_one": "G1 G2", "D1": "D1", "cycle_two": "G1 SR G3", "D2": "D2"}),
    ],
)
def test_each_optimizer_holds_its_networks_and_the_papers_adam(nets, stage, apart, expected):
    paper = replace(PRESETS["paper"], adam_per_cycle=apart)
    optimizers = make_optimizers(nets, stage, paper.stages()[stage], paper)
    assert optimizers.keys() == expected.keys()
    for name, letters in expected.items():
        (group,) = optimizers[name].param_groups
        wanted = {id(p) for letter in letters.split() for p in getattr(nets, letter).parameters()}
        assert {id(p) for p in group["params"]} == wanted
        assert group["betas"] == ((0.9 if stage == "pretrain" else 0.5), 0.999)
        assert group["eps"] == 1e-8
        assert group["weight_decay"] == 0


@pytest.mark.parametrize(
    ("step", "share"), [(0, 1), (39_999, 1), (40_000, 0.5), (79_999, 0.5), (80_000, 0.25), (399_999, 0.5**9)]
)
def test_the_papers_rate_is_halved_every_forty_thousand_steps(step, share):
    assert rate(PRESETS["paper"].first, step) == share


def test_the_cosine_falls_from_one_to_its_floor():
    stage = Stage(steps=260, lr_floor=0.1)
    assert rate(stage, 0) == 1
    assert rate(stage, stage.steps // 2) == pytest.approx((1 + stage.lr_floor) / 2)
    assert rate(stage, stage.steps // 4) == pytest.approx(
        stage.lr_floor + (1 - stage.lr_floor) * 0.5 * (1 + math.cos(math.pi / 4))
    )
    assert rate(stage, stage.steps) == rate(stage, 10 * stage.steps) == pytest.approx(stage.lr_floor)


def test_discriminators_have_their_own_rate(nets):
    preset = with_settings(PRESETS["smoke"], {"joint.lr": 1e-3, "joint.lr_D": 4e-3})
    optimizers = make_optimizers(nets, "joint", preset.joint, preset)
    for step in (0, 2):
        set_rates(optimizers, preset.joint, step)
        for name, optimizer in optimizers.items():
            start = 4e-3 if name in ("D1", "D2") else 1e-3
            assert optimizer.param_groups[0]["lr"] == pytest.approx(start * rate(preset.joint, step))
