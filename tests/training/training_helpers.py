"""Interrupting a run, and comparing two."""

import torch
from helpers import assert_same_tensors

from cincgan_tutorial.training import loop
from cincgan_tutorial.weights import load_weights


class PulledPlug(Exception):  # noqa: N818 - no error, an event
    """Stands for whatever ends a program."""


def pull_the_plug_at(monkeypatch, step):
    """Let the training step number `step`, counted over all stages from now on, raise instead."""
    real, count = loop.train_step, iter(range(10**6))

    def step_or_stop(*arguments, **options):
        if next(count) == step:
            raise PulledPlug
        return real(*arguments, **options)

    monkeypatch.setattr(loop, "train_step", step_or_stop)


def log_without_time(run):
    return [{k: v for k, v in line.items() if k != "seconds"} for line in run.log]


def assert_same_run(run, reference):
    ours, theirs = load_weights(run.folder), load_weights(reference.folder)
    assert_same_tensors(ours.nets.state_dict(), theirs.nets.state_dict())
    assert_same_tensors(ours.before_joint.state_dict(), theirs.before_joint.state_dict())
    assert ours.preset == theirs.preset
    assert log_without_time(run) == log_without_time(reference)
    states = [torch.load(r.checkpoint_path, weights_only=True) for r in (run, reference)]
    for name in states[0]["optimizers"]:
        for key, value in states[0]["optimizers"][name]["state"].items():
            assert_same_tensors(value, states[1]["optimizers"][name]["state"][key])
