"""What test_ranks.py starts under torchrun, and does itself alone: short trainings, one for each question."""

import json
import sys
from pathlib import Path

import torch
from torch import nn

from cincgan_tutorial.presets import PRESETS, Preset, with_settings
from cincgan_tutorial.training import Arithmetic, ranks, train
from cincgan_tutorial.unpaired import folder_of_photographs

BATCH, STEPS = 4, 20
ONE_STAGE = {
    name: {f"{other}.steps": STEPS if other == name else 0 for other in ("pretrain", "first", "joint")}
    for name in ("pretrain", "first", "joint")
}
SETTINGS: dict[str, dict[str, object]] = ONE_STAGE | {
    "batch_norm": ONE_STAGE["first"] | {"discriminator.batch_norm": "true"}
}


def preset_of(question: str) -> Preset:
    batches = {f"{name}.batch": BATCH for name in ONE_STAGE}
    # Squares as in the paper: at a difference of zero the gradient of |d| jumps, and a rounding error decides its sign.
    smooth = {"norms.cycle": 2, "norms.tv": 2, "norms.supervised": 2}
    return with_settings(PRESETS["smoke"], SETTINGS[question] | batches | smooth | {"log_every": 10})


def answer(question: str, photographs: Path, out: Path) -> None:
    train(preset_of(question), folder_of_photographs(photographs), out / question, command="test")


@ranks.joined()
def overflow_on_one_rank() -> dict[str, list[float]]:
    """Three fp16 steps; in the second, the loss of the last rank alone is infinite. Returns weights and scales."""
    arithmetic = Arithmetic("fp16", torch.device("cpu"))
    layer = nn.Linear(1, 1, bias=False)
    nn.init.ones_(layer.weight)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    found: dict[str, list[float]] = {"weights": [], "scales": []}
    for step in range(3):
        loss = layer(torch.full((1, 1), 1.0 + ranks.rank())).sum()
        if step == 1 and ranks.rank() == ranks.world() - 1:
            loss = loss * float("inf")
        arithmetic.minimise(loss, optimizer, clip=100.0)
        arithmetic.end_step()
        found["weights"].append(layer.weight.item())
        found["scales"].append(arithmetic.scaler.get_scale())
    return found


if __name__ == "__main__":
    photographs, out = map(Path, sys.argv[1:])
    torch.set_num_threads(1)
    for question in SETTINGS:
        answer(question, photographs, out)
    text = json.dumps(overflow_on_one_rank())
    (out / f"overflow{ranks.rank()}.json").write_text(text, encoding="utf-8")
