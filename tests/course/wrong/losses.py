"""Wrong answers to assignment 2: the losses of cycle one."""

import torch
import torch.nn.functional as F

from .given import (
    cycle_loss,
    discriminator_loss,
    generator_loss,
    identity_loss,
    total_variation,
    weighted_total,
)
from .registry import wrong

# generator_loss


@wrong("generator_loss", "the target is 0, the judge's own for fakes", "real")
def generator_wants_fake(scores):
    return (scores**2).mean()


@wrong("generator_loss", "the sign of the 1 is wrong", "sign")
def generator_plus_one(scores):
    return ((scores + 1) ** 2).mean()


@wrong("generator_loss", "the square is missing", "square")
def generator_absolute(scores):
    return (scores - 1).abs().mean()


@wrong("generator_loss", "a sum, not a mean", "mean")
def generator_sum(scores):
    return ((scores - 1) ** 2).sum()


@wrong("generator_loss", "a mean over the batch only, a sum over the map", "mean")
def generator_mean_over_batch(scores):
    return ((scores - 1) ** 2).flatten(1).sum(1).mean()


@wrong("generator_loss", "one number for each image", "one element")
def generator_per_image(scores):
    return ((scores - 1) ** 2).mean((1, 2, 3))


@wrong("generator_loss", "with a factor one half", "half")
def generator_halved(scores):
    return 0.5 * ((scores - 1) ** 2).mean()


@wrong("generator_loss", "the square of the mean, not the mean of the square", "square")
def generator_square_of_mean(scores):
    return (scores.mean() - 1) ** 2


@wrong("generator_loss", "a root around the mean", "root")
def generator_root(scores):
    return ((scores - 1) ** 2).mean().sqrt()


@wrong("generator_loss", "the cross-entropy of the first GAN", "square")
def generator_cross_entropy(scores):
    return F.binary_cross_entropy_with_logits(scores, torch.ones_like(scores))


@wrong("generator_loss", "the scores are clamped: no gradient where the judge is sure", "clamp")
def generator_clamped(scores):
    return ((scores.clamp(0, 1) - 1) ** 2).mean()


@wrong("generator_loss", "a number without a graph", "gradient")
def generator_detached(scores):
    return torch.tensor(((scores - 1) ** 2).mean().item(), dtype=scores.dtype)


@wrong("generator_loss", "1 is taken off the input itself", "input")
def generator_in_place(scores):
    scores.data -= 1
    return (scores**2).mean()


# discriminator_loss


@wrong("discriminator_loss", "the targets are swapped", "swap")
def discriminator_swapped(real, fake):
    return (real**2).mean() + ((fake - 1) ** 2).mean()


@wrong("discriminator_loss", "with a factor one half", "half")
def discriminator_halved(real, fake):
    return 0.5 * (((real - 1) ** 2).mean() + (fake**2).mean())


@wrong("discriminator_loss", "the fakes are left out", "fake")
def discriminator_real_only(real, fake):
    return ((real - 1) ** 2).mean()


@wrong("discriminator_loss", "the real patches are left out", "real")
def discriminator_fake_only(real, fake):
    return (fake**2).mean()


@wrong("discriminator_loss", "the fakes are subtracted", "sign")
def discriminator_minus(real, fake):
    return ((real - 1) ** 2).mean() - (fake**2).mean()


@wrong("discriminator_loss", "one mean over both batches, twice: the larger batch counts more", "two means")
def discriminator_one_mean(real, fake):
    return 2 * torch.cat([(real - 1).flatten() ** 2, fake.flatten() ** 2]).mean()


@wrong("discriminator_loss", "sums, not means", "mean")
def discriminator_sums(real, fake):
    return ((real - 1) ** 2).sum() + (fake**2).sum()


@wrong("discriminator_loss", "absolute values, not squares", "square")
def discriminator_absolute(real, fake):
    return (real - 1).abs().mean() + fake.abs().mean()


@wrong("discriminator_loss", "label smoothing: real is 0.9", "real")
def discriminator_smoothed(real, fake):
    return ((real - 0.9) ** 2).mean() + (fake**2).mean()


@wrong("discriminator_loss", "Wasserstein's loss", "square")
def discriminator_wasserstein(real, fake):
    return fake.mean() - real.mean()


@wrong("discriminator_loss", "the scores of fakes are detached: D learns nothing of them", "gradient")
def discriminator_detaches_scores(real, fake):
    return ((real - 1) ** 2).mean() + (fake.detach() ** 2).mean()


@wrong("discriminator_loss", "real and fake as a difference, which needs batches of equal size", "size")
def discriminator_stacked(real, fake):
    return (torch.stack([real - 1, fake]) ** 2).mean() * 2


# cycle_loss


@wrong("cycle_loss", "soiled first, then cleaned", "order")
def cycle_backwards(G1, G2, x):
    return ((G1(G2(x)) - x) ** 2).mean()


@wrong("cycle_loss", "absolute, not squared", "square")
def cycle_absolute(G1, G2, x):
    return (G2(G1(x)) - x).abs().mean()


@wrong("cycle_loss", "a sum, not a mean", "mean")
def cycle_sum(G1, G2, x):
    return ((G2(G1(x)) - x) ** 2).sum()


@wrong("cycle_loss", "a mean over the batch only", "mean")
def cycle_mean_over_batch(G1, G2, x):
    return ((G2(G1(x)) - x) ** 2).sum((1, 2, 3)).mean()


@wrong("cycle_loss", "compared with G1(x), not with x", "compare")
def cycle_against_cleaned(G1, G2, x):
    y_tilde = G1(x)
    return ((G2(y_tilde) - y_tilde) ** 2).mean()


@wrong("cycle_loss", "G1 is left out", "G1")
def cycle_without_first(G1, G2, x):
    return ((G2(x) - x) ** 2).mean()


@wrong("cycle_loss", "G2 is left out", "G2")
def cycle_without_second(G1, G2, x):
    return ((G1(x) - x) ** 2).mean()


@wrong("cycle_loss", "G1 both ways", "G2")
def cycle_twice_the_same(G1, G2, x):
    return ((G1(G1(x)) - x) ** 2).mean()


@wrong("cycle_loss", "G1(x) is detached: G1 learns nothing", "gradient")
def cycle_detached(G1, G2, x):
    return ((G2(G1(x).detach()) - x) ** 2).mean()


@wrong("cycle_loss", "G1(x) is clamped, which kills gradients", "clamp")
def cycle_clamped(G1, G2, x):
    return ((G2(G1(x).clamp(0, 1)) - x) ** 2).mean()


@wrong("cycle_loss", "a root around the mean", "root")
def cycle_root(G1, G2, x):
    return ((G2(G1(x)) - x) ** 2).mean().sqrt()


@wrong("cycle_loss", "compared with the picture of the next in the batch", "batch")
def cycle_with_neighbour(G1, G2, x):
    return ((G2(G1(x)) - x.roll(1, 0)) ** 2).mean()


# identity_loss


@wrong("identity_loss", "squared, not absolute", "absolute")
def identity_squared(G1, y):
    return ((G1(y) - y) ** 2).mean()


@wrong("identity_loss", "without the absolute value: differences cancel", "absolute")
def identity_signed(G1, y):
    return (G1(y) - y).mean()


@wrong("identity_loss", "the absolute value of the mean", "absolute")
def identity_absolute_of_mean(G1, y):
    return (G1(y) - y).mean().abs()


@wrong("identity_loss", "a sum, not a mean", "mean")
def identity_sum(G1, y):
    return (G1(y) - y).abs().sum()


@wrong("identity_loss", "channels are added, pixels averaged", "channel")
def identity_sums_channels(G1, y):
    return (G1(y) - y).abs().sum(1).mean()


@wrong("identity_loss", "the smooth L1 of torch", "absolute")
def identity_smooth(G1, y):
    return F.smooth_l1_loss(G1(y), y)


@wrong("identity_loss", "G1 twice", "G1(y)")
def identity_twice(G1, y):
    return (G1(G1(y)) - y).abs().mean()


@wrong("identity_loss", "G1(y) is computed under no_grad", "gradient")
def identity_without_graph(G1, y):
    with torch.no_grad():
        cleaned = G1(y)
    return (cleaned - y).abs().mean()


@wrong("identity_loss", "G1(y) is clamped", "clamp")
def identity_clamped(G1, y):
    return (G1(y).clamp(0, 1) - y).abs().mean()


@wrong("identity_loss", "float64 comes back as float32", "dtype")
def identity_in_single(G1, y):
    return (G1(y) - y).abs().mean().float()


# total_variation


@wrong("total_variation", "absolute, not squared", "square")
def tv_absolute(images):
    return images.diff(dim=2).abs().mean() + images.diff(dim=3).abs().mean()


@wrong("total_variation", "sums, not means", "mean")
def tv_sum(images):
    return (images.diff(dim=2) ** 2).sum() + (images.diff(dim=3) ** 2).sum()


@wrong("total_variation", "sums divided by the size of the batch only", "mean")
def tv_over_batch(images):
    return ((images.diff(dim=2) ** 2).sum() + (images.diff(dim=3) ** 2).sum()) / len(images)


@wrong("total_variation", "divided by the number of pixels, not of differences", "mean")
def tv_over_pixels(images):
    return ((images.diff(dim=2) ** 2).sum() + (images.diff(dim=3) ** 2).sum()) / images.numel()


@wrong("total_variation", "one mean over the differences of both directions", "half")
def tv_one_mean(images):
    return torch.cat([images.diff(dim=2).flatten(), images.diff(dim=3).flatten()]).square().mean()


@wrong("total_variation", "only downwards", "right")
def tv_down_only(images):
    return (images.diff(dim=2) ** 2).mean()


@wrong("total_variation", "only to the right", "down")
def tv_right_only(images):
    return (images.diff(dim=3) ** 2).mean()


@wrong("total_variation", "from channel to channel and down", "channel")
def tv_across_channels(images):
    return (images.diff(dim=1) ** 2).mean() + (images.diff(dim=2) ** 2).mean()


@wrong("total_variation", "differences go around the border", "border")
def tv_around(images):
    return ((images - images.roll(1, 2)) ** 2).mean() + ((images - images.roll(1, 3)) ** 2).mean()


@wrong("total_variation", "the border is compared with zeros beyond it", "border")
def tv_with_zeros(images):
    padded = F.pad(images, (0, 1, 0, 1))
    down = padded[..., 1:, :-1] - images
    right = padded[..., :-1, 1:] - images
    return (down**2).mean() + (right**2).mean()


@wrong("total_variation", "a root at each pixel", "root")
def tv_root(images):
    down = images[..., 1:, :-1] - images[..., :-1, :-1]
    right = images[..., :-1, 1:] - images[..., :-1, :-1]
    return (down**2 + right**2 + 1e-12).sqrt().mean()


@wrong("total_variation", "neighbours two pixels apart", "neighbour")
def tv_two_apart(images):
    return ((images[..., 1:, :] - images[..., :-1, :]) ** 2).mean() + ((images[..., 2:] - images[..., :-2]) ** 2).mean()


@wrong("total_variation", "second differences", "difference")
def tv_of_second_order(images):
    return (images.diff(n=2, dim=2) ** 2).mean() + (images.diff(n=2, dim=3) ** 2).mean()


@wrong("total_variation", "the diagonal neighbour", "diagonal")
def tv_diagonal(images):
    return 2 * ((images[..., 1:, 1:] - images[..., :-1, :-1]) ** 2).mean()


@wrong("total_variation", "the square of the mean difference", "square")
def tv_square_of_mean(images):
    return images.diff(dim=2).mean() ** 2 + images.diff(dim=3).mean() ** 2


@wrong("total_variation", "the images are clamped first", "clamp")
def tv_clamped(images):
    return total_variation(images.clamp(0, 1))


# weighted_total


@wrong("weighted_total", "the adversarial term is left out", "gan")
def total_without_gan(terms, weights):
    return sum(weights[name] * terms[name] for name in ("cycle", "identity", "tv"))


@wrong("weighted_total", "the weight of TV is forgotten", "tv")
def total_with_plain_tv(terms, weights):
    return terms["gan"] + weights["cycle"] * terms["cycle"] + weights["identity"] * terms["identity"] + terms["tv"]


@wrong("weighted_total", "TV is left out", "tv")
def total_without_tv(terms, weights):
    return terms["gan"] + weights["cycle"] * terms["cycle"] + weights["identity"] * terms["identity"]


@wrong("weighted_total", "all weights are forgotten", "weight")
def total_without_weights(terms, weights):
    return terms["gan"] + terms["cycle"] + terms["identity"] + terms["tv"]


@wrong("weighted_total", "the weights of cycle and identity are swapped", "cycle")
def total_swapped(terms, weights):
    return (
        terms["gan"]
        + weights["identity"] * terms["cycle"]
        + weights["cycle"] * terms["identity"]
        + weights["tv"] * terms["tv"]
    )


@wrong("weighted_total", "divided by the sum of the weights", "sum")
def total_as_mean(terms, weights):
    return weighted_total(terms, weights) / (1 + sum(weights.values()))


@wrong("weighted_total", "the weights are taken in the dictionary's order, whatever their names", "name")
def total_by_position(terms, weights):
    return sum(w * term for w, term in zip([1, *weights.values()], terms.values(), strict=True))


@wrong("weighted_total", "the sum is collected in the adversarial term itself", "input")
def total_in_place(terms, weights):
    loss = terms["gan"]
    for name in weights:
        loss += weights[name] * terms[name]
    return loss


@wrong("weighted_total", "the dictionary of terms is overwritten", "input")
def total_overwrites(terms, weights):
    for name in weights:
        terms[name] = weights[name] * terms[name]
    return sum(terms.values())


@wrong("weighted_total", "a number without a graph", "gradient")
def total_without_graph(terms, weights):
    return torch.as_tensor(weighted_total({name: term.item() for name, term in terms.items()}, weights))


@wrong("weighted_total", "the adversarial term is multiplied by the weight of the cycle", "gan")
def total_weighs_gan(terms, weights):
    return weights["cycle"] * (terms["gan"] + terms["cycle"]) + sum(
        weights[name] * terms[name] for name in ("identity", "tv")
    )


# cycle_one_loss


def _total(weights, gan, cycle, identity, tv):
    return weighted_total({"gan": gan, "cycle": cycle, "identity": identity, "tv": tv}, weights)


@wrong("cycle_one_loss", "the identity of x, not of y", "identity")
def cycle_one_identity_of_x(G1, G2, D1, x, y, weights):
    cleaned = G1(x)
    return _total(
        weights, generator_loss(D1(cleaned)), cycle_loss(G1, G2, x), identity_loss(G1, x), total_variation(cleaned)
    )


@wrong("cycle_one_loss", "the identity of G2, not of G1", "identity")
def cycle_one_identity_of_G2(G1, G2, D1, x, y, weights):
    cleaned = G1(x)
    return _total(
        weights, generator_loss(D1(cleaned)), cycle_loss(G1, G2, x), identity_loss(G2, y), total_variation(cleaned)
    )


@wrong("cycle_one_loss", "the identity term compares G1(x) with y", "identity")
def cycle_one_as_if_paired(G1, G2, D1, x, y, weights):
    cleaned = G1(x)
    identity = (cleaned - y).abs().mean()
    return _total(weights, generator_loss(D1(cleaned)), cycle_loss(G1, G2, x), identity, total_variation(cleaned))


@wrong("cycle_one_loss", "the total variation of x", "total variation")
def cycle_one_tv_of_x(G1, G2, D1, x, y, weights):
    return _total(weights, generator_loss(D1(G1(x))), cycle_loss(G1, G2, x), identity_loss(G1, y), total_variation(x))


@wrong("cycle_one_loss", "the total variation of G2(G1(x))", "total variation")
def cycle_one_tv_of_the_cycle(G1, G2, D1, x, y, weights):
    cleaned = G1(x)
    return _total(
        weights, generator_loss(D1(cleaned)), cycle_loss(G1, G2, x), identity_loss(G1, y), total_variation(G2(cleaned))
    )


@wrong("cycle_one_loss", "D1 judges x, not G1(x)", "D1")
def cycle_one_judges_x(G1, G2, D1, x, y, weights):
    return _total(weights, generator_loss(D1(x)), cycle_loss(G1, G2, x), identity_loss(G1, y), total_variation(G1(x)))


@wrong("cycle_one_loss", "D1 judges G1(y)", "D1")
def cycle_one_judges_cleaned_y(G1, G2, D1, x, y, weights):
    return _total(
        weights, generator_loss(D1(G1(y))), cycle_loss(G1, G2, x), identity_loss(G1, y), total_variation(G1(x))
    )


@wrong("cycle_one_loss", "the fake is detached from G1", "gradient")
def cycle_one_detaches_fake(G1, G2, D1, x, y, weights):
    cleaned = G1(x)
    gan = generator_loss(D1(cleaned.detach()))
    return _total(weights, gan, cycle_loss(G1, G2, x), identity_loss(G1, y), total_variation(cleaned))


@wrong("cycle_one_loss", "D1 is asked under no_grad", "gradient")
def cycle_one_asks_without_graph(G1, G2, D1, x, y, weights):
    cleaned = G1(x)
    with torch.no_grad():
        gan = generator_loss(D1(cleaned))
    return _total(weights, gan, cycle_loss(G1, G2, x), identity_loss(G1, y), total_variation(cleaned))


@wrong("cycle_one_loss", "the judge's loss in place of the generator's", "adversarial")
def cycle_one_with_the_judges_loss(G1, G2, D1, x, y, weights):
    cleaned = G1(x)
    gan = discriminator_loss(D1(y), D1(cleaned))
    return _total(weights, gan, cycle_loss(G1, G2, x), identity_loss(G1, y), total_variation(cleaned))


@wrong("cycle_one_loss", "the cycle of y, not of x", "cycle")
def cycle_one_cycle_of_y(G1, G2, D1, x, y, weights):
    cleaned = G1(x)
    return _total(
        weights, generator_loss(D1(cleaned)), cycle_loss(G1, G2, y), identity_loss(G1, y), total_variation(cleaned)
    )


@wrong("cycle_one_loss", "G1 and G2 are swapped in the cycle", "cycle")
def cycle_one_cycle_backwards(G1, G2, D1, x, y, weights):
    cleaned = G1(x)
    return _total(
        weights, generator_loss(D1(cleaned)), cycle_loss(G2, G1, x), identity_loss(G1, y), total_variation(cleaned)
    )


@wrong("cycle_one_loss", "the weights are the paper's, whatever is given", "weight")
def cycle_one_with_fixed_weights(G1, G2, D1, x, y, weights):
    cleaned = G1(x)
    fixed = {"cycle": 10, "identity": 5, "tv": 0.5}
    return _total(
        fixed, generator_loss(D1(cleaned)), cycle_loss(G1, G2, x), identity_loss(G1, y), total_variation(cleaned)
    )


# judge_loss


@wrong("judge_loss", "the fake is not detached: G1 gets gradients", "gradient")
def judge_without_detach(D1, G1, x, y):
    return discriminator_loss(D1(y), D1(G1(x)))


@wrong("judge_loss", "real and fake are swapped", "swap")
def judge_swapped(D1, G1, x, y):
    return discriminator_loss(D1(G1(x).detach()), D1(y))


@wrong("judge_loss", "the fakes are x, not G1(x)", "fake")
def judge_of_x(D1, G1, x, y):
    return discriminator_loss(D1(y), D1(x))


@wrong("judge_loss", "the real patches are x", "real")
def judge_takes_x_for_real(D1, G1, x, y):
    return discriminator_loss(D1(x), D1(G1(x).detach()))


@wrong("judge_loss", "the fakes are G1(y)", "fake")
def judge_of_cleaned_y(D1, G1, x, y):
    return discriminator_loss(D1(y), D1(G1(y).detach()))


@wrong("judge_loss", "D1's scores are detached, not the fakes", "gradient")
def judge_detaches_scores(D1, G1, x, y):
    return discriminator_loss(D1(y), D1(G1(x)).detach())


@wrong("judge_loss", "the whole loss is detached", "gradient")
def judge_detaches_all(D1, G1, x, y):
    return discriminator_loss(D1(y), D1(G1(x))).detach()


@wrong("judge_loss", "no_grad around D1 as well", "gradient")
def judge_without_graph(D1, G1, x, y):
    with torch.no_grad():
        fake = D1(G1(x))
    return discriminator_loss(D1(y), fake)


@wrong("judge_loss", "G1 is frozen and stays so", "requires_grad")
def judge_freezes(D1, G1, x, y):
    for parameter in G1.parameters():
        parameter.requires_grad_(False)
    return discriminator_loss(D1(y), D1(G1(x)))


@wrong("judge_loss", "afterwards all weights are thawed, also those that were frozen", "requires_grad")
def judge_thaws_all(D1, G1, x, y):
    for parameter in G1.parameters():
        parameter.requires_grad_(False)
    loss = discriminator_loss(D1(y), D1(G1(x)))
    for parameter in G1.parameters():
        parameter.requires_grad_(True)
    return loss


@wrong("judge_loss", "the generator's loss", "fake")
def judge_with_generators_loss(D1, G1, x, y):
    return generator_loss(D1(G1(x).detach()))


@wrong("judge_loss", "with a factor one half", "half")
def judge_halved(D1, G1, x, y):
    return discriminator_loss(D1(y), D1(G1(x).detach())) / 2


# own_losses


@wrong("own_losses", "absolute differences, not squares", "square")
def own_losses_absolute():
    return {"variant": 0, "tv": 0.5 / 3 + 0.7 / 4, "judge": 0.26}


@wrong("own_losses", "sums, not means", "mean")
def own_losses_sums():
    return {"variant": 0, "tv": 0.24, "judge": 0.26}


@wrong("own_losses", "one mean over all seven differences", "two means")
def own_losses_one_mean():
    return {"variant": 0, "tv": 0.24 / 7, "judge": 0.26}


@wrong("own_losses", "only downwards", "right")
def own_losses_down_only():
    return {"variant": 0, "tv": 0.03, "judge": 0.26}


@wrong("own_losses", "the three channels are added", "channel")
def own_losses_three_channels():
    return {"variant": 0, "tv": 0.2025, "judge": 0.26}


@wrong("own_losses", "the judge's targets are swapped", "judge")
def own_losses_swapped():
    return {"variant": 0, "tv": 0.0675, "judge": 1.06}


@wrong("own_losses", "the judge's loss is halved", "half")
def own_losses_halved():
    return {"variant": 0, "tv": 0.0675, "judge": 0.13}


@wrong("own_losses", "the judge's loss without squares", "square")
def own_losses_judge_absolute():
    return {"variant": 0, "tv": 0.0675, "judge": 0.6}
