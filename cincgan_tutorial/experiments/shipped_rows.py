"""The main rows of the table, scored here and now with the weights that ship: no training, and no data to fetch."""

from __future__ import annotations

from collections.abc import Sequence

from ..baselines import shipped_system
from ..degradation import SYNTHETIC_MILD
from ..unpaired import Photograph
from ..weights import load_weights
from .contenders import TRAINED
from .denoisers import DENOISERS
from .evaluate import Row, check_not_among, score_all
from .systems import System, systems

# Keys of `TRAINED`, in the order of the article's table.
SHIPPED_ROWS = ("fsrcnn", "edsr", "srgan", "edsr-plus", "on-pairs", "cycle-gan", "dual-gan")
# Whose CinCGAN stands in the last row.
_CINCGAN = "lesson"


def shipped_rows(nlm_level: float) -> dict[str, System]:
    """Return the systems whose weights ship, by the names that the table gives them, bicubic first, CinCGAN last.

    Args:
        nlm_level: What the denoiser before EDSR is told about the noise, in levels of 255.
    """
    trained = load_weights(_CINCGAN)
    ours = systems(trained)
    found: dict[str, System] = {"bicubic": ours["bicubic"]}
    for key in SHIPPED_ROWS:
        system, _ = shipped_system(TRAINED[key], key)
        found[system.name] = system.upscale
        if key == "edsr":
            found[f"nlm({nlm_level:g})+{system.name}"] = _after_nlm(system.upscale, nlm_level)
    return found | {"CinCGAN": ours["CinCGAN"]}


def table_here(photographs: Sequence[Photograph], nlm_level: float) -> list[Row]:
    """Score the systems whose weights ship under `SYNTHETIC_MILD`, without its shift, as `evaluate` does.

    Raises:
        ValueError: One of the systems was trained on one of the photographs.
    """
    for facts in (load_weights(_CINCGAN).facts, *(shipped_system(TRAINED[key], key)[1] for key in SHIPPED_ROWS)):
        check_not_among({*facts["x_photographs"].values(), *facts["yz_photographs"].values()}, photographs)
    return score_all(shipped_rows(nlm_level), photographs, SYNTHETIC_MILD.without_shift(), scale=4)


def _after_nlm(edsr: System, level: float) -> System:
    return lambda x: edsr(DENOISERS["nlm"](x, level))
