"""Chapter 7, other structures of CinCGAN, each a change of settings: the article's ablations, and our own.

The article tried three other ways of training. Of the third only a picture is left, without words: what stands here
for it is our reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Cycle one, cycle one in the joint stage, cycle two.
_CYCLES = ("first.cycle_one", "joint.cycle_one", "joint.cycle_two")

# Source: Yuan et al., CVPRW 2018, as told in the article: its section on other structures.
ARTICLE: dict[str, Mapping[str, Any]] = {
    # SR after G1 is one network that nobody cleans for: only the HR total moves it. No G2, no D1, no stage one.
    "one CycleGAN": {"first.steps": 0, "joint.cycle_one": None},
    # Stage one cleans, SR as it was pre-trained enlarges: no D2, no G3, no joint stage.
    "no D2 and G3": {"joint.steps": 0},
    # Departure: our reading of the third structure. G1, G2 and D1 stay as stage one left them, cycle two moves SR and
    # G3 alone.
    "LR cycle frozen": {"joint.cycle_one": None, "joint.hold_G1": True},
}

OURS: dict[str, Mapping[str, Any]] = {
    # SR(y) against z is called identity in the paper, but is supervision, and stays.
    "no identity": {"first.cycle_one.identity": 0, "joint.cycle_one.identity": 0},
    "no TV": {f"{cycle}.tv": 0 for cycle in _CYCLES},
    "no cycle": {f"{cycle}.cycle": 0 for cycle in _CYCLES},
    "no adversary": {f"{cycle}.gan": 0 for cycle in _CYCLES},
    "D1 sees 10 pixels": {"discriminator.D1_sees": 10},
    "D1 sees 28 pixels": {"discriminator.D1_sees": 28},
}
