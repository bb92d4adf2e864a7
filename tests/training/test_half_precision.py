"""Half precision on the CPU: as much of the GPU's path as can be run without one."""

from __future__ import annotations

import torch

from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.training import train


def test_fp16_scales_the_loss_and_keeps_the_scale_in_the_checkpoint(bundled, tmp_path) -> None:
    run = train(with_settings(PRESETS["smoke"], {"precision": "fp16"}), bundled, tmp_path / "run")
    assert run.finished
    saved = torch.load(run.checkpoint_path, weights_only=True)
    assert saved["scaler"]["scale"] > 1
    assert saved["scaler"]["_growth_tracker"] > 0
