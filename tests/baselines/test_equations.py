"""Losses, layers and steps against a hand computation, a plain loop or another implementation."""

import copy
import itertools
import math

import pytest
import torch
from helpers import assert_same_tensors, random_images, soft_image
from skimage.color import rgb2ycbcr, ycbcr2rgb
from torch import nn
from torch.nn import functional as F

from cincgan_tutorial.baselines import SRGAN, CycleGAN, DualGAN, FSRCNNSystem, ImagePool, Phase, edsr
from cincgan_tutorial.baselines import features as features_module
from cincgan_tutorial.baselines.features import StandInFeatures, VGGFeatures, make_features
from cincgan_tutorial.baselines.srgan import judged_fake, judged_real
from cincgan_tutorial.degradation import bicubic_upsample
from cincgan_tutorial.images import luma
from cincgan_tutorial.seeds import torch_generator
from cincgan_tutorial.training import Arithmetic

FP32 = Arithmetic("fp32", torch.device("cpu"))


class Add(nn.Module):
    """Adds a number to an image: the distances of a cycle are then known without a computation."""

    def __init__(self, amount):
        super().__init__()
        self.amount = nn.Parameter(torch.tensor(amount))

    def forward(self, images):
        return images + self.amount


class Says(nn.Module):
    """Gives every image the mean of its pixels, times a weight, as its score."""

    def __init__(self, weight=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, images):
        return self.weight * images.mean((1, 2, 3), keepdim=True)


@pytest.mark.parametrize(
    ("fall", "expected"),
    [
        ("cosine", [1.0, 0.05 + 0.95 * 0.5 * (1 + math.cos(0.75 * math.pi))]),
        ("late", [1.0, 0.5]),
        ("never", [1.0, 1.0]),
    ],
)
def test_learning_rates_fall_as_a_phase_says(fall, expected, smoke):
    phase = Phase("p", "clean pairs", 1, fall=fall)
    assert [phase.rate(step, 8) for step in (0, 6)] == pytest.approx(expected)
    system = edsr(smoke)
    system.begin(phase, FP32)
    system.set_rates(6, 8)
    (group,) = system.optimizers["network"].param_groups
    assert group["lr"] == pytest.approx(smoke.pretrain.lr * expected[1])
    assert phase.rate(3, 8) == pytest.approx(1.0) or fall == "cosine"


def test_fsrcnn_moves_the_luma_and_leaves_the_chroma_to_bicubic(smoke):
    system = FSRCNNSystem(smoke).eval()
    x = 0.4 + 0.2 * soft_image(9, 11)
    with torch.no_grad():
        result = system(x)
        expected = rgb2ycbcr(bicubic_upsample(x)[0].permute(1, 2, 0).double().numpy())
        expected[..., 0] = 255 * system.network(luma(x))[0, 0].double().numpy()
    wanted = torch.from_numpy(ycbcr2rgb(expected)).permute(2, 0, 1).float()
    # skimage's two matrices are inverse to each other up to three digits.
    torch.testing.assert_close(result[0], wanted, atol=2e-3, rtol=0)


def test_fsrcnns_deconvolution_learns_ten_times_slower(smoke):
    system = FSRCNNSystem(smoke)
    system.begin(system.phases[0], FP32)
    rates = [group["lr"] for group in system.optimizers["network"].param_groups]
    assert rates[0] == pytest.approx(10 * rates[1])


def test_srgans_judgement_is_binary_cross_entropy():
    scores = torch.tensor([[-3.0], [0.0], [20.0], [-40.0]])
    reference = F.binary_cross_entropy_with_logits
    torch.testing.assert_close(judged_real(scores), reference(scores, torch.ones(4, 1)))
    torch.testing.assert_close(judged_fake(scores), reference(scores, torch.zeros(4, 1)))


# Below this a gradient is rounding: it is 4e-6 at most where it should be 0, and 1e-4 at least everywhere else.
ROUNDING = 1e-5


def biases_before_batch_norm(network):
    """Names of biases that BatchNorm takes out again: their gradient is rounding, which Adam makes a whole step of."""
    modules = [(name, module) for name, module in network.named_modules() if not list(module.children())]
    pairs = itertools.pairwise(modules)
    found = {f"{name}.bias" for (name, one), (_, after) in pairs if isinstance(after, torch.nn.BatchNorm2d)}
    assert found
    return found


def test_a_step_of_srgans_game_is_that_of_a_plain_loop(smoke, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    system = SRGAN(smoke)
    G, D, features = copy.deepcopy(system.G), copy.deepcopy(system.D), StandInFeatures()
    low, high = random_images(2, 16, 16), random_images(2, 64, 64, seed=1)
    system.begin(system.phases[1], FP32)
    losses = system.step((low, high))

    optimizers = {name: torch.optim.Adam(net.parameters(), 1e-4, (0.9, 0.999)) for name, net in (("G", G), ("D", D))}
    G.train(), D.train()
    fake = G(low)
    scores = D(fake)
    gan = F.binary_cross_entropy_with_logits(scores, torch.ones_like(scores))
    content = F.mse_loss(features(fake), features(high))
    (content + 1e-3 * gan).backward()
    optimizers["G"].step()
    D.zero_grad()
    real = D(high)
    (
        F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
        + F.binary_cross_entropy_with_logits(D(fake.detach()), torch.zeros_like(real))
    ).backward()
    optimizers["D"].step()

    assert losses["gan"].item() == pytest.approx(gan.item(), rel=1e-5)
    assert losses["content"].item() == pytest.approx(content.item(), rel=1e-5)
    for ours, theirs in ((system.G, G), (system.D, D)):
        without_effect = biases_before_batch_norm(ours)
        for (name, value), wanted in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            if name in without_effect:
                assert wanted.grad.abs().max() < ROUNDING, name
            else:
                torch.testing.assert_close(value, wanted, atol=1e-6, rtol=0, msg=name)


def test_vgg_is_taken_where_its_weights_are(monkeypatch, tmp_path, smoke):
    monkeypatch.setattr(features_module, "_LAYERS", (4, 0, 8))
    layers = features_module.vgg19_layers()
    saved = {f"features.{name}": value for name, value in layers.state_dict().items()}
    file = tmp_path / "checkpoints" / "vgg19-dcbb9e9d.pth"
    file.parent.mkdir()
    torch.save(saved | {"classifier.0.weight": torch.zeros(2)}, file)
    monkeypatch.delenv("CINCGAN_VGG19", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    features, name = make_features()
    assert isinstance(features, VGGFeatures)
    assert name == ""
    assert SRGAN(smoke).name == "SRGAN-1x8"
    assert not any(parameter.requires_grad for parameter in features.parameters())
    image = random_images(1, 8, 8)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    torch.testing.assert_close(features(image), layers((image - mean) / std) / 12.75)
    monkeypatch.setenv("CINCGAN_VGG19", str(tmp_path / "nothing.pth"))
    with pytest.raises(ValueError, match=r"nothing.pth: no such file"):
        make_features()


def test_features_are_no_part_of_what_is_trained_or_saved(smoke, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    system = SRGAN(smoke)
    assert {name.split(".")[0] for name in system.state_dict()} == {"G", "D"}


def cycle_gan(smoke, a=0.1, b=-0.05):
    system = CycleGAN(smoke)
    system.G, system.F, system.D_Z, system.D_X = Add(a), Add(b), Says(), Says(0.5)
    system.begin(system.phases[0], FP32)
    return system


def test_cyclegans_terms_are_those_of_a_hand_computation(smoke):
    """G adds 0.1 and F takes 0.05: both cycles are off by 0.05. In [-1, 1] all distances are twice as large."""
    x, z = torch.full((1, 3, 4, 4), 0.5), torch.full((1, 3, 4, 4), 0.25)
    terms, to_z, to_x = cycle_gan(smoke).terms(x, z)
    assert terms.cycle.item() == pytest.approx(2 * (0.05 + 0.05))
    assert terms.identity.item() == pytest.approx(2 * (0.1 + 0.05))
    assert terms.gan.item() == pytest.approx((0.6 - 1) ** 2 + (0.5 * 0.2 - 1) ** 2)
    assert (to_z.mean().item(), to_x.mean().item()) == (pytest.approx(0.6), pytest.approx(0.2))
    total = terms.total(10.0)
    assert total.item() == pytest.approx(terms.gan.item() + 10 * 0.2 + 5 * 0.3)


def test_cyclegans_judges_learn_at_half_their_loss(smoke):
    system = cycle_gan(smoke)
    x, z = torch.full((1, 3, 16, 16), 0.5), torch.full((1, 3, 64, 64), 0.25)
    losses = system.step((x, x, z))
    real, fake = (0.25 - 1) ** 2 + (0.25 - 1) ** 2, 0.6**2 + (0.5 * 0.2) ** 2
    assert losses["D"].item() == pytest.approx(0.5 * (real + fake), abs=1e-4)
    group = system.optimizers["G"].param_groups[0]
    assert (group["lr"], group["betas"][0]) == (2e-4, 0.5)


def test_the_pool_is_that_of_a_plain_list():
    pool, kept = ImagePool(3, 2, seed=7, stream=1), []
    replaced = 0
    for number in range(40):
        fake = torch.full((1, 3, 2, 2), float(number))
        shown = pool.exchange(fake)
        if len(kept) < 3:
            kept.append(fake)
            wanted = fake
        else:
            draw = torch_generator(7, 1, number)
            old, place = (int(torch.randint(n, (), generator=draw)) for n in (2, 3))
            wanted = kept[place] if old else fake
            kept[place] = fake if old else kept[place]
            replaced += old
        assert torch.equal(shown, wanted)
    assert 8 < replaced < 29
    assert int(pool.count) == 40


def test_a_pool_goes_on_from_its_state():
    fakes = [random_images(2, 2, 2, seed) for seed in range(9)]
    whole = ImagePool(3, 2, seed=7, stream=1)
    expected = [whole.exchange(fake) for fake in fakes]
    first = ImagePool(3, 2, seed=7, stream=1)
    for fake in fakes[:5]:
        first.exchange(fake)
    second = ImagePool(3, 2, seed=7, stream=1)
    second.load_state_dict(first.state_dict())
    assert all(torch.equal(second.exchange(fake), wanted) for fake, wanted in zip(fakes[5:], expected[5:], strict=True))
    assert_same_tensors(second.state_dict(), whole.state_dict())


def dual_gan(smoke):
    system = DualGAN(smoke)
    system.G_Z, system.G_X, system.D_Z, system.D_X = Add(0.1), Add(-0.05), Says(), Says(0.5)
    system.begin(system.phases[0], FP32)
    return system


def test_dualgans_terms_are_those_of_a_hand_computation(smoke):
    system = dual_gan(smoke)
    x, z = torch.full((1, 3, 4, 4), 0.5), torch.full((1, 3, 4, 4), 0.25)
    gan, cycle = system.generators_terms(x, z)
    assert gan.item() == pytest.approx(-0.6 - 0.5 * 0.2)
    assert cycle.item() == pytest.approx(2 * (0.05 + 0.05))
    assert system.critics_loss(x, z).item() == pytest.approx(0.6 + 0.5 * 0.2 - 0.25 - 0.5 * 0.5)


def test_dualgans_critics_are_clipped_and_move_towards_the_real(smoke):
    system = dual_gan(smoke)
    x, z = torch.full((3, 3, 4, 4), 0.5), torch.full((3, 3, 16, 16), 0.9)
    system.D_Z.weight.data.fill_(0.005)
    system.D_X.weight.data.fill_(-3.0)
    system.step((x, x, z))
    assert system.D_X.weight.item() == pytest.approx(-0.01)  # cut, although it has moved by far less
    assert system.D_Z.weight.item() > 0.005  # z is brighter than G_Z(x): a higher score for bright is right
    # Three moves of the critics for one of the generators.
    steps = {name: int(next(iter(opt.state.values()))["step"]) for name, opt in system.optimizers.items()}
    assert steps == {"G": 1, "D": 3}


def test_dualgan_follows_rmsprop():
    """Its first move, from nothing: lr g / (sqrt(0.01 g^2) + eps) = 10 lr."""
    weight = nn.Parameter(torch.tensor(1.0))
    optimizer = torch.optim.RMSprop([weight], lr=5e-5)
    (3 * weight).backward()
    optimizer.step()
    assert weight.item() == pytest.approx(1 - 10 * 5e-5, abs=1e-7)
