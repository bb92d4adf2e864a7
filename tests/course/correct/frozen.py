"""Correct answers that freeze and thaw, and one that reduces with PyTorch's own resampling on a mirrored picture."""

import torch
import torch.nn.functional as F


def bicubic_downsample(z, scale):
    h, w = z.shape[-2:]
    wide = torch.cat([z.flip(-1), z, z.flip(-1)], -1)
    wide = torch.cat([wide, wide, wide], -1) if w < 4 * scale else wide
    if w < 4 * scale:
        # Three periods of three: mirrored again at both ends.
        wide = torch.cat([z, z.flip(-1), z, z.flip(-1), z, z.flip(-1), z, z.flip(-1), z], -1)
    tall = torch.cat([wide, wide.flip(-2)] * 4 + [wide], -2)
    small = F.interpolate(tall, size=(9 * h // scale, wide.shape[-1] // scale), mode="bicubic", antialias=True)
    left = w // scale * (4 if w < 4 * scale else 1)
    return small[..., 4 * h // scale : 5 * h // scale, left : left + w // scale]


def noisy(clean, std_8bit, photons, generator):
    variance = (std_8bit / 255) ** 2 + torch.maximum(clean, torch.zeros_like(clean)) / photons
    epsilon = torch.empty_like(clean).normal_(generator=generator)
    return torch.addcmul(clean, variance.sqrt(), epsilon)


def judge_loss(D1, G1, x, y):
    learning = [parameter for parameter in G1.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    loss = (D1(y) - 1).pow(2).mean() + D1(G1(x)).pow(2).mean()
    for parameter in learning:
        parameter.requires_grad_(True)
    return loss


def cycle_one_loss(G1, G2, D1, x, y, weights):
    y_tilde = G1(x)
    down = y_tilde[:, :, 1:, :] - y_tilde[:, :, :-1, :]
    right = y_tilde[:, :, :, 1:] - y_tilde[:, :, :, :-1]
    loss = F.mse_loss(D1(y_tilde), torch.ones_like(D1(y_tilde)))
    loss = loss + weights["cycle"] * F.mse_loss(G2(y_tilde), x)
    loss = loss + weights["identity"] * F.l1_loss(G1(y), y)
    return loss + weights["tv"] * (torch.mean(down**2) + torch.mean(right**2))


def _msq(value):
    return value.pow(2).mean()


def _tv(images):
    return _msq(images[:, :, 1:] - images[:, :, :-1]) + _msq(images[..., 1:] - images[..., :-1])


def cycle_two_terms(nets, x, y, z):
    for parameter in nets.D2.parameters():
        parameter.requires_grad_(False)
    z_tilde = nets.SR(nets.G1(x))
    gan = _msq(nets.D2(z_tilde) - 1)
    for parameter in nets.D2.parameters():
        parameter.requires_grad_(True)
    return {
        "tv": _tv(z_tilde),
        "cycle": _msq(nets.G3(z_tilde) - x),
        "identity": _msq(nets.SR(y) - z),
        "gan": gan,
    }, z_tilde


def generators_step(nets, optimizer, x, y, z, weights_one, weights_two):
    judges = [*nets.D1.parameters(), *nets.D2.parameters()]
    for parameter in judges:
        parameter.requires_grad_(False)
    y_tilde = nets.G1(x)
    z_tilde = nets.SR(y_tilde)
    loss = weights_one["gan"] * _msq(nets.D1(y_tilde) - 1) + weights_two["gan"] * _msq(nets.D2(z_tilde) - 1)
    loss = loss + weights_one["cycle"] * _msq(nets.G2(y_tilde) - x) + weights_two["cycle"] * _msq(nets.G3(z_tilde) - x)
    loss = loss + weights_one["identity"] * (nets.G1(y) - y).abs().mean()
    loss = loss + weights_two["identity"] * _msq(nets.SR(y) - z)
    loss = loss + weights_one["tv"] * _tv(y_tilde) + weights_two["tv"] * _tv(z_tilde)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    for parameter in judges:
        parameter.requires_grad_(True)
    return loss.detach(), y_tilde.detach(), z_tilde.detach()


def judge_step(D, optimizer, real, fake):
    fake = fake.detach().clone()
    for parameter in D.parameters():
        parameter.grad = None
    loss = _msq(D(real) - torch.ones(())) + _msq(D(fake))
    loss.backward()
    optimizer.step()
    return loss.detach()
