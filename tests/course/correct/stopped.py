"""Correct answers that tell autograd where to stop, and a joint step that computes each score once."""

import torch


def _far(value, goal):
    return ((value - goal) ** 2).mean()


def _tv(images):
    return images.diff(dim=-2).square().mean() + images.diff(dim=-1).square().mean()


def cycle_two_terms(nets, x, y, z):
    y_tilde = nets.G1(x)
    z_tilde, y_enlarged = nets.SR(torch.cat([y_tilde, y])).split([len(x), len(y)])
    return {
        "gan": _far(nets.D2(z_tilde), 1),
        "cycle": _far(nets.G3(z_tilde), x),
        "identity": _far(y_enlarged, z),
        "tv": _tv(z_tilde),
    }, z_tilde


def _both(nets, x, y, z, weights_one, weights_two):
    y_tilde, y_kept = nets.G1(torch.cat([x, y])).chunk(2)
    z_tilde = nets.SR(y_tilde)
    scores = nets.D1(y_tilde), nets.D2(z_tilde)
    one = {
        "gan": _far(scores[0], 1),
        "cycle": _far(nets.G2(y_tilde), x),
        "identity": (y_kept - y).abs().mean(),
        "tv": _tv(y_tilde),
    }
    two = {
        "gan": _far(scores[1], 1),
        "cycle": _far(nets.G3(z_tilde), x),
        "identity": _far(nets.SR(y), z),
        "tv": _tv(z_tilde),
    }
    loss = sum(weights_one[k] * one[k] + weights_two[k] * two[k] for k in one)
    return loss, y_tilde, z_tilde, scores


def _held(optimizer):
    return [p for group in optimizer.param_groups for p in group["params"]]


def generators_step(nets, optimizer, x, y, z, weights_one, weights_two):
    optimizer.zero_grad(set_to_none=True)
    loss, y_tilde, z_tilde, _ = _both(nets, x, y, z, weights_one, weights_two)
    loss.backward(inputs=_held(optimizer))
    optimizer.step()
    return loss.detach(), y_tilde.detach(), z_tilde.detach()


def judge_step(D, optimizer, real, fake):
    loss = _far(D(real), 1) + _far(D(fake), 0)
    weights = list(D.parameters())
    for weight, slope in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = slope
    optimizer.step()
    return loss.detach()


def joint_step(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, _, _, (of_y_tilde, of_z_tilde) = _both(nets, x, y, z, weights_one, weights_two)
    held = _held(optimizers["generators"])
    slopes = torch.autograd.grad(loss, held, retain_graph=True)
    # Nothing moves before all three gradients are known: the judges' scores of the fakes serve twice.
    lessons = {"generators": (loss, held, slopes)}
    for name, D, real, scores in (("D1", nets.D1, y, of_y_tilde), ("D2", nets.D2, z, of_z_tilde)):
        own, weights = _far(D(real), 1) + _far(scores, 0), list(D.parameters())
        lessons[name] = own, weights, torch.autograd.grad(own, weights, retain_graph=True)
    for name, (_, weights, found) in lessons.items():
        for weight, slope in zip(weights, found, strict=True):
            weight.grad = slope
        optimizers[name].step()
    return {name: own.detach() for name, (own, _, _) in lessons.items()}
