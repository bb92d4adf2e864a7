"""Tables and sentences of the chapters, from numbers small enough to work out by hand."""

import math

import pytest

from cincgan_tutorial import control_tables, tables
from cincgan_tutorial.experiments import Recorded, Row, rows_of
from cincgan_tutorial.experiments.paper import TABLE_1


def cells(markdown) -> list[list[str]]:
    """The rows of a table below its header."""
    lines = str(markdown).splitlines()
    assert set(lines[1]) <= set("|:- ")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def evaluated(folder, shift=0.0) -> Recorded:
    rows = [
        {"system": "bicubic", "psnr": {"a": 20.0, "b": 22.0}, "ssim": {"a": 0.5, "b": 0.6}},
        {"system": "SR alone", "psnr": {"a": 19.0 + shift, "b": 21.5}, "ssim": {"a": 0.4, "b": 0.5}},
        {"system": "G1 then SR", "psnr": {"a": 22.0, "b": 24.0 + shift}, "ssim": {"a": 0.7, "b": 0.7}},
        {"system": "CinCGAN", "psnr": {"a": 22.5, "b": 24.0}, "ssim": {"a": 0.7, "b": 0.72}},
    ]
    return Recorded("mine", folder, {}, {"rows": rows})


def study(folder, measures="lr") -> Recorded:
    variants = {
        "all terms": {"psnr": {"a": 20.0, "b": 24.0}, "ssim": {"a": 0.5, "b": 0.7}, "colour_drift_8bit": 1.25},
        "control: supervision only": {
            "psnr": {"a": 21.0, "b": 24.5}, "ssim": {"a": 0.25, "b": 0.45}, "colour_drift_8bit": 10.0,
        },
    }  # fmt: skip
    if measures == "hr":
        for measured in variants.values():
            del measured["colour_drift_8bit"]
        variants["all terms"]["vif"] = {"a": 0.25, "b": 0.3}
        variants["control: supervision only"]["vif"] = {"a": 0.125, "b": 0.375}
    untouched = {"a": 19.0, "b": 20.0}
    return Recorded("mine", folder, {}, {"measures": measures, "variants": variants, "untouched": untouched})


def test_a_markdown_renders_and_prints_the_same():
    markdown = tables.markdown_table(["System", "n"], [["a", "1"]])
    assert str(markdown) == markdown._repr_markdown_() == "| System | n |\n| :-- | --: |\n| a | 1 |"


def test_scores_are_means_with_gains(tmp_path):
    rows = [Row("bicubic", {"a": 20.0, "b": 22.0}, {"a": 0.5, "b": 0.6}), Row("better", {"a": 22, "b": 23}, {"a": 0.7})]
    assert cells(tables.scores(rows)) == [
        ["bicubic", "21.00", "+0.00", "0.5500"],
        ["better", "22.50", "+1.50", "0.7000"],
    ]


def test_paired_is_the_mean_difference_with_its_standard_error():
    mean, error = tables.paired({"a": 3.0, "b": 2.0, "not in b": 99.0}, {"a": 1.0, "b": 1.0})
    assert mean == 1.5
    assert error == pytest.approx(math.sqrt(0.5) / math.sqrt(2))
    assert math.isnan(tables.paired({"a": 1.0}, {"a": 0.0})[1])


@pytest.mark.parametrize(
    ("mean", "error", "said"),
    [(1.0, 0.4, "a gain"), (-1.0, 0.4, "a loss"), (0.5, 0.4, "not established"), (-0.5, 0.4, "not established")],
)
def test_a_difference_is_established_from_two_standard_errors_on(mean, error, said):
    assert tables.verdict(mean, error) == said


def test_one_photograph_establishes_nothing():
    assert tables.verdict(*tables.paired({"a": 9.0}, {"a": 1.0})) == "not established"


def test_the_paper_stands_in_columns_of_its_own(tmp_path):
    rows = cells(tables.beside_the_paper(rows_of(evaluated(tmp_path))))
    assert rows[0] == ["bicubic", "21.00", "+0.00", "0.550", "22.85", "+0.00", "0.65"]
    assert rows[1] == ["SR alone", "20.25", "-0.75", "0.450", "22.67", "-0.18", "0.62"]
    assert rows[2] == ["G1 then SR", "23.00", "+2.00", "0.700", "–", "–", "–"]
    assert rows[3] == ["CinCGAN", "23.25", "+2.25", "0.710", "24.33", "+1.48", "0.69"]
    others = [f"*{row.system}*" for row in TABLE_1 if row.system not in ("bicubic", "EDSR", "CinCGAN")]
    assert [row[0] for row in rows[4:]] == others
    assert all(row[1:4] == ["–"] * 3 for row in rows[4:]), "a number of the paper in a column of ours"


@pytest.mark.parametrize(
    ("measures", "last"), [("lr", [["1.2"], ["10.0"]]), ("hr", [["0.600", "0.275"], ["0.350", "0.250"]])]
)
def test_a_study_is_compared_with_its_first_variant(tmp_path, measures, last):
    rows = cells(tables.of_study(study(tmp_path, measures)))
    assert rows[0] == ["all terms", "22.00", "–", *last[0]]
    assert rows[1] == ["control: supervision only", "22.75", "+0.75 ± 0.25", *last[1]]
    as_it_is = {"lr": "*x as it is*", "hr": "*bicubic*"}[measures]
    assert rows[2:] == [[as_it_is, "19.50", "-2.50 ± 1.50", *["–"] * len(last[0])]]
    assert cells(tables.of_study(study(tmp_path, measures), ["control: supervision only"])) == rows[:2]
    assert cells(tables.of_study(study(tmp_path, measures), [])) == rows[:1]


def test_gains_stand_beside_the_bicubic_of_their_own_degradation(tmp_path):
    results = {"mild": evaluated(tmp_path), "white": evaluated(tmp_path, shift=2.0)}
    rows = cells(tables.of_gains(results))
    assert rows == [
        ["*bicubic, dB*", "*21.00*", "*21.00*", ""],
        ["SR alone", "-0.75", "+0.25", "-0.25"],
        ["G1 then SR", "+2.00", "+3.00", "+2.50"],
        ["CinCGAN", "+2.25", "+2.25", "+2.25"],
    ]
    assert cells(tables.of_gains(results, mean=False)) == [row[:-1] for row in rows]


def test_comparisons_go_from_each_system_to_the_next(tmp_path):
    lines = str(tables.comparisons(rows_of(evaluated(tmp_path)))).splitlines()
    assert lines == [
        "* **SR alone** against bicubic: -0.75 dB (standard error 0.25), a loss; better on 0 of 2 photographs.",
        "* **G1 then SR** against SR alone: +2.75 dB (standard error 0.25), a gain; better on 2 of 2 photographs.",
        "* **CinCGAN** against G1 then SR: +0.25 dB (standard error 0.25), not established;"
        " better on 1 of 2 photographs.",
    ]


def test_comparisons_in_ssim_have_its_name_and_digits(tmp_path):
    last = str(tables.comparisons(rows_of(evaluated(tmp_path)), "ssim")).splitlines()[-1]
    assert last == (
        "* **CinCGAN** against G1 then SR: +0.010 in SSIM (standard error 0.010), not established;"
        " better on 1 of 2 photographs."
    )


def test_one_system_less_another_on_every_photograph(tmp_path):
    table = tables.of_photographs(rows_of(evaluated(tmp_path)), "CinCGAN", "G1 then SR")
    assert str(table).splitlines()[0] == "| CinCGAN less G1 then SR | PSNR (dB) | SSIM |"
    assert cells(table) == [["a", "+0.50", "+0.000"], ["b", "+0.00", "+0.020"]]


def test_seed_by_seed_are_the_gains_on_the_mean_photograph(tmp_path):
    runs = [evaluated(tmp_path, shift).data | {"seed": seed} for seed, shift in ((0, 0.0), (7, 1.0))]
    text = str(tables.seed_by_seed(Recorded("mine", tmp_path, {}, {"runs": runs}), "G1 then SR", "bicubic"))
    assert text == "**G1 then SR** over bicubic, seed by seed: +2.00, +2.50 dB."


def test_the_joint_stage_is_compared_with_its_control(tmp_path):
    text = str(control_tables.against_control(study(tmp_path, "hr")))
    assert "PSNR by -0.750 dB (standard error 0.250: a loss)" in text
    assert "SSIM by +0.2500 (standard error 0.0000: a gain)" in text
    assert "VIF by +0.0250 (standard error 0.1000: not established)" in text
    assert "on 2 photographs and one seed" in text


def test_every_setting_of_the_joint_stage_is_compared_with_its_own_control(tmp_path):
    given = study(tmp_path, "hr")
    terms, control = given.data["variants"].values()
    control["lr_psnr"] = {"a": 26.0, "b": 27.0}
    given.data["variants"] = {
        "as it is": terms,
        "as it is, control": control,
        "long": control,
        "long, control": control,
    }
    assert cells(control_tables.against_controls(given)) == [
        ["as it is", "26.50", "22.75", "-0.750 ± 0.250", "+250.0 ± 0.0", "+25.0 ± 100.0"],
        ["long", "26.50", "22.75", "+0.000 ± 0.000", "+0.0 ± 0.0", "+0.0 ± 0.0"],
    ]


def controlled(folder, seed, gain) -> Recorded:
    """A study with all terms and with none, scored where it was trained and on clean input."""

    def scored(psnr, under):
        scores = {"ssim": {"a": 0.5, "b": 0.5}, "vif": {"a": 0.1, "b": 0.1}, "ms-ssim": {"a": 0.9, "b": psnr / 100}}
        return {
            "psnr": {"a": 20.0, "b": psnr},
            **scores,
            "under": {"bicubic_jpeg75": {"psnr": {"a": under, "b": 30.0}}},
        }

    variants = {"all terms": scored(22.0 + gain, 30.0), "control": scored(22.0, 29.0)}
    return Recorded("mine", folder, {"seed": seed}, {"variants": variants})


def test_what_the_joint_stage_adds_is_shown_from_each_seed_and_on_their_mean(tmp_path):
    studies = [controlled(tmp_path, 0, 0.2), controlled(tmp_path, 7, 0.6)]
    table = control_tables.over_seeds(studies, "all terms", "control")
    assert str(table).splitlines()[0] == "| all terms, less control | mean | seed 0 | seed 7 |"
    assert cells(table) == [
        ["PSNR (dB)", "+0.200 ± 0.200", "+0.100", "+0.300"],
        ["SSIM (1/1000)", "+0.0 ± 0.0", "+0.0", "+0.0"],
        ["VIF (1/1000)", "+0.0 ± 0.0", "+0.0", "+0.0"],
        ["MS-SSIM (1/1000)", "+2.0 ± 2.0", "+1.0", "+3.0"],
        ["PSNR under `bicubic_jpeg75` (dB)", "+0.500 ± 0.500", "+0.500", "+0.500"],
    ]


def test_what_each_variant_changes_from_each_seed(tmp_path):
    studies = [controlled(tmp_path, 0, 0.2), controlled(tmp_path, 7, 0.6)]
    table = control_tables.each_over_seeds(studies)
    assert str(table).splitlines()[0] == "| PSNR less that of all terms (dB) | mean | seed 0 | seed 7 |"
    assert cells(table) == [["control", "-0.20 ± 0.20", "-0.10", "-0.30"]]


def test_every_variant_is_compared_where_it_was_trained_and_elsewhere(tmp_path):
    studies = [controlled(tmp_path, 0, 0.2), controlled(tmp_path, 7, 0.6)]
    table = control_tables.by_degradation(studies, "control")
    assert str(table).splitlines()[0] == "| PSNR less that of control (dB) | as trained | bicubic jpeg75 |"
    assert cells(table) == [["all terms", "+0.200 ± 0.200", "+0.500 ± 0.500"]]


def test_departures_are_found_with_their_reason_and_variant():
    found = tables.departures()
    assert len(found) >= 5
    for departure in found:
        path, line = departure.where.split(":")
        assert path.endswith(".py")
        assert int(line) > 0
        assert len(departure.reason.split()) >= 4
        assert not departure.reason.startswith(("[", "#"))


def test_a_departure_shows_what_taking_it_back_changes(tmp_path, monkeypatch):
    found = [
        tables.Departure("a.py:1", "first reason.", "control: supervision only"),
        tables.Departure("b.py:2", "second reason.", None),
        tables.Departure("c.py:3", "third reason.", "free"),
        tables.Departure("d.py:4", "fourth reason.", "chapter 6"),
    ]
    monkeypatch.setattr(tables, "departures", lambda: found)
    without, kept = (Row(name, {"a": psnr, "b": 20.0}, {}) for name, psnr in (("free", 20.0), ("kept", 21.0)))
    assert cells(tables.of_departures([study(tmp_path)], {"free": (without, kept)})) == [
        ["first reason. `a.py:1`", "+0.75 ± 0.25 dB (LR PSNR)"],
        ["second reason. `b.py:2`", "not measured"],
        ["third reason. `c.py:3`", "-0.50 ± 0.50 dB (PSNR)"],
        ["fourth reason. `d.py:4`", "see chapter 6"],
    ]


def test_a_denoiser_stands_in_the_papers_row_of_its_name(tmp_path):
    ours = [*rows_of(evaluated(tmp_path)), Row("bm3d(8) then SR", {"a": 21.0, "b": 23.0}, {"a": 0.5, "b": 0.7})]
    rows = {row[0]: row[1:] for row in cells(tables.beside_the_paper(ours))}
    assert rows["bm3d(8) then SR"] == ["22.00", "+1.00", "0.600", "22.88", "+0.03", "0.68"]
    assert "*BM3D+EDSR*" not in rows


def test_a_denoiser_is_taken_at_its_best_level(tmp_path):
    def row(level, psnr):
        return {"system": f"bm3d({level}) then SR", "psnr": {"a": psnr}, "ssim": {"a": 0.5}}

    better = {"system": "nlm(4) then SR", "psnr": {"a": 30.0}, "ssim": {"a": 0.9}}
    result = Recorded("mine", tmp_path, {}, {"rows": [row(4, 20.0), row(8, 21.0), row(12, 20.5), better]})
    assert tables.best_of(result, "bm3d").system == "bm3d(8) then SR"


def test_of_seeds_shows_spread_and_mean(tmp_path):
    runs = [evaluated(tmp_path, shift).data | {"seed": seed} for seed, shift in ((0, 0.0), (7, 1.0))]
    rows = cells(tables.of_seeds(Recorded("mine", tmp_path, {}, {"runs": runs})))
    assert rows == [
        ["SR alone", "-0.50", "-0.75 to -0.25", "0.450"],
        ["G1 then SR", "+2.25", "+2.00 to +2.50", "0.700"],
        ["CinCGAN", "+2.25", "+2.25 to +2.25", "0.710"],
    ]


def test_seeds_stand_below_what_ships_with_a_column_for_each_result(tmp_path):
    shipped = {"mild": evaluated(tmp_path), "white": evaluated(tmp_path, 1.0)}
    runs = [evaluated(tmp_path, shift).data | {"seed": seed} for seed, shift in ((5, 0.0), (7, 1.0))]
    more = {name: Recorded("mine", tmp_path, {}, {"runs": runs}) for name in shipped}
    table = tables.seeds_by_result(shipped, more, "G1 then SR")
    assert str(table).splitlines()[0] == "| Seed | mild | white | mean |"
    assert cells(table) == [
        ["ships", "+2.00", "+2.50", "+2.25"],
        ["5", "+2.00", "+2.00", "+2.00"],
        ["7", "+2.50", "+2.50", "+2.50"],
    ]


def test_one_system_over_another_in_words(tmp_path):
    rows = rows_of(evaluated(tmp_path))
    said = str(tables.over(rows, "G1 then SR", "bicubic"))
    assert said == str(tables.over(rows, "G1 then SR", rows[0]))
    assert "+2.00 dB (standard error 0.00), a gain; better on 2 of 2" in said


def test_the_share_of_the_bound_is_a_ratio_of_gains():
    bicubic, ours, most = (
        Row(name, {"a": psnr}, {"a": 0.5}) for name, psnr in (("b", 20.0), ("us", 21.0), ("p", 24.0))
    )
    said = str(tables.unpaired_share(ours, bicubic, most))
    assert "gains +1.00 dB" in said
    assert "gain +4.00 dB: the unpaired share is 25%." in said


def test_the_papers_share_is_computed_from_its_table():
    said = str(tables.papers_share())
    assert "CinCGAN gains +1.48 dB" in said
    assert "pairs, +2.92 dB: 51%." in said


def test_a_build_says_where_and_with_what_it_was_made():
    facts = {"command": "make book", "commit": "abc", "device": "a chip", "date": "2026", "versions": {"torch": "2.13"}}
    assert cells(tables.of_build(facts)) == [
        ["commit", "`abc`"],
        ["date", "`2026`"],
        ["device", "`a chip`"],
        ["command", "`make book`"],
        ["torch", "`2.13`"],
    ]
