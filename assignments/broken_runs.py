"""Make the runs that assignment 4 hands out: ``python assignments/broken_runs.py``, about two minutes on one core.

Three times the same short training of cycle one, on the photographs that come with the library: sound, and with one
mistake each. What is handed out, and installed with the library, are logs and pictures that really came out. What the
mistakes are stands here and nowhere in the installed library.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import torch

from cincgan_tutorial import figures
from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.cycle_one import cycle_one
from cincgan_tutorial.degradation import SYNTHETIC_MILD
from cincgan_tutorial.figures import EXAMPLE_BOX
from cincgan_tutorial.images import write_png
from cincgan_tutorial.losses import discriminator_loss
from cincgan_tutorial.presets import PRESETS, Preset, Weights
from cincgan_tutorial.provenance import provenance
from cincgan_tutorial.training.alarms import colour_drift, contrast_kept
from cincgan_tutorial.unpaired import UnpairedPatches, bundled_photographs

FOLDER = Path(__file__).resolve().parent.parent / "cincgan_tutorial" / "grading" / "handed_out"
STEPS, EVERY, BATCH = 400, 10, 4
LESSON = PRESETS["lesson"]
# Smaller than `lesson`, at a higher rate: what goes wrong shows within 400 steps.
PRESET: Preset = replace(LESSON, name="handed out", patch=24, generator=replace(LESSON.generator, width=16, blocks=2))
RATE = 5e-4
WEIGHTS = LESSON.first.cycle_one or Weights()


def train(mistake: str) -> tuple[Networks, list[dict[str, float]]]:
    """Train cycle one with a mistake: "" is none, "labels" swaps D1's targets, "no identity" gives it the weight 0."""
    weights = replace(WEIGHTS, identity=0.0) if mistake == "no identity" else WEIGHTS
    nets = Networks.from_preset(PRESET)
    patches = UnpairedPatches(bundled_photographs(), SYNTHETIC_MILD, PRESET.patch)
    of_G = torch.optim.Adam([*nets.G1.parameters(), *nets.G2.parameters()], lr=RATE, betas=(0.5, 0.999))
    of_D = torch.optim.Adam(nets.D1.parameters(), lr=RATE, betas=(0.5, 0.999))
    log = []
    for step in range(1, STEPS + 1):
        x, y, _ = patches.batch(step, BATCH)
        terms, y_tilde, _ = cycle_one(nets, x, y, PRESET.norms)
        of_G.zero_grad()
        terms.total(weights).backward()
        of_G.step()
        real, fake = nets.D1(y), nets.D1(y_tilde.detach())
        judged = discriminator_loss(fake, real) if mistake == "labels" else discriminator_loss(real, fake)
        of_D.zero_grad()
        judged.backward()
        torch.nn.utils.clip_grad_norm_(nets.D1.parameters(), PRESET.clip)
        of_D.step()
        if step % EVERY == 0:
            looks = {"LR drift": colour_drift(y_tilde, x), "LR contrast": contrast_kept(y_tilde, x)}
            values = {f"LR {name}": term for name, term in terms._asdict().items()} | {"D1": judged} | looks
            log.append({"stage": "first", "step": step} | {k: round(v.item(), 5) for k, v in values.items()})
    return nets, log


def main() -> None:
    """Write the log, the cleaned example and the settings of each run into the library's folder."""
    torch.set_num_threads(1)
    # Asked before anything is written: the runs themselves change files that git knows.
    facts = provenance("python assignments/broken_runs.py")
    x, _ = figures.example()
    write_png(FOLDER / "x.png", EXAMPLE_BOX.cut(x, PRESET.scale)[0])
    settings = {"steps": STEPS, "batch": BATCH, "rate": RATE, "seed": PRESET.seed, "patch": PRESET.patch}
    meant = {"weights": asdict(WEIGHTS), "norms": asdict(PRESET.norms), "generator": asdict(PRESET.generator)}
    for name, mistake in {"sound": "", "broken-1": "labels", "broken-2": "no identity"}.items():
        nets, log = train(mistake)
        with torch.no_grad():
            cleaned = nets.G1(x).clamp(0, 1)
        write_png(FOLDER / f"{name}.png", EXAMPLE_BOX.cut(cleaned, PRESET.scale)[0])
        made = facts | {"source": "bundled", "degradation": SYNTHETIC_MILD.name} | settings | meant
        lines = ",\n".join(json.dumps(line) for line in log)
        text = f'{{"provenance": {json.dumps(made, indent=1)},\n"log": [\n{lines}\n]}}\n'
        (FOLDER / f"{name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
