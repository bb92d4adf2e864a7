"""Correct answers that leave the work to convolutions and PyTorch's own functions."""

import math

import torch
import torch.nn.functional as F


def cubic(t):
    t = t.abs()
    near = 1.5 * t.pow(3) - 2.5 * t.pow(2) + 1
    far = -0.5 * t.pow(3) + 2.5 * t.pow(2) - 4 * t + 2
    return torch.where(t < 1, near, torch.where(t < 2, far, torch.zeros_like(t)))


def bicubic_downsample(z, scale):
    taps = torch.arange(-2 * scale, 3 * scale, dtype=z.dtype, device=z.device)
    weights = cubic((taps - (scale - 1) / 2) / scale)
    weights = weights / weights.sum()

    def shrink(lines):
        size = lines.shape[-1]
        # A mirrored picture repeats with twice its size; as many copies as the kernel may reach.
        copies = 2 + 2 * (2 * scale // size + 1)
        period = torch.cat([lines, lines.flip(-1)], -1).repeat(1, 1, 1, copies)
        start = period.shape[-1] // 2 // (2 * size) * (2 * size) - 2 * scale
        part = period[..., start : start + size + 4 * scale]
        flat = part.reshape(-1, 1, part.shape[-1])
        return F.conv1d(flat, weights[None, None], stride=scale).reshape(*lines.shape[:-1], -1)[..., : size // scale]

    return shrink(shrink(z).mT.contiguous()).mT


def blur(z, k):
    channels = z.shape[1]
    weight = torch.flip(k, dims=(0, 1))[None, None].repeat(channels, 1, 1, 1)
    half = (k.shape[0] - 1) // 2
    return F.conv2d(F.pad(z, [half] * 4, "reflect"), weight, groups=channels)


def total_variation(images):
    flat = images.reshape(-1, 1, *images.shape[2:])
    down = F.conv2d(flat, flat.new_tensor([[[[-1.0], [1.0]]]]))
    right = F.conv2d(flat, flat.new_tensor([[[[-1.0, 1.0]]]]))
    return (down * down).mean() + (right * right).mean()


def generator_loss(scores):
    return F.mse_loss(scores, torch.ones_like(scores))


def discriminator_loss(real, fake):
    return F.mse_loss(real, torch.ones_like(real)) + F.mse_loss(fake, torch.zeros_like(fake))


def cycle_loss(G1, G2, x):
    return F.mse_loss(G2(G1(x)), x)


def identity_loss(G1, y):
    return F.l1_loss(G1(y), y)


def gaussian_kernel(sigma, angle, shift, size):
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.float64)
    # Coordinates (right, down); the columns of `turn` are the directions of the two sigmas.
    spread = turn @ torch.diag(torch.tensor([sigma[0] ** 2, sigma[1] ** 2], dtype=torch.float64)) @ turn.T
    line = torch.arange(size, dtype=torch.float64) - size // 2
    down, right = torch.meshgrid(line - shift[0], line - shift[1], indexing="ij")
    u = torch.stack([right, down], -1)
    logs = -0.5 * torch.einsum("ija,ab,ijb->ij", u, torch.linalg.inv(spread), u)
    return torch.softmax(logs.flatten(), 0).reshape(size, size).float()


def aligned_psnr(result, truth, max_shift, border):
    cut = border + max_shift
    inner = truth[..., cut : truth.shape[-2] - cut, cut : truth.shape[-1] - cut].double()
    area = result[..., border : result.shape[-2] - border, border : result.shape[-1] - border].double()
    windows = F.unfold(area, tuple(inner.shape[-2:]))
    error = (windows - inner.reshape(1, -1, 1)).square().mean(1).min()
    return float(10 * torch.log10(1 / error))
