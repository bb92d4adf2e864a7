"""What chapter 7 says of training seconds, checked against the recorded study."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cincgan_tutorial.experiments import recorded

CLEAN_ONLY = ("edsr", "fsrcnn")
REAL_PAIRS = ("edsr-plus", "on-pairs")


@pytest.fixture(scope="module")
def gains() -> dict[str, list[float]]:
    """The gain over interpolation of each system, by growing budget."""
    tables = [{line["key"]: line for line in point["table"]} for point in recorded("lesson-budget").data["points"]]
    return {key: [table[key]["psnr"] - table["bicubic"]["psnr"] for table in tables] for key in tables[0]}


def test_each_budget_is_twice_the_one_before() -> None:
    budgets = [point["budget_seconds"] for point in recorded("lesson-budget").data["points"]]
    assert [b / a for a, b in pairwise(budgets)] == [2, 2, 2]


def test_what_is_drawn_was_admitted_at_every_budget() -> None:
    for point in recorded("lesson-budget").data["points"]:
        admitted = {line["key"] for line in point["table"] if line["admitted"]}
        assert {"cincgan", *CLEAN_ONLY, *REAL_PAIRS} <= admitted


def test_more_seconds_on_clean_pairs_buy_edsr_nothing_here_and_much_on_clean_input(
    gains: dict[str, list[float]],
) -> None:
    assert gains["edsr"][-1] < max(gains["edsr"]) == gains["edsr"][0]
    tables = [{line["key"]: line for line in point["table"]} for point in recorded("lesson-budget").data["points"]]
    clean = [table["edsr"]["clean_psnr"] - table["edsr"]["clean_bicubic"] for table in tables]
    assert clean == sorted(clean)
    assert clean[-1] > 4 * clean[0]
    assert 0 < gains["fsrcnn"][-1] - gains["fsrcnn"][0] < 0.15


def test_cincgan_begins_with_nothing_leads_from_the_second_budget_and_rises_to_the_end(
    gains: dict[str, list[float]],
) -> None:
    assert abs(gains["cincgan"][0]) < 0.05 < min(gains[key][0] for key in CLEAN_ONLY)
    for at in (1, 2, 3):
        assert gains["cincgan"][at] > max(gains[key][at] for key in CLEAN_ONLY)
    assert gains["cincgan"] == sorted(gains["cincgan"])
    lines = {line["key"]: line["psnr"] for line in recorded("lesson-table-val").data["table"]}
    of_means = lines["nlm-tuned"] - lines["bicubic"]
    assert gains["cincgan"][-2] < of_means < gains["cincgan"][-1]


def test_real_pairs_lead_at_every_budget_and_the_fine_tuned_after_an_eighth(gains: dict[str, list[float]]) -> None:
    for at in range(4):
        assert min(gains[key][at] for key in REAL_PAIRS) > gains["cincgan"][at]
    assert gains["edsr-plus"][0] > gains["cincgan"][-1]
    for key in REAL_PAIRS:
        assert gains[key] == sorted(gains[key])
