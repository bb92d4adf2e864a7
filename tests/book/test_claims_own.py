"""What chapter 7 says of one's own photographs holds for the recorded study."""

import dataclasses
import json
import statistics

import pytest

from cincgan_tutorial.experiments import (
    OWN,
    PHONE,
    Look,
    Recorded,
    Row,
    recorded,
    recorded_looks,
    recorded_own_rows,
    rows_of,
)
from cincgan_tutorial.experiments.own_photographs import SHIPPED
from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.tables import paired, verdict
from cincgan_tutorial.weights import load_weights


@pytest.fixture(scope="module")
def study() -> Recorded:
    return recorded(OWN)


@pytest.fixture(scope="module")
def own(study: Recorded) -> dict[str, Row]:
    return {row.system: row for row in recorded_own_rows(study)}


@pytest.fixture(scope="module")
def later(study: Recorded) -> dict[str, Row]:
    return {row.system: row for row in rows_of(study)}


def means(look: Look) -> tuple[float, float]:
    return statistics.fmean(look.noise_8bit.values()), statistics.fmean(look.blur.values())


def test_it_is_of_this_phone_and_check_found_nothing_against_it(study: Recorded) -> None:
    assert study.data["phone"] == json.loads(json.dumps(dataclasses.asdict(PHONE)))
    assert study.data["check"].endswith("Nothing speaks against training with them.")
    assert study.provenance["preset"] == "lesson"
    assert study.provenance["source"] == "cid22"  # nothing but photographs that may be shown
    assert len(study.provenance["commit"]) == 40  # not "-dirty"


def test_without_a_reference_cleaning_has_the_least_noise_and_lies_between_in_blur(study: Recorded) -> None:
    noise, blur = ({look.system: means(look)[which] for look in recorded_looks(study)} for which in (0, 1))
    for cleaned in ("G1 then SR", "CinCGAN"):
        assert 0.8 * noise["bicubic"] < noise[cleaned] < noise["bicubic"] < noise["SR alone"]
        assert blur["bicubic"] > blur[cleaned] > blur["SR alone"]


def test_on_the_owners_photographs_sr_alone_loses_and_cleaning_first_gains_on_both(own: dict[str, Row]) -> None:
    assert verdict(*paired(own["SR alone"].psnr, own["bicubic"].psnr)) == "a loss"
    for system in ("G1 then SR", "CinCGAN"):
        for other in ("bicubic", "SR alone"):
            for measure in ("psnr", "ssim"):
                assert verdict(*paired(getattr(own[system], measure), getattr(own[other], measure))) == "a gain"


def test_on_the_six_that_came_later_too(later: dict[str, Row]) -> None:
    assert len(later["bicubic"].psnr) == 6
    for other in ("bicubic", "SR alone"):
        assert verdict(*paired(later["CinCGAN"].psnr, later[other].psnr)) == "a gain"


def test_ten_minutes_give_four_fifths_of_what_the_shipped_weights_give(study: Recorded, later: dict[str, Row]) -> None:
    assert 9 * 60 < sum(study.data["training"]["seconds"].values()) < 10.5 * 60
    assert study.data["training"]["device"].endswith("1 threads")
    own, _ = paired(later["CinCGAN"].psnr, later["bicubic"].psnr)
    shipped, _ = paired(later[SHIPPED].psnr, later["bicubic"].psnr)
    assert 0.78 < own / shipped < 0.85
    assert verdict(*paired(later[SHIPPED].psnr, later["CinCGAN"].psnr)) == "not established"
    general, lesson = load_weights("general"), PRESETS["lesson"]
    assert 60 * 60 < sum(general.facts["seconds"].values()) < 120 * 60
    assert general.preset.generator.width > lesson.generator.width
    assert general.preset.sr.features > lesson.sr.features
