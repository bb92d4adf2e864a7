"""What `make bench` measured, drawn and written: shares that fill their bars, ratios beside their machines."""

import pytest

from cincgan_tutorial import speed
from cincgan_tutorial.experiments import Recorded


def bench(tmp_path, ratio=2.5, peak=0.456):
    shares = {"data": 0.1, "generators": 0.2, "backward": 0.7}
    rows = [
        {"size": "lesson", "stage": stage, "shares": shares, "flop": 33.4e9, "share_of_peak": peak, "ratio": ratio}
        for stage in ("pretrain", "first")
    ]
    return Recorded("bench", tmp_path, {"preset": "paper"}, {"rows": rows})


def test_the_bars_are_the_shares(tmp_path):
    (axes,) = speed.step_shares(bench(tmp_path)).axes
    widths = {group.get_label(): [bar.get_width() for bar in group] for group in axes.containers}
    assert widths == {
        name: pytest.approx([value] * 2) for name, value in (("data", 10), ("generators", 20), ("backward", 70))
    }
    begins = [[bar.get_x() for bar in group] for group in axes.containers]
    assert begins == [pytest.approx([x, x]) for x in (0, 10, 30)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["lesson: pretrain", "lesson: first"]


def test_the_table_has_two_columns_for_each_machine(tmp_path):
    machines = {"A": bench(tmp_path), "B": bench(tmp_path, ratio=3.44, peak=0.9)}
    lines = [line.strip("| ").split(" | ") for line in repr(speed.of_steps(machines)).splitlines()]
    assert lines[0][2:] == ["of peak, A", "against the plain loop, A", "of peak, B", "against the plain loop, B"]
    assert lines[2] == ["lesson", "pretrain", "46%", "2.5x", "90%", "3.4x"]
    assert [line[:2] for line in lines[2:]] == [["lesson", "pretrain"], ["lesson", "first"]]


def test_the_expected_ratio_is_that_of_operations_times_that_of_numbers(tmp_path):
    rows = [
        {"size": "lesson", "stage": "first", "flop": 2e9, "plain_flop": 3e9, "precision": "bf16", "ratio": 3.24},
        {"size": "lesson", "stage": "joint", "flop": 2e9, "plain_flop": 2e9, "precision": "fp32", "ratio": 1.36},
    ]
    data = {"rows": rows, "matrix_peak": {"fp32": 0.5e12, "bf16": 1.2e12}}
    lines = repr(speed.of_expected(Recorded("bench", tmp_path, {"preset": "paper"}, data))).splitlines()
    assert [line.strip("| ").split(" | ") for line in lines[2:]] == [
        ["lesson", "first", "3", "2", "2.4", "3.6x", "3.2x"],
        ["lesson", "joint", "2", "2", "1.0", "1.0x", "1.4x"],
    ]


def test_the_table_of_kept_memory_has_a_line_for_each_machine_and_stage(tmp_path):
    machines = {}
    for machine, pages in (("A", 3273.4), ("B", 20)):
        freed = [{"stage": "first", "given_back_pages": pages, "kept_pages": 10.8, "ratio": 1.236}]
        machines[machine] = Recorded("bench", tmp_path, {"preset": "paper"}, {"apart": {"freed_memory": freed}})
    lines = repr(speed.of_kept_memory(machines)).splitlines()
    assert [line.strip("| ").split(" | ") for line in lines[2:]] == [
        ["A", "first", "3273", "11", "1.24"],
        ["B", "first", "20", "11", "1.24"],
    ]


def test_the_table_of_supply_has_the_sampler_and_the_extrapolated_days(tmp_path):
    rows = [
        {"size": "lesson", "stage": "first", "sampler_ratio": 37.6, "days_for_400000_steps_extrapolated": 0.477},
    ]
    lines = repr(speed.of_supply(Recorded("bench", tmp_path, {"preset": "paper"}, {"rows": rows}))).splitlines()
    assert lines[2].strip("| ").split(" | ") == ["lesson", "first", "38x", "0.5"]


def test_the_table_of_memory_has_a_line_for_each_size_and_a_column_for_each_stage(tmp_path):
    peaks = {"lesson": (400.4, 410, 560), "colab": (620, 660, 1299)}
    memory = [
        {"size": size, "stage": stage, "program_MB": 251, "peak_MB": peak}
        for size, of_size in peaks.items()
        for stage, peak in zip(("pretrain", "first", "joint"), of_size, strict=True)
    ]
    lines = repr(speed.of_memory(Recorded("bench", tmp_path, {"preset": "paper"}, {"memory": memory}))).splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines]
    assert cells[0] == ["Size", "pretrain (MB)", "first (MB)", "joint (MB)"]
    assert cells[2:] == [["lesson", "400", "410", "560"], ["colab", "620", "660", "1299"]]
