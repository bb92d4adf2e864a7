"""Training as frames: what the networks of one run make of one photograph, from before the first step to the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..architectures import Networks, Upscaler
from ..degradation import DEGRADATIONS, bicubic_upsample
from ..front_end import progress_bar
from ..images import Images, read_image, write_png
from ..inference import super_resolve
from ..metrics import psnr
from ..presets import Preset
from ..unpaired import Photograph, Photographs, bundled_photograph
from ..weights import Trained, load_weights
from .comparison import check_apart
from .evaluate import noisy
from .example import EXAMPLE, EXAMPLE_BOX
from .results import Recorded, record
from .study import trained_in

FRAMES = "frames"
LEARNING = "what one photograph looks like while the networks learn"
STAGES = {"pretrain": "pre-training", "first": "stage one", "joint": "joint stage"}
# Checkpoints of stage one; the other stages are looked at after as many steps.
_CHECKPOINTS = 28


class Frame(NamedTuple):
    """One moment of a run.

    Attributes:
        stage: "pretrain", "first" or "joint".
        step: Steps of that stage that were done; those in which a judge learns alone are not counted.
        at: Steps of all stages that were done, counted alike.
        gain: PSNR over bicubic on the photograph that is shown, dB.
        mean_gain: The same, mean over the held-out photographs.
        image: What SR(G1(x)) makes of the crop, (3, h, w); ``None`` where no picture was kept.
    """

    stage: str
    step: int
    at: int
    gain: float
    mean_gain: float
    image: Tensor | None

    @property
    def label(self) -> str:
        """Stage and step in words."""
        return f"{STAGES[self.stage]}, step {self.step}"


def run_frames(
    preset: Preset, photographs: Photographs, held_out: Sequence[Photograph], runs: Path, results: Path
) -> Path:
    """Train once, score every checkpoint, keep pictures of some, record ``frames`` and return its folder.

    Networks are those that would be published then. Pictures are kept of the untrained networks and of each stage's
    end, and in between of those checkpoints whose numbers are powers of two, since most happens early: all of them in
    stage one, the first alone in the other two.

    Args:
        preset: The settings of the run.
        photographs: What it is trained on.
        held_out: What the mean is taken over; no network may have seen them.
        runs: The run is kept in ``runs/frames-<preset>``; a finished one is not done again.
        results: The result is written to ``results/frames``.
    """
    shown = bundled_photograph(EXAMPLE)
    scored = {photograph.name: photograph for photograph in (shown, *held_out)}
    check_apart(photographs, list(scored.values()))
    preset = replace(preset, keep_every=max(1, preset.first.steps // _CHECKPOINTS))
    run = trained_in(runs / f"{FRAMES}-{preset.name}", preset, photographs)
    trained = load_weights(run)
    degradation = DEGRADATIONS[preset.degradation].without_shift()
    pairs = {name: noisy(photograph, degradation, preset.scale) for name, photograph in scored.items()}
    rows, crops = _scored(run, trained, pairs)
    pictures = {}
    for number in _kept(rows):
        row = rows[number]
        row["picture"] = f"{row['stage']}-{row['step']:06d}.png"
        pictures[row["picture"]] = write_png(run / row["picture"], crops[number])
    data = {
        "question": LEARNING,
        "shown": EXAMPLE,
        "held_out": [photograph.name for photograph in held_out],
        "bicubic": {name: psnr(bicubic_upsample(x, preset.scale).clamp(0, 1), z) for name, (x, z) in pairs.items()},
        "steps": {name: stage.steps for name, stage in preset.stages().items()},
        "checkpoints": rows,
        "training": {key: trained.facts[key] for key in ("commit", "device", "date", "seconds")},
    }
    facts = {"preset": preset.name, "seed": preset.seed, "source": photographs.source}
    return record(FRAMES, data, facts, results, pictures)


def _scored(
    run: Path, trained: Trained, pairs: Mapping[str, tuple[Images, Images]]
) -> tuple[list[dict[str, Any]], list[Tensor]]:
    """Return stage, step and scores of each checkpoint, and what it makes of the running example's crop."""
    rows, crops = [], []
    every = trained.preset.keep_every
    # The beginning, and each stage at every so many steps and at its end.
    moments = 1 + sum(-(-stage.steps // every) for stage in trained.preset.stages().values())
    with progress_bar(moments, FRAMES) as bar:
        for stage, step, upscaler in _moments(run, trained):
            results = {name: super_resolve(upscaler, x) for name, (x, _) in pairs.items()}
            scores = {name: psnr(result, pairs[name][1]) for name, result in results.items()}
            rows.append({"stage": stage, "step": step, "psnr": scores})
            crops.append(EXAMPLE_BOX.cut(results[EXAMPLE][0]))
            bar.update()
    return rows, crops


def _moments(run: Path, trained: Trained) -> Iterator[tuple[str, int, Upscaler]]:
    """Yield stage, step and networks in the order of training, from before the first step to the last.

    A stage ends with what it hands on: after stage one that is the G1 that was chosen, see `training.validation`.
    """
    beginning, nets = (Networks.from_preset(trained.preset).eval() for _ in range(2))
    # Pre-training moves SR alone, and stage one does not move it.
    ends = {
        "pretrain": Upscaler(beginning.G1, trained.before_joint.SR),
        "first": trained.before_joint,
        "joint": trained.nets.upscaler(),
    }
    yield "pretrain", 0, beginning.upscaler()
    for name, stage in trained.preset.stages().items():
        for path in sorted((run / "snapshots").glob(f"{name}-*.pt")):
            step = int(path.stem.partition("-")[2])
            if step < stage.steps:
                nets.upscaler().load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["published"])
                yield name, step, nets.upscaler()
        if stage.steps:
            yield name, stage.steps, ends[name]


def _kept(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the numbers of the rows whose pictures are kept, see `run_frames`."""
    kept = {0}
    for stage in STAGES:
        numbers = [number for number, row in enumerate(rows) if row["stage"] == stage and row["step"]]
        powers = [2**power for power in range(len(numbers).bit_length())]
        kept |= {numbers[power - 1] for power in (powers if stage == "first" else powers[:1])} | set(numbers[-1:])
    return sorted(kept)


def frames_of(result: Recorded) -> list[Frame]:
    """Return every checkpoint of a recorded run, with pictures where they were kept."""
    data = result.data
    shown, held_out, bicubic = data["shown"], data["held_out"], data["bicubic"]
    before, done = {}, 0
    for stage, steps in data["steps"].items():
        before[stage] = done
        done += steps
    frames = []
    for row in data["checkpoints"]:
        gains = {name: value - bicubic[name] for name, value in row["psnr"].items()}
        image = read_image(result.folder / row["picture"]) if "picture" in row else None
        mean = sum(gains[name] for name in held_out) / len(held_out)
        frames.append(Frame(row["stage"], row["step"], before[row["stage"]] + row["step"], gains[shown], mean, image))
    return frames
