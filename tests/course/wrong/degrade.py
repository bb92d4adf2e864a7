"""Wrong answers to assignment 1: degrade a photograph."""

import math

import torch
import torch.nn.functional as F

from .given import bicubic_downsample, blur, cubic, matrix, mirrored, noisy
from .registry import wrong

# cubic


@wrong("cubic", "a is -3/4, as in OpenCV", "formula")
def cubic_of_three_quarters(t):
    a, t = -0.75, t.abs()
    near = (a + 2) * t**3 - (a + 3) * t**2 + 1
    far = a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
    return torch.where(t <= 1, near, torch.where(t <= 2, far, torch.zeros_like(t)))


@wrong("cubic", "t is taken without its absolute value", "symmetric")
def cubic_without_abs(t):
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return torch.where(t.abs() <= 1, near, torch.where(t.abs() <= 2, far, torch.zeros_like(t)))


@wrong("cubic", "the outer piece is left out", "between 1 and 2")
def cubic_without_outer_piece(t):
    t = t.abs()
    return torch.where(t <= 1, 1.5 * t**3 - 2.5 * t**2 + 1, torch.zeros_like(t))


@wrong("cubic", "the outer polynomial goes on beyond 2", "zero")
def cubic_without_end(t):
    t = t.abs()
    return torch.where(t <= 1, 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2)


@wrong("cubic", "the sign of 4|t| is wrong", "sign")
def cubic_with_plus_four(t):
    t = t.abs()
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 + 4 * t + 2
    return torch.where(t <= 1, near, torch.where(t <= 2, far, torch.zeros_like(t)))


@wrong("cubic", "float64 comes back as float32", "dtype")
def cubic_in_single(t):
    return cubic(t.float())


@wrong("cubic", "the input is overwritten by its absolute value", "input")
def cubic_in_place(t):
    t.abs_()
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return torch.where(t <= 1, near, torch.where(t <= 2, far, torch.zeros_like(t)))


@wrong("cubic", "the result is flat, whatever the shape of t", "shape")
def cubic_flattened(t):
    return torch.stack([cubic(one) for one in t.flatten()])


# bicubic_downsample


def _columns(z, scale, weigh):
    """Reduce the rows' length with a matrix whose row i is weigh(i, width)."""
    width = z.shape[-1]
    rows = [weigh(i, width) for i in range(width // scale)]
    return z @ torch.stack(rows).to(z.dtype).T


def _both(z, scale, weigh):
    return _columns(_columns(z, scale, weigh).mT, scale, weigh).mT


@wrong("bicubic_downsample", "the kernel is not stretched", "stretch")
def downsample_without_antialiasing(z, scale):
    def weigh(i, size):
        centre = (i + 0.5) * scale - 0.5
        j = torch.arange(math.floor(centre) - 2, math.floor(centre) + 4)
        weights = cubic(j - centre)
        return torch.zeros(size).index_add_(0, mirrored(size, j), weights / weights.sum())

    return _both(z, scale, weigh)


@wrong("bicubic_downsample", "samples sit at i * s, without the halves", "centre")
def downsample_from_the_corner(z, scale):
    def weigh(i, size):
        j = torch.arange(i * scale - 2 * scale, i * scale + 2 * scale + 1)
        weights = cubic((j - i * scale) / scale)
        return torch.zeros(size).index_add_(0, mirrored(size, j), weights / weights.sum())

    return _both(z, scale, weigh)


@wrong("bicubic_downsample", "weights are not divided by their sum", "sum")
def downsample_without_sum(z, scale):
    rows, columns = (matrix(size, scale, z.dtype) for size in z.shape[-2:])
    return rows @ z @ columns.T * scale**2


@wrong("bicubic_downsample", "the last pixel is repeated beyond the border", "mirror")
def downsample_with_repeated_border(z, scale):
    margin = 4 * scale
    padded = F.pad(z, (margin,) * 4, mode="replicate")
    return bicubic_downsample(padded, scale)[..., 4:-4, 4:-4]


@wrong("bicubic_downsample", "mirrored without the last pixel", "mirror")
def downsample_with_reflected_border(z, scale):
    def weigh(i, size):
        centre = (i + 0.5) * scale - 0.5
        j = torch.arange(math.floor(centre - 2 * scale), math.ceil(centre + 2 * scale) + 1)
        weights = cubic((j - centre) / scale)
        period = 2 * size - 2
        folded = torch.minimum(j % period, period - j % period)
        return torch.zeros(size).index_add_(0, folded, weights / weights.sum())

    return _both(z, scale, weigh)


@wrong("bicubic_downsample", "F.interpolate cuts the kernel at the border", "border")
def downsample_by_interpolate(z, scale):
    return F.interpolate(z, scale_factor=1 / scale, mode="bicubic", antialias=True)


@wrong("bicubic_downsample", "F.interpolate without antialias", "stretch")
def downsample_by_plain_interpolate(z, scale):
    return F.interpolate(z, scale_factor=1 / scale, mode="bicubic")


@wrong("bicubic_downsample", "the result is clamped", "clamp")
def downsample_clamped(z, scale):
    return bicubic_downsample(z, scale).clamp(0, 1)


@wrong("bicubic_downsample", "the mean of each block", "cubic")
def downsample_by_mean(z, scale):
    return F.avg_pool2d(z, scale)


@wrong("bicubic_downsample", "every s-th pixel is picked", "antialiasing")
def downsample_by_picking(z, scale):
    return z[..., ::scale, ::scale]


@wrong("bicubic_downsample", "the scale is always 4", "scale")
def downsample_by_four(z, scale):
    return bicubic_downsample(z, 4)


@wrong("bicubic_downsample", "float64 comes back as float32", "dtype")
def downsample_in_single(z, scale):
    return bicubic_downsample(z.float(), scale)


@wrong("bicubic_downsample", "the matrix of the rows is used for the columns too", "square")
def downsample_squares_only(z, scale):
    rows = matrix(z.shape[-2], scale, z.dtype)
    return rows @ z @ rows.T


@wrong("bicubic_downsample", "only the width is reduced", "height")
def downsample_one_way(z, scale):
    return z @ matrix(z.shape[-1], scale, z.dtype).T


# gaussian_kernel


def _down_right(shift, size):
    middle = size // 2
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return rows - middle - shift[0], columns - middle - shift[1]


def _bell(sigma, angle, down, right):
    a = math.cos(angle) * right + math.sin(angle) * down
    b = math.cos(angle) * down - math.sin(angle) * right
    return torch.exp(-0.5 * (a**2 / sigma[0] ** 2 + b**2 / sigma[1] ** 2))


@wrong("gaussian_kernel", "it turns the other way", "angle")
def kernel_turned_back(sigma, angle, shift, size):
    k = _bell(sigma, -angle, *_down_right(shift, size))
    return k / k.sum()


@wrong("gaussian_kernel", "the angle is read as degrees", "radians")
def kernel_in_degrees(sigma, angle, shift, size):
    k = _bell(sigma, math.radians(angle), *_down_right(shift, size))
    return k / k.sum()


@wrong("gaussian_kernel", "the shift is read as (right, down)", "shift")
def kernel_shifted_right_down(sigma, angle, shift, size):
    k = _bell(sigma, angle, *_down_right((shift[1], shift[0]), size))
    return k / k.sum()


@wrong("gaussian_kernel", "the shift has the wrong sign", "shift")
def kernel_shifted_back(sigma, angle, shift, size):
    k = _bell(sigma, angle, *_down_right((-shift[0], -shift[1]), size))
    return k / k.sum()


@wrong("gaussian_kernel", "the shift is taken as LR pixels at scale 4", "HR pixels")
def kernel_shifted_in_lr(sigma, angle, shift, size):
    k = _bell(sigma, angle, *_down_right((shift[0] / 4, shift[1] / 4), size))
    return k / k.sum()


@wrong("gaussian_kernel", "the shift is rounded to whole pixels", "shift")
def kernel_rolled(sigma, angle, shift, size):
    k = _bell(sigma, angle, *_down_right((0, 0), size))
    k = k.roll((round(shift[0]), round(shift[1])), (0, 1))
    return k / k.sum()


@wrong("gaussian_kernel", "sigma is not squared", "sigma")
def kernel_without_square(sigma, angle, shift, size):
    k = _bell((sigma[0] ** 0.5, sigma[1] ** 0.5), angle, *_down_right(shift, size))
    return k / k.sum()


@wrong("gaussian_kernel", "the factor one half in the exponent is missing", "sigma")
def kernel_without_half(sigma, angle, shift, size):
    k = _bell(sigma, angle, *_down_right(shift, size)) ** 2
    return k / k.sum()


@wrong("gaussian_kernel", "the two sigmas are swapped", "sigma")
def kernel_with_sigmas_swapped(sigma, angle, shift, size):
    k = _bell((sigma[1], sigma[0]), angle, *_down_right(shift, size))
    return k / k.sum()


@wrong("gaussian_kernel", "it is not divided by its sum", "sum")
def kernel_without_sum(sigma, angle, shift, size):
    return _bell(sigma, angle, *_down_right(shift, size))


@wrong("gaussian_kernel", "divided by the integral over the whole plane, not by its sum", "sum")
def kernel_by_integral(sigma, angle, shift, size):
    return _bell(sigma, angle, *_down_right(shift, size)) / (2 * math.pi * sigma[0] * sigma[1])


@wrong("gaussian_kernel", "the middle is size / 2, half a pixel too far", "middle")
def kernel_off_by_half(sigma, angle, shift, size):
    u = torch.arange(size) - size / 2
    k = _bell(sigma, angle, (u - shift[0])[:, None], (u - shift[1])[None, :])
    return k / k.sum()


@wrong("gaussian_kernel", "meshgrid counts columns first: the kernel is transposed", "transposed")
def kernel_transposed(sigma, angle, shift, size):
    k = _bell(sigma, angle, *_down_right(shift, size))
    return (k / k.sum()).T


# blur


@wrong("blur", "conv2d correlates, and the kernel is not turned over", "correlat")
def blur_correlates(z, k):
    return blur(z, k.flip(0, 1))


@wrong("blur", "the kernel is turned over in one direction only", "down")
def blur_flips_columns_only(z, k):
    return blur(z, k.flip(0))


@wrong("blur", "the kernel is transposed instead of turned over", "transpose")
def blur_transposes(z, k):
    return blur(z, k.T)


@wrong("blur", "zeros beyond the border", "border")
def blur_with_zeros(z, k):
    c = z.shape[1]
    return F.conv2d(z, k.flip(0, 1).to(z)[None, None].repeat(c, 1, 1, 1), padding=len(k) // 2, groups=c)


@wrong("blur", "the last pixel is repeated beyond the border", "border")
def blur_with_replicate(z, k):
    half, c = len(k) // 2, z.shape[1]
    padded = F.pad(z, (half,) * 4, mode="replicate")
    return F.conv2d(padded, k.flip(0, 1).to(z)[None, None].repeat(c, 1, 1, 1), groups=c)


@wrong("blur", "mirrored with the last pixel twice", "border")
def blur_with_last_pixel_twice(z, k):
    half, (c, h, w) = len(k) // 2, z.shape[1:]
    rows = mirrored(h, torch.arange(-half, h + half))
    columns = mirrored(w, torch.arange(-half, w + half))
    padded = z[:, :, rows][..., columns]
    return F.conv2d(padded, k.flip(0, 1).to(z)[None, None].repeat(c, 1, 1, 1), groups=c)


@wrong("blur", "the Fourier transform wraps the picture around", "border")
def blur_around(z, k):
    h, w = z.shape[-2:]
    half = len(k) // 2
    wide = torch.zeros(h, w, dtype=z.dtype)
    for i in range(len(k)):
        for j in range(len(k)):
            wide[(i - half) % h, (j - half) % w] += k[i, j]
    return torch.fft.ifft2(torch.fft.fft2(z) * torch.fft.fft2(wide)).real


@wrong("blur", "no padding: the result is smaller", "size")
def blur_without_padding(z, k):
    c = z.shape[1]
    return F.conv2d(z, k.flip(0, 1).to(z)[None, None].repeat(c, 1, 1, 1), groups=c)


@wrong("blur", "one pixel too little on one side and one too many on the other", "shift")
def blur_with_padding_off_by_one(z, k):
    half, c = len(k) // 2, z.shape[1]
    padded = F.pad(z, (half + 1, half - 1, half + 1, half - 1), mode="reflect")
    return F.conv2d(padded, k.flip(0, 1).to(z)[None, None].repeat(c, 1, 1, 1), groups=c)


@wrong("blur", "the channels are added up and handed out again", "channel")
def blur_mixes_channels(z, k):
    half, c = len(k) // 2, z.shape[1]
    weight = k.flip(0, 1).to(z).expand(c, c, *k.shape) / c
    return F.conv2d(F.pad(z, (half,) * 4, mode="reflect"), weight)


@wrong("blur", "the kernel is divided by its sum once more", "linear")
def blur_normalises(z, k):
    return blur(z, k / k.sum())


@wrong("blur", "float64 comes back as float32", "dtype")
def blur_in_single(z, k):
    return blur(z.float(), k.float())


@wrong("blur", "the result is clamped to [0, 1]", "clamp")
def blur_clamped(z, k):
    return blur(z, k).clamp(0, 1)


# noisy


@wrong("noisy", "deviations are added, not variances", "variance")
def noisy_adds_deviations(clean, std_8bit, photons, generator):
    deviation = std_8bit / 255 + (clean.clamp(min=0) / photons).sqrt()
    return clean + deviation * torch.randn(clean.shape, generator=generator)


@wrong("noisy", "two draws, and the shot noise has v / P as deviation", "root")
def noisy_without_root_of_photons(clean, std_8bit, photons, generator):
    read_out = std_8bit / 255 * torch.randn(clean.shape, generator=generator)
    return clean + read_out + clean.clamp(min=0) / photons * torch.randn(clean.shape, generator=generator)


@wrong("noisy", "std_8bit is not divided by 255", "255")
def noisy_without_255(clean, std_8bit, photons, generator):
    variance = std_8bit**2 + clean.clamp(min=0) / photons
    return clean + variance.sqrt() * torch.randn(clean.shape, generator=generator)


@wrong("noisy", "the root is missing: variance as deviation", "root")
def noisy_without_root(clean, std_8bit, photons, generator):
    variance = (std_8bit / 255) ** 2 + clean.clamp(min=0) / photons
    return clean + variance * torch.randn(clean.shape, generator=generator)


@wrong("noisy", "the shot noise does not grow with brightness", "brightness")
def noisy_equally_bright(clean, std_8bit, photons, generator):
    variance = (std_8bit / 255) ** 2 + 1 / photons
    return clean + variance**0.5 * torch.randn(clean.shape, generator=generator)


@wrong("noisy", "the shot noise is left out", "photons")
def noisy_without_photons(clean, std_8bit, photons, generator):
    return clean + std_8bit / 255 * torch.randn(clean.shape, generator=generator)


@wrong("noisy", "all channels get the same noise", "channel")
def noisy_grey(clean, std_8bit, photons, generator):
    variance = (std_8bit / 255) ** 2 + clean.clamp(min=0) / photons
    return clean + variance.sqrt() * torch.randn(clean[:, :1].shape, generator=generator)


@wrong("noisy", "all images of the batch get the same noise", "batch")
def noisy_once_for_the_batch(clean, std_8bit, photons, generator):
    variance = (std_8bit / 255) ** 2 + clean.clamp(min=0) / photons
    return clean + variance.sqrt() * torch.randn(clean[:1].shape, generator=generator)


@wrong("noisy", "the generator is not used", "generator")
def noisy_by_global_chance(clean, std_8bit, photons, generator):
    variance = (std_8bit / 255) ** 2 + clean.clamp(min=0) / photons
    return clean + variance.sqrt() * torch.randn_like(clean)


@wrong("noisy", "the generator is seeded anew at each call", "seed")
def noisy_seeded_anew(clean, std_8bit, photons, generator):
    return noisy(clean, std_8bit, photons, generator.manual_seed(0))


@wrong("noisy", "only the noise is returned", "clean")
def noisy_noise_alone(clean, std_8bit, photons, generator):
    return noisy(clean, std_8bit, photons, generator) - clean


@wrong("noisy", "the result is clamped", "clamp")
def noisy_clamped(clean, std_8bit, photons, generator):
    return noisy(clean, std_8bit, photons, generator).clamp(0, 1)


@wrong("noisy", "uniform numbers from 0 to 1 instead of normal ones", "mean")
def noisy_uniform(clean, std_8bit, photons, generator):
    variance = (std_8bit / 255) ** 2 + clean.clamp(min=0) / photons
    return clean + variance.sqrt() * torch.rand(clean.shape, generator=generator)


@wrong("noisy", "uniform numbers of the right mean and variance", "normal")
def noisy_flat(clean, std_8bit, photons, generator):
    variance = (std_8bit / 255) ** 2 + clean.clamp(min=0) / photons
    return clean + (12 * variance).sqrt() * (torch.rand(clean.shape, generator=generator) - 0.5)


@wrong("noisy", "the root of a negative number where the picture is below 0", "nan")
def noisy_below_zero(clean, std_8bit, photons, generator):
    variance = (std_8bit / 255) ** 2 + clean / photons
    return clean + variance.sqrt() * torch.randn(clean.shape, generator=generator)


@wrong("noisy", "the noise is added to the input in place", "input")
def noisy_in_place(clean, std_8bit, photons, generator):
    variance = (std_8bit / 255) ** 2 + clean.clamp(min=0) / photons
    clean += variance.sqrt() * torch.randn(clean.shape, generator=generator)
    return clean


@wrong("noisy", "float64 comes back as float32", "dtype")
def noisy_in_single(clean, std_8bit, photons, generator):
    return noisy(clean.float(), std_8bit, photons, generator)


# degrade


@wrong("degrade", "the noise comes before the reduction, which averages it away", "noise")
def degrade_noise_first(z, k, scale, std_8bit, photons, generator):
    x = bicubic_downsample(noisy(blur(z, k), std_8bit, photons, generator), scale)
    return (x.clamp(0, 1) * 255).round() / 255


@wrong("degrade", "the blur comes after the reduction", "blur")
def degrade_blur_last(z, k, scale, std_8bit, photons, generator):
    x = noisy(blur(bicubic_downsample(z, scale), k), std_8bit, photons, generator)
    return (x.clamp(0, 1) * 255).round() / 255


@wrong("degrade", "the blur is left out", "kernel")
def degrade_without_blur(z, k, scale, std_8bit, photons, generator):
    x = noisy(bicubic_downsample(z, scale), std_8bit, photons, generator)
    return (x.clamp(0, 1) * 255).round() / 255


@wrong("degrade", "the noise is left out", "noise")
def degrade_without_noise(z, k, scale, std_8bit, photons, generator):
    return (bicubic_downsample(blur(z, k), scale).clamp(0, 1) * 255).round() / 255


@wrong("degrade", "the result is not rounded", "8 bits")
def degrade_without_rounding(z, k, scale, std_8bit, photons, generator):
    return noisy(bicubic_downsample(blur(z, k), scale), std_8bit, photons, generator).clamp(0, 1)


@wrong("degrade", "the result is not clamped", "clamp")
def degrade_without_clamp(z, k, scale, std_8bit, photons, generator):
    x = noisy(bicubic_downsample(blur(z, k), scale), std_8bit, photons, generator)
    return (x * 255).round() / 255


@wrong("degrade", "rounded down instead of to the nearest", "nearest")
def degrade_rounds_down(z, k, scale, std_8bit, photons, generator):
    x = noisy(bicubic_downsample(blur(z, k), scale), std_8bit, photons, generator)
    return (x.clamp(0, 1) * 255).floor() / 255


@wrong("degrade", "multiples of 1/256", "255")
def degrade_to_256(z, k, scale, std_8bit, photons, generator):
    x = noisy(bicubic_downsample(blur(z, k), scale), std_8bit, photons, generator)
    return (x.clamp(0, 1) * 256).round() / 256


@wrong("degrade", "returned as levels from 0 to 255", "[0, 1]")
def degrade_in_levels(z, k, scale, std_8bit, photons, generator):
    x = noisy(bicubic_downsample(blur(z, k), scale), std_8bit, photons, generator)
    return (x.clamp(0, 1) * 255).round()


@wrong("degrade", "clamped and rounded before the noise, not after", "round")
def degrade_rounds_before_noise(z, k, scale, std_8bit, photons, generator):
    x = (bicubic_downsample(blur(z, k), scale).clamp(0, 1) * 255).round() / 255
    return noisy(x, std_8bit, photons, generator)


@wrong("degrade", "the scale is always 4", "scale")
def degrade_by_four(z, k, scale, std_8bit, photons, generator):
    x = noisy(bicubic_downsample(blur(z, k), 4), std_8bit, photons, generator)
    return (x.clamp(0, 1) * 255).round() / 255


@wrong("degrade", "the noise comes from a generator of its own", "generator")
def degrade_with_own_generator(z, k, scale, std_8bit, photons, generator):
    generator = torch.Generator().manual_seed(0)
    x = noisy(bicubic_downsample(blur(z, k), scale), std_8bit, photons, generator)
    return (x.clamp(0, 1) * 255).round() / 255


@wrong("degrade", "the kernel is turned over once too often", "shift")
def degrade_turns_kernel(z, k, scale, std_8bit, photons, generator):
    x = noisy(bicubic_downsample(blur(z, k.flip(0, 1)), scale), std_8bit, photons, generator)
    return (x.clamp(0, 1) * 255).round() / 255


# own_degradation


@wrong("own_degradation", "the shift is left in HR pixels", "LR pixels")
def own_degradation_in_hr():
    return {"variant": 0, "shift": (6.0, 4.0), "noise": 15.025}


@wrong("own_degradation", "the shift is given as (right, down)", "down")
def own_degradation_right_down():
    return {"variant": 0, "shift": (0.5, 0.75), "noise": 15.025}


@wrong("own_degradation", "the shift is multiplied by the scale", "scale")
def own_degradation_enlarged():
    return {"variant": 0, "shift": (48, 32), "noise": 15.025}


@wrong("own_degradation", "deviations are added, not variances", "variance")
def own_degradation_adds_deviations():
    return {"variant": 0, "shift": (0.75, 0.5), "noise": 3 + 255 * (0.5 / 150) ** 0.5}


@wrong("own_degradation", "the noise at white, not at one half", "0.5")
def own_degradation_at_white():
    return {"variant": 0, "shift": (0.75, 0.5), "noise": (9 + 255**2 / 150) ** 0.5}


@wrong("own_degradation", "the noise is not in units of 1/255", "255")
def own_degradation_of_one():
    return {"variant": 0, "shift": (0.75, 0.5), "noise": 15.025 / 255}


@wrong("own_degradation", "the variance, not its root", "root")
def own_degradation_variance():
    return {"variant": 0, "shift": (0.75, 0.5), "noise": 225.75}
