"""Wrong answers to assignment 4: close the second cycle and train."""

import math

import torch

from .given import (
    cycle_one_terms,
    cycle_two_terms,
    generators_step,
    judge_step,
    mean_square,
    total,
    tv_of,
)
from .registry import wrong

# cycle_two_terms


@wrong("cycle_two_terms", "SR enlarges x, not G1(x)", "G1")
def two_without_G1(nets, x, y, z):
    z_tilde = nets.SR(x)
    return {
        "gan": mean_square(nets.D2(z_tilde) - 1),
        "cycle": mean_square(nets.G3(z_tilde) - x),
        "identity": mean_square(nets.SR(y) - z),
        "tv": tv_of(z_tilde),
    }, z_tilde


@wrong("cycle_two_terms", "the identity compares SR(G1(x)) with z, as if they were a pair", "identity")
def two_as_if_paired(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"identity": mean_square(z_tilde - z)}, z_tilde


@wrong("cycle_two_terms", "the identity passes y through G1 first", "identity")
def two_cleans_y(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"identity": mean_square(nets.SR(nets.G1(y)) - z)}, z_tilde


@wrong("cycle_two_terms", "the identity is absolute, as in cycle one", "square")
def two_identity_absolute(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"identity": (nets.SR(y) - z).abs().mean()}, z_tilde


@wrong("cycle_two_terms", "the cycle is compared with G1(x), not with x", "cycle")
def two_cycle_to_cleaned(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"cycle": mean_square(nets.G3(z_tilde) - nets.G1(x))}, z_tilde


@wrong("cycle_two_terms", "G3 reduces z, which is compared with y", "cycle")
def two_cycle_of_z(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"cycle": mean_square(nets.G3(z) - y)}, z_tilde


@wrong("cycle_two_terms", "the cycle is a sum, not a mean", "mean")
def two_cycle_sum(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"cycle": ((nets.G3(z_tilde) - x) ** 2).sum()}, z_tilde


@wrong("cycle_two_terms", "D1 judges instead of D2", "D2")
def two_judged_by_D1(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"gan": mean_square(nets.D1(z_tilde) - 1)}, z_tilde


@wrong("cycle_two_terms", "D2 judges z, which is real", "D2")
def two_judges_z(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"gan": mean_square(nets.D2(z) - 1)}, z_tilde


@wrong("cycle_two_terms", "the adversarial target is 0", "gan")
def two_wants_fake(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"gan": mean_square(nets.D2(z_tilde))}, z_tilde


@wrong("cycle_two_terms", "the fake is detached: the adversarial term moves nobody", "gradient")
def two_detaches_fake(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"gan": mean_square(nets.D2(z_tilde.detach()) - 1)}, z_tilde


@wrong("cycle_two_terms", "G1(x) is detached: cycle two does not teach G1", "gradient")
def two_detaches_cleaned(nets, x, y, z):
    z_tilde = nets.SR(nets.G1(x).detach())
    return {
        "gan": mean_square(nets.D2(z_tilde) - 1),
        "cycle": mean_square(nets.G3(z_tilde) - x),
        "identity": mean_square(nets.SR(y) - z),
        "tv": tv_of(z_tilde),
    }, z_tilde


@wrong("cycle_two_terms", "the total variation of G1(x)", "total variation")
def two_tv_of_cleaned(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"tv": tv_of(nets.G1(x))}, z_tilde


@wrong("cycle_two_terms", "the total variation of SR(y)", "total variation")
def two_tv_of_enlarged_y(nets, x, y, z):
    terms, z_tilde = cycle_two_terms(nets, x, y, z)
    return terms | {"tv": tv_of(nets.SR(y))}, z_tilde


@wrong("cycle_two_terms", "SR(G1(x)) is clamped to [0, 1]", "clamp")
def two_clamped(nets, x, y, z):
    z_tilde = nets.SR(nets.G1(x)).clamp(0, 1)
    return {
        "gan": mean_square(nets.D2(z_tilde) - 1),
        "cycle": mean_square(nets.G3(z_tilde) - x),
        "identity": mean_square(nets.SR(y) - z),
        "tv": tv_of(z_tilde),
    }, z_tilde


@wrong("cycle_two_terms", "G1(x) is returned instead of SR(G1(x))", "SR(G1(x))")
def two_returns_cleaned(nets, x, y, z):
    terms, _ = cycle_two_terms(nets, x, y, z)
    return terms, nets.G1(x)


@wrong("cycle_two_terms", "only the terms are returned", "two things")
def two_returns_terms_only(nets, x, y, z):
    terms, _ = cycle_two_terms(nets, x, y, z)
    return terms


# generators_step


def _generators_loss(nets, x, y, z, weights_one, weights_two):
    one, y_tilde = cycle_one_terms(nets, x, y)
    two, z_tilde = cycle_two_terms(nets, x, y, z)
    return total(one, weights_one) + total(two, weights_two), y_tilde, z_tilde


def _down(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


@wrong("generators_step", "gradients are not cleared", "zero_grad")
def generators_without_clearing(nets, optimizer, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = _generators_loss(nets, x, y, z, weights_one, weights_two)
    loss.backward()
    optimizer.step()
    return loss.detach(), y_tilde.detach(), z_tilde.detach()


@wrong("generators_step", "gradients are cleared between backward and step", "clear")
def generators_clear_too_late(nets, optimizer, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = _generators_loss(nets, x, y, z, weights_one, weights_two)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.detach(), y_tilde.detach(), z_tilde.detach()


@wrong("generators_step", "the optimiser's step is forgotten", "step")
def generators_do_not_step(nets, optimizer, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = _generators_loss(nets, x, y, z, weights_one, weights_two)
    optimizer.zero_grad()
    loss.backward()
    return loss.detach(), y_tilde.detach(), z_tilde.detach()


@wrong("generators_step", "up the loss, not down", "sign")
def generators_climb(nets, optimizer, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = _generators_loss(nets, x, y, z, weights_one, weights_two)
    _down(optimizer, -loss)
    return loss.detach(), y_tilde.detach(), z_tilde.detach()


@wrong("generators_step", "two steps, one for each total", "one step")
def generators_step_twice(nets, optimizer, x, y, z, weights_one, weights_two):
    one, y_tilde = cycle_one_terms(nets, x, y)
    loss_one = total(one, weights_one)
    _down(optimizer, loss_one)
    two, z_tilde = cycle_two_terms(nets, x, y, z)
    loss_two = total(two, weights_two)
    _down(optimizer, loss_two)
    return (loss_one + loss_two).detach(), y_tilde.detach(), z_tilde.detach()


@wrong("generators_step", "only cycle two is minimised", "cycle one")
def generators_of_cycle_two(nets, optimizer, x, y, z, weights_one, weights_two):
    two, z_tilde = cycle_two_terms(nets, x, y, z)
    loss = total(two, weights_two)
    _down(optimizer, loss)
    return loss.detach(), nets.G1(x).detach(), z_tilde.detach()


@wrong("generators_step", "the weights of the two cycles are swapped", "weight")
def generators_swap_weights(nets, optimizer, x, y, z, weights_one, weights_two):
    return generators_step(nets, optimizer, x, y, z, weights_two, weights_one)


@wrong("generators_step", "the weights of cycle one are used for both", "weight")
def generators_use_one_set_of_weights(nets, optimizer, x, y, z, weights_one, weights_two):
    return generators_step(nets, optimizer, x, y, z, weights_one, weights_one)


@wrong("generators_step", "the weights are forgotten", "weight")
def generators_without_weights(nets, optimizer, x, y, z, weights_one, weights_two):
    one, y_tilde = cycle_one_terms(nets, x, y)
    two, z_tilde = cycle_two_terms(nets, x, y, z)
    loss = sum(one.values()) + sum(two.values())
    _down(optimizer, loss)
    return loss.detach(), y_tilde.detach(), z_tilde.detach()


@wrong("generators_step", "half of the sum of both totals", "half")
def generators_halved(nets, optimizer, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = _generators_loss(nets, x, y, z, weights_one, weights_two)
    _down(optimizer, loss / 2)
    return loss.detach() / 2, y_tilde.detach(), z_tilde.detach()


@wrong("generators_step", "G1(x) is detached before SR: cycle two does not teach G1", "G1")
def generators_cut_between_cycles(nets, optimizer, x, y, z, weights_one, weights_two):
    one, y_tilde = cycle_one_terms(nets, x, y)
    z_tilde = nets.SR(y_tilde.detach())
    two = {
        "gan": mean_square(nets.D2(z_tilde) - 1),
        "cycle": mean_square(nets.G3(z_tilde) - x),
        "identity": mean_square(nets.SR(y) - z),
        "tv": tv_of(z_tilde),
    }
    loss = total(one, weights_one) + total(two, weights_two)
    _down(optimizer, loss)
    return loss.detach(), y_tilde.detach(), z_tilde.detach()


@wrong("generators_step", "the results keep their graph", "detach")
def generators_without_detach(nets, optimizer, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = _generators_loss(nets, x, y, z, weights_one, weights_two)
    _down(optimizer, loss)
    return loss, y_tilde, z_tilde


@wrong("generators_step", "only the loss is detached, not the two fakes", "detach")
def generators_detach_loss_only(nets, optimizer, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = _generators_loss(nets, x, y, z, weights_one, weights_two)
    _down(optimizer, loss)
    return loss.detach(), y_tilde, z_tilde


@wrong("generators_step", "the fakes are made anew after the step", "before")
def generators_return_new_fakes(nets, optimizer, x, y, z, weights_one, weights_two):
    loss, _, _ = _generators_loss(nets, x, y, z, weights_one, weights_two)
    _down(optimizer, loss)
    with torch.no_grad():
        y_tilde = nets.G1(x)
        return loss.detach(), y_tilde, nets.SR(y_tilde)


@wrong("generators_step", "the loss is that after the step", "before")
def generators_return_new_loss(nets, optimizer, x, y, z, weights_one, weights_two):
    _, y_tilde, z_tilde = generators_step(nets, optimizer, x, y, z, weights_one, weights_two)
    return _generators_loss(nets, x, y, z, weights_one, weights_two)[0].detach(), y_tilde, z_tilde


@wrong("generators_step", "the two fakes come in the wrong order", "order")
def generators_swap_fakes(nets, optimizer, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = generators_step(nets, optimizer, x, y, z, weights_one, weights_two)
    return loss, z_tilde, y_tilde


@wrong("generators_step", "the judges are frozen and stay so", "requires_grad")
def generators_freeze_judges(nets, optimizer, x, y, z, weights_one, weights_two):
    for judge in (nets.D1, nets.D2):
        for parameter in judge.parameters():
            parameter.requires_grad_(False)
    return generators_step(nets, optimizer, x, y, z, weights_one, weights_two)


@wrong("generators_step", "the judges move too", "D1")
def generators_move_judges(nets, optimizer, x, y, z, weights_one, weights_two):
    judges = torch.optim.SGD([*nets.D1.parameters(), *nets.D2.parameters()], lr=1e-2)
    judges.zero_grad()
    results = generators_step(nets, optimizer, x, y, z, weights_one, weights_two)
    judges.step()
    return results


@wrong("generators_step", "x and y are swapped", "G1(x)")
def generators_swap_x_and_y(nets, optimizer, x, y, z, weights_one, weights_two):
    return generators_step(nets, optimizer, y, x, z, weights_one, weights_two)


# judge_step


@wrong("judge_step", "the fake is not detached", "gradient")
def judge_without_detach(D, optimizer, real, fake):
    loss = mean_square(D(real) - 1) + mean_square(D(fake))
    _down(optimizer, loss)
    return loss.detach()


@wrong("judge_step", "the fake that was given is itself cut off, in place", "input")
def judge_detaches_in_place(D, optimizer, real, fake):
    fake.detach_()
    loss = mean_square(D(real) - 1) + mean_square(D(fake))
    _down(optimizer, loss)
    return loss.detach()


@wrong("judge_step", "gradients are not cleared", "clear")
def judge_without_clearing(D, optimizer, real, fake):
    loss = mean_square(D(real) - 1) + mean_square(D(fake.detach()))
    loss.backward()
    optimizer.step()
    return loss.detach()


@wrong("judge_step", "gradients are cleared after the step, not before", "clear")
def judge_clears_afterwards(D, optimizer, real, fake):
    loss = mean_square(D(real) - 1) + mean_square(D(fake.detach()))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()


@wrong("judge_step", "the targets are swapped", "swap")
def judge_swapped(D, optimizer, real, fake):
    return judge_step(D, optimizer, fake.detach(), real)


@wrong("judge_step", "with a factor one half", "half")
def judge_halved(D, optimizer, real, fake):
    loss = (mean_square(D(real) - 1) + mean_square(D(fake.detach()))) / 2
    _down(optimizer, loss)
    return loss.detach()


@wrong("judge_step", "the step is forgotten", "step")
def judge_does_not_step(D, optimizer, real, fake):
    loss = mean_square(D(real) - 1) + mean_square(D(fake.detach()))
    optimizer.zero_grad()
    loss.backward()
    return loss.detach()


@wrong("judge_step", "two steps, one for real and one for fake", "one step")
def judge_steps_twice(D, optimizer, real, fake):
    of_real = mean_square(D(real) - 1)
    _down(optimizer, of_real)
    of_fake = mean_square(D(fake.detach()))
    _down(optimizer, of_fake)
    return (of_real + of_fake).detach()


@wrong("judge_step", "the fakes are left out", "fake")
def judge_of_real_only(D, optimizer, real, fake):
    loss = mean_square(D(real) - 1)
    _down(optimizer, loss)
    return loss.detach()


@wrong("judge_step", "D's scores of fakes are detached: D learns nothing of them", "gradient")
def judge_detaches_scores(D, optimizer, real, fake):
    loss = mean_square(D(real) - 1) + mean_square(D(fake).detach())
    _down(optimizer, loss)
    return loss.detach()


@wrong("judge_step", "up the loss, not down", "sign")
def judge_climbs(D, optimizer, real, fake):
    loss = mean_square(D(real) - 1) + mean_square(D(fake.detach()))
    _down(optimizer, -loss)
    return loss.detach()


@wrong("judge_step", "the loss keeps its graph", "detach")
def judge_returns_graph(D, optimizer, real, fake):
    loss = mean_square(D(real) - 1) + mean_square(D(fake.detach()))
    _down(optimizer, loss)
    return loss


@wrong("judge_step", "the loss is that after the step", "before")
def judge_returns_new_loss(D, optimizer, real, fake):
    judge_step(D, optimizer, real, fake)
    with torch.no_grad():
        return mean_square(D(real) - 1) + mean_square(D(fake))


@wrong("judge_step", "an optimiser of its own, not the given one", "optimi")
def judge_with_own_optimizer(D, optimizer, real, fake):
    return judge_step(D, torch.optim.Adam(D.parameters(), lr=2e-4), real, fake)


# joint_step


def _judges(nets, optimizers, y, z, y_tilde, z_tilde):
    return {
        "D1": judge_step(nets.D1, optimizers["D1"], y, y_tilde),
        "D2": judge_step(nets.D2, optimizers["D2"], z, z_tilde),
    }


@wrong("joint_step", "the judges learn first", "first")
def joint_judges_first(nets, optimizers, x, y, z, weights_one, weights_two):
    with torch.no_grad():
        y_tilde = nets.G1(x)
        z_tilde = nets.SR(y_tilde)
    losses = _judges(nets, optimizers, y, z, y_tilde, z_tilde)
    loss, _, _ = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    return {"generators": loss} | losses


@wrong("joint_step", "the judges learn from fakes made after the generators have moved", "before")
def joint_with_new_fakes(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, _, _ = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    y_tilde = nets.G1(x).detach()
    return {"generators": loss} | _judges(nets, optimizers, y, z, y_tilde, nets.SR(y_tilde).detach())


@wrong("joint_step", "real for D1 is x", "real")
def joint_takes_x_for_real(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    return {"generators": loss} | _judges(nets, optimizers, x, z, y_tilde, z_tilde)


@wrong("joint_step", "real for D2 is SR(y)", "real")
def joint_takes_enlarged_for_real(nets, optimizers, x, y, z, weights_one, weights_two):
    with torch.no_grad():
        enlarged = nets.SR(y)
    loss, y_tilde, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    return {"generators": loss} | _judges(nets, optimizers, y, enlarged, y_tilde, z_tilde)


@wrong("joint_step", "the fake for D1 is x", "fake")
def joint_takes_x_for_fake(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, _, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    return {"generators": loss} | _judges(nets, optimizers, y, z, x, z_tilde)


@wrong("joint_step", "D1 learns at high resolution, D2 at low", "D1")
def joint_swaps_resolutions(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    return {"generators": loss} | _judges(nets, optimizers, z, y, z_tilde, y_tilde)


@wrong("joint_step", "real and fake are swapped for D2", "real")
def joint_swaps_for_D2(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    return {"generators": loss} | _judges(nets, optimizers, y, z_tilde, y_tilde, z)


@wrong("joint_step", "D1's gradients with D2's optimiser, and the other way round", "optimi")
def joint_swaps_optimizers(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    swapped = {"D1": optimizers["D2"], "D2": optimizers["D1"]}
    return {"generators": loss} | _judges(nets, swapped, y, z, y_tilde, z_tilde)


@wrong("joint_step", "the judges' losses are stepped by the generators' optimiser", "optimi")
def joint_with_one_optimizer(nets, optimizers, x, y, z, weights_one, weights_two):
    one = optimizers["generators"]
    loss, y_tilde, z_tilde = generators_step(nets, one, x, y, z, weights_one, weights_two)
    return {"generators": loss} | _judges(nets, {"D1": one, "D2": one}, y, z, y_tilde, z_tilde)


@wrong("joint_step", "D2 does not learn", "D2")
def joint_without_D2(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    with torch.no_grad():
        of_D2 = mean_square(nets.D2(z) - 1) + mean_square(nets.D2(z_tilde))
    return {"generators": loss, "D1": judge_step(nets.D1, optimizers["D1"], y, y_tilde), "D2": of_D2}


@wrong("joint_step", "D1 learns twice", "one step")
def joint_teaches_D1_twice(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    losses = _judges(nets, optimizers, y, z, y_tilde, z_tilde)
    judge_step(nets.D1, optimizers["D1"], y, y_tilde)
    return {"generators": loss} | losses


@wrong("joint_step", "the generators move twice", "one step")
def joint_moves_generators_twice(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    return {"generators": loss} | _judges(nets, optimizers, y, z, y_tilde, z_tilde)


@wrong("joint_step", "the weights of the two cycles are swapped", "weight")
def joint_swaps_weights(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_two, weights_one)
    return {"generators": loss} | _judges(nets, optimizers, y, z, y_tilde, z_tilde)


@wrong("joint_step", "the losses of D1 and D2 are returned under each other's name", "D1")
def joint_swaps_names(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    losses = _judges(nets, optimizers, y, z, y_tilde, z_tilde)
    return {"generators": loss, "D1": losses["D2"], "D2": losses["D1"]}


@wrong("joint_step", "the generators' loss is returned under the key G", "key")
def joint_with_other_key(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = generators_step(nets, optimizers["generators"], x, y, z, weights_one, weights_two)
    return {"G": loss} | _judges(nets, optimizers, y, z, y_tilde, z_tilde)


@wrong("joint_step", "the generators' loss keeps its graph", "detach")
def joint_keeps_graph(nets, optimizers, x, y, z, weights_one, weights_two):
    loss, y_tilde, z_tilde = _generators_loss(nets, x, y, z, weights_one, weights_two)
    _down(optimizers["generators"], loss)
    return {"generators": loss} | _judges(nets, optimizers, y, z, y_tilde.detach(), z_tilde.detach())


# The broken runs


@wrong("first_broken_run", "taken for luck", "cause")
def first_run_is_luck():
    return {"cause": "A", "curve": "LR gan"}


@wrong("first_broken_run", "blamed on the total variation", "cause")
def first_run_is_tv():
    return {"cause": "E", "curve": "LR tv"}


@wrong("first_broken_run", "blamed on the learning rate", "cause")
def first_run_is_learning_rate():
    return {"cause": "G", "curve": "LR contrast"}


@wrong("second_broken_run", "taken for luck", "cause")
def second_run_is_luck():
    return {"cause": "A", "curve": "LR drift"}


@wrong("second_broken_run", "blamed on the judge's targets", "cause")
def second_run_is_swapped():
    return {"cause": "C", "curve": "D1"}


@wrong("second_broken_run", "the curve is not one of those drawn", "curve")
def second_run_by_a_curve_not_drawn():
    return {"cause": "B", "curve": "PSNR"}


# aligned_psnr


def _inner(truth, max_shift, border):
    m = border + max_shift
    h, w = truth.shape[-2:]
    return truth[..., m : h - m, m : w - m]


def _window(result, max_shift, border, down, right):
    m = border + max_shift
    h, w = result.shape[-2:]
    return result[..., m + down : h - m + down, m + right : w - m + right]


def _shifts(max_shift):
    one_way = range(-max_shift, max_shift + 1)
    return [(down, right) for down in one_way for right in one_way]


def _errors(result, truth, max_shift, border):
    inner = _inner(truth, max_shift, border)
    return [((_window(result, max_shift, border, *shift) - inner) ** 2).mean().item() for shift in _shifts(max_shift)]


def _decibel(mse):
    return -10 * math.log10(mse) if mse > 0 else math.inf


@wrong("aligned_psnr", "no shift is tried", "shift")
def psnr_as_it_lies(result, truth, max_shift, border):
    inner = _inner(truth, max_shift, border)
    return _decibel(((_window(result, max_shift, border, 0, 0) - inner) ** 2).mean().item())


@wrong("aligned_psnr", "the lowest PSNR counts", "highest")
def psnr_of_the_worst(result, truth, max_shift, border):
    return _decibel(max(_errors(result, truth, max_shift, border)))


@wrong("aligned_psnr", "the mean over all shifts", "highest")
def psnr_of_the_mean(result, truth, max_shift, border):
    errors = _errors(result, truth, max_shift, border)
    return _decibel(sum(errors) / len(errors))


@wrong("aligned_psnr", "range ends one shift too early", "max_shift")
def psnr_short_of_the_last(result, truth, max_shift, border):
    inner = _inner(truth, max_shift, border)
    best = math.inf
    for down in range(-max_shift, max_shift):
        for right in range(-max_shift, max_shift):
            best = min(best, ((_window(result, max_shift, border, down, right) - inner) ** 2).mean().item())
    return _decibel(best)


@wrong("aligned_psnr", "only shifts down and to the right", "negative")
def psnr_of_positive_shifts(result, truth, max_shift, border):
    inner = _inner(truth, max_shift, border)
    best = math.inf
    for down in range(max_shift + 1):
        for right in range(max_shift + 1):
            best = min(best, ((_window(result, max_shift, border, down, right) - inner) ** 2).mean().item())
    return _decibel(best)


@wrong("aligned_psnr", "down and right always move together", "diagonal")
def psnr_of_diagonal_shifts(result, truth, max_shift, border):
    inner = _inner(truth, max_shift, border)
    windows = [_window(result, max_shift, border, shift, shift) for shift in range(-max_shift, max_shift + 1)]
    return _decibel(min(((window - inner) ** 2).mean().item() for window in windows))


@wrong("aligned_psnr", "the border is not cut off", "border")
def psnr_with_border(result, truth, max_shift, border):
    return _decibel(min(_errors(result, truth, max_shift, 0)))


@wrong("aligned_psnr", "the truth loses only the border; what overlaps is compared", "max_shift")
def psnr_of_the_overlap(result, truth, max_shift, border):
    h, w = truth.shape[-2:]
    truth, result = (image[..., border : h - border, border : w - border] for image in (truth, result))
    h, w = truth.shape[-2:]
    errors = []
    for down, right in _shifts(max_shift):
        rows = slice(max(0, -down), h - max(0, down))
        columns = slice(max(0, -right), w - max(0, right))
        moved_rows = slice(max(0, down), h - max(0, -down))
        moved_columns = slice(max(0, right), w - max(0, -right))
        errors.append(((result[..., moved_rows, moved_columns] - truth[..., rows, columns]) ** 2).mean().item())
    return _decibel(min(errors))


@wrong("aligned_psnr", "both windows move", "window")
def psnr_moves_both(result, truth, max_shift, border):
    errors = [
        ((_window(result, max_shift, border, *shift) - _window(truth, max_shift, border, *shift)) ** 2).mean().item()
        for shift in _shifts(max_shift)
    ]
    return _decibel(min(errors))


@wrong("aligned_psnr", "slices m:-m, which are empty where m is 0", "border 0")
def psnr_of_empty_slices(result, truth, max_shift, border):
    m = border + max_shift
    inner = truth[..., m:-m, m:-m]
    windows = (_window(result, max_shift, border, *shift) for shift in _shifts(max_shift))
    return _decibel(min(((window - inner) ** 2).mean().item() for window in windows))


@wrong("aligned_psnr", "the mean of the three channels' PSNR", "one mean")
def psnr_per_channel(result, truth, max_shift, border):
    inner = _inner(truth, max_shift, border)
    best = -math.inf
    for shift in _shifts(max_shift):
        errors = ((_window(result, max_shift, border, *shift) - inner) ** 2).mean((0, 2, 3)).tolist()
        best = max(best, sum(_decibel(error) for error in errors) / len(errors))
    return best


@wrong("aligned_psnr", "the minus is missing", "sign")
def psnr_without_minus(result, truth, max_shift, border):
    return -_decibel(min(_errors(result, truth, max_shift, border)))


@wrong("aligned_psnr", "20 times the logarithm", "factor")
def psnr_of_twenty(result, truth, max_shift, border):
    return 2 * _decibel(min(_errors(result, truth, max_shift, border)))


@wrong("aligned_psnr", "the natural logarithm", "logarithm")
def psnr_natural(result, truth, max_shift, border):
    mse = min(_errors(result, truth, max_shift, border))
    return -10 * math.log(mse) if mse > 0 else math.inf


@wrong("aligned_psnr", "the peak is taken to be 255", "255")
def psnr_of_255(result, truth, max_shift, border):
    return 20 * math.log10(255) + _decibel(min(_errors(result, truth, max_shift, border)))


@wrong("aligned_psnr", "a small number under the logarithm: equal pictures are not infinite", "inf")
def psnr_never_infinite(result, truth, max_shift, border):
    return -10 * math.log10(min(_errors(result, truth, max_shift, border)) + 1e-10)


@wrong("aligned_psnr", "the logarithm of 0 raises an error", "inf")
def psnr_fails_on_equal(result, truth, max_shift, border):
    return -10 * math.log10(min(_errors(result, truth, max_shift, border)))


@wrong("aligned_psnr", "the result is clamped first", "clamp")
def psnr_clamped(result, truth, max_shift, border):
    return _decibel(min(_errors(result.clamp(0, 1), truth, max_shift, border)))


@wrong("aligned_psnr", "both pictures are rounded to 8 bits", "round")
def psnr_rounded(result, truth, max_shift, border):
    result, truth = ((image * 255).round() / 255 for image in (result, truth))
    return _decibel(min(_errors(result, truth, max_shift, border)))


@wrong("aligned_psnr", "a tensor comes back", "float")
def psnr_as_tensor(result, truth, max_shift, border):
    return torch.tensor(_decibel(min(_errors(result, truth, max_shift, border))))


# defence


@wrong("defence", "PSNR as the pictures lie, though they are shifted", "shifted")
def defence_as_they_lie():
    return {"shifted": "A", "gain": "B", "no truth": "C"}


@wrong("defence", "only one's own network may be aligned", "shifted")
def defence_aligns_own():
    return {"shifted": "B", "gain": "B", "no truth": "C"}


@wrong("defence", "the training loss as a score", "shifted")
def defence_by_training_loss():
    return {"shifted": "C", "gain": "B", "no truth": "C"}


@wrong("defence", "a gain within the noise is taken for real", "gain")
def defence_of_a_gain():
    return {"shifted": "D", "gain": "A", "no truth": "C"}


@wrong("defence", "no gain shown is taken for harm shown", "gain")
def defence_of_harm():
    return {"shifted": "D", "gain": "C", "no truth": "C"}


@wrong("defence", "the cycle loss as a measure of the picture", "no truth")
def defence_by_cycle():
    return {"shifted": "D", "gain": "B", "no truth": "D"}


@wrong("defence", "the picture's enlargement as its truth", "no truth")
def defence_by_bicubic():
    return {"shifted": "D", "gain": "B", "no truth": "B"}


# own_step


@wrong("own_step", "the identity at low resolution", "identity")
def own_step_at_lr():
    return {"variant": 0, "identity": 2 * 3 * 32 * 32, "gan": 392, "psnr": 26.3827}


@wrong("own_step", "the batch is left out of the identity", "identity")
def own_step_of_one_patch():
    return {"variant": 0, "identity": 3 * 128 * 128, "gan": 392, "psnr": 26.3827}


@wrong("own_step", "the channels are left out of the identity", "channel")
def own_step_without_channels():
    return {"variant": 0, "identity": 2 * 128 * 128, "gan": 392, "psnr": 26.3827}


@wrong("own_step", "three channels of scores", "gan")
def own_step_with_colour_scores():
    return {"variant": 0, "identity": 98304, "gan": 1176, "psnr": 26.3827}


@wrong("own_step", "the batch is left out of the scores", "gan")
def own_step_of_one_map():
    return {"variant": 0, "identity": 98304, "gan": 196, "psnr": 26.3827}


@wrong("own_step", "20 times the logarithm", "psnr")
def own_step_of_twenty():
    return {"variant": 0, "identity": 98304, "gan": 392, "psnr": 52.7654}


@wrong("own_step", "the minus is missing", "psnr")
def own_step_without_minus():
    return {"variant": 0, "identity": 98304, "gan": 392, "psnr": -26.3827}


@wrong("own_step", "the natural logarithm", "psnr")
def own_step_natural():
    return {"variant": 0, "identity": 98304, "gan": 392, "psnr": -10 * math.log(0.0023)}
