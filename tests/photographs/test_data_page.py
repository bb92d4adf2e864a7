"""The page about data shows what the catalogue says."""

from types import SimpleNamespace

import pytest

from cincgan_tutorial import data_tables
from cincgan_tutorial.data import CATALOGUE


def cells(table):
    return [[cell.strip(" `") for cell in line.strip("| ").split("|")] for line in repr(table).splitlines()]


def test_sizes_and_times_are_those_of_the_catalogue():
    header, _, *rows = cells(data_tables.sizes(CATALOGUE.values()))
    assert [row[0] for row in rows] == list(CATALOGUE)
    assert header[2:4] == ["GB to fetch", "minutes at 10 Mbit/s"]
    track2 = next(row for row in rows if row[0] == "div2k-track2")
    # 4,290,591,903 bytes are 34.3 gigabits, and 3.53 GB of them lie beside what they become.
    assert track2 == ["div2k-track2", "1800", "4.29", "57", "11", "7.82"]
    assert next(row for row in rows if row[0] == "tutorial-photos")[3:5] == ["< 1", "< 1"]


def test_terms_and_archives_are_all_there():
    text = repr(data_tables.purposes(CATALOGUE.values()))
    for name, data_set in CATALOGUE.items():
        assert f"`{name}`: {data_set.purpose}" in text
        assert data_set.licence.terms in text
    assert text.count("have to be accepted") == sum(d.licence.must_accept for d in CATALOGUE.values()) == 4
    _, _, *rows = cells(data_tables.files(CATALOGUE.values()))
    assert len(rows) == len({row[0] for row in rows}) == 6
    assert ["DIV2K_train_LR_mild.zip", "DIV2K_train_LR_mild/0001x4m.png` ...", "275,693,358"] in [r[:3] for r in rows]


@pytest.mark.parametrize(("minutes", "said"), [(0.4, "< 1"), (0.9, "< 1"), (1.1, "1"), (1.9, "2")])
def test_less_than_a_minute_is_not_rounded(minutes, said):
    small = SimpleNamespace(name="small", files=1, size=1e6, needed=1e6, minutes=lambda megabits: minutes)
    assert cells(data_tables.sizes([small]))[2][3] == said
