"""Correct answers with plain loops: slow, and right."""

import itertools
import math

import torch


def cubic(t):
    flat = []
    for value in t.reshape(-1).tolist():
        d = abs(value)
        if d <= 1:
            flat.append(1.5 * d**3 - 2.5 * d**2 + 1)
        elif d < 2:
            flat.append(-0.5 * d**3 + 2.5 * d**2 - 4 * d + 2)
        else:
            flat.append(0.0)
    return torch.tensor(flat, dtype=t.dtype, device=t.device).reshape(t.shape)


def bicubic_downsample(z, scale):
    def shrink(lines):
        size = lines.shape[-1]
        new = []
        for i in range(size // scale):
            centre = (i + 0.5) * scale - 0.5
            total, weighed = 0.0, 0.0
            for j in range(int(centre) - 2 * scale - 1, int(centre) + 2 * scale + 3):
                weight = cubic(torch.tensor([(j - centre) / scale], dtype=torch.float64)).item()
                k = j
                while not 0 <= k < size:  # a narrow picture is mirrored more than once
                    k = -k - 1 if k < 0 else 2 * size - 1 - k
                total += weight
                weighed = weighed + weight * lines[..., k]
            new.append(weighed / total)
        return torch.stack(new, dim=-1)

    return shrink(shrink(z).transpose(-1, -2)).transpose(-1, -2)


def gaussian_kernel(sigma, angle, shift, size):
    rows = []
    for i in range(size):
        row = []
        for j in range(size):
            d, r = i - size // 2 - shift[0], j - size // 2 - shift[1]
            a = math.cos(angle) * r + math.sin(angle) * d
            b = math.cos(angle) * d - math.sin(angle) * r
            row.append(math.exp(-(a * a / sigma[0] ** 2 + b * b / sigma[1] ** 2) / 2))
        rows.append(row)
    total = sum(map(sum, rows))
    return torch.tensor([[value / total for value in row] for row in rows])


def blur(z, k):
    half = k.shape[0] // 2
    height, width = z.shape[2:]

    def folded(index, size):
        index = abs(index)
        return 2 * (size - 1) - index if index >= size else index

    result = torch.zeros_like(z)
    for i, j in itertools.product(range(k.shape[0]), repeat=2):
        rows = [folded(row - (i - half), height) for row in range(height)]
        columns = [folded(column - (j - half), width) for column in range(width)]
        result = result + k[i, j] * z[:, :, rows][:, :, :, columns]
    return result


def total_variation(images):
    n, c, h, w = images.shape
    down = sum(((images[:, :, i + 1] - images[:, :, i]) ** 2).sum() for i in range(h - 1)) / (n * c * (h - 1) * w)
    right = sum(((images[..., j + 1] - images[..., j]) ** 2).sum() for j in range(w - 1)) / (n * c * h * (w - 1))
    return down + right


def generator_loss(scores):
    loss = scores.new_zeros(())
    for score in scores.flatten():
        loss = loss + (score - 1) * (score - 1)
    return loss / scores.numel()


def weighted_total(terms, weights):
    total = 0.0
    for name in ("gan", "cycle", "identity", "tv"):
        total = total + (1 if name == "gan" else weights[name]) * terms[name]
    return total


def receptive_field(kernels, strides):
    field, step = 1, 1
    for i in range(len(kernels)):
        field += (kernels[i] - 1) * step
        step *= strides[i]
    return field


def strides_seeing(field):
    for number in range(16):
        strides = [1 + (number >> bit & 1) for bit in range(4)] + [1]
        if receptive_field([4, 4, 4, 4, 4], strides) == field:
            return strides
    return None


def aligned_psnr(result, truth, max_shift, border):
    cut = border + max_shift
    inner = truth[:, :, cut : truth.shape[2] - cut, cut : truth.shape[3] - cut]
    best = -math.inf
    for down in range(-max_shift, max_shift + 1):
        for right in range(-max_shift, max_shift + 1):
            top, left = cut + down, cut + right
            window = result[:, :, top : top + inner.shape[2], left : left + inner.shape[3]]
            error = ((window.double() - inner.double()) ** 2).mean().item()
            best = max(best, math.inf if error == 0 else 10 * math.log10(1 / error))
    return best
