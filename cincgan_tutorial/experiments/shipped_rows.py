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

# Keys of `TRAINED`, in the order of the article's table. CycleGAN and DualGAN, which end far below interpolation there,
# would take more room than these together.
SHIPPED_ROWS = ("fsrcnn", "edsr", "srgan", "edsr-plus", "on-pairs")
# Whose CinCGAN stands in the last row: of the table's recipe, trained once more with two threads.
_CINCGAN = "lesson"


def table_here(photographs: Sequence[Photograph], nlm_level: float) -> list[Row]:
    """Score the systems whose weights ship under `SYNTHETIC_MILD`, without its shift, as `evaluate` does.

    Args:
        photographs: At least one.
        nlm_level: What the denoiser before EDSR is told about the noise, in levels of 255.

    Returns:
        Rows by the names that the table gives the systems, bicubic first, CinCGAN last.

    Raises:
        ValueError: One of the systems was trained on one of the photographs.
    """
    trained = load_weights(_CINCGAN)
    shipped = {key: shipped_system(TRAINED[key], key) for key in SHIPPED_ROWS}
    for facts in (trained.facts, *(facts for _, facts in shipped.values())):
        check_not_among({*facts["x_photographs"].values(), *facts["yz_photographs"].values()}, photographs)
    ours = systems(trained)
    rows = {"bicubic": ours["bicubic"]}
    for key, (system, _) in shipped.items():
        rows[system.name] = system.upscale
        if key == "edsr":
            rows[f"nlm({nlm_level:g})+{system.name}"] = _after_nlm(system.upscale, nlm_level)
    rows[f"CinCGAN ({_CINCGAN})"] = ours["CinCGAN"]
    return score_all(rows, photographs, SYNTHETIC_MILD.without_shift(), scale=4)


def _after_nlm(edsr: System, level: float) -> System:
    return lambda x: edsr(DENOISERS["nlm"](x, level))
