"""What a chapter needs is read from recorded runs; what nobody measured is called so."""

import json

import pytest
import yaml
from helpers import ROOT

from cincgan_tutorial import needs
from cincgan_tutorial.experiments import recorded
from cincgan_tutorial.presets import PRESETS

CPU, T4, LARGE = "AMD EPYC, 1 threads", "Tesla T4", "NVIDIA H200"


def write(folder, name, data, device=CPU, preset="lesson"):
    facts = {"preset": preset, "seed": 0, "source": "some", "device": device, "date": "", "commit": "", "command": ""}
    (folder / name).mkdir()
    (folder / name / "result.json").write_text(json.dumps({"provenance": facts, "data": data}), "utf-8")


def trained(seconds, device=CPU):
    stages = dict(zip(("pretrain", "first", "joint"), seconds, strict=True))
    return {"training": {"seconds": stages, "device": device}}


@pytest.fixture
def folder(tmp_path):
    chapters = {
        "05_architectures": {"preset": "any", "seconds": 9, "peak_MB": 799},
        "06_training": {"preset": "smoke", "seconds": 100, "peak_MB": 551},
    }
    write(tmp_path, "chapters", {"chapters": chapters})
    memory = [("lesson", 393), ("lesson", 509), ("colab", 1078), ("paper, EDSR 16x64", 1166)]
    write(tmp_path, "bench", {"memory": [{"size": size, "peak_MB": peak} for size, peak in memory]}, preset="paper")
    write(tmp_path, "a", trained((60, 300, 180)))
    write(tmp_path, "b", trained((60, 360, 240)))
    write(tmp_path, "c", trained((10, 20, 31), T4), preset="colab")
    write(tmp_path, "d", trained((1000, 1000, 1000)), preset="mild")
    write(tmp_path, "e", {"training": {"seconds": {"trained on pairs": 7}, "device": CPU}}, preset="general")
    return tmp_path


def rows(markdown):
    text = repr(markdown).replace("\N{NO-BREAK SPACE}", " ")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if ":--" not in line]


def test_a_chapter_that_trains_nothing_has_one_row(folder):
    assert rows(needs.of_chapter("05_architectures", folder)) == [
        ["Preset", "CPU", "T4", "large GPU"],
        ["any", "9 s, 0.8 GB", "not measured", "not measured"],
    ]


def test_a_chapter_that_trains_has_a_row_for_each_preset(folder):
    _, *found = rows(needs.of_chapter("06_training", folder))
    missing = "not measured"
    assert [row[0] for row in found] == list(PRESETS)
    assert {row[0]: row[1:] for row in found} == {
        "smoke": ["2 min, 0.6 GB", missing, missing],
        "lesson": ["9 min, 0.5 GB", missing, missing],
        "mild": ["50 min", missing, missing],
        "general": [missing] * 3,
        "colab": ["time not measured, 1.1 GB", "61 s", missing],
        "paper": [missing] * 3,
    }


@pytest.mark.parametrize("former", needs.OTHER_RECIPES)
def test_a_run_of_another_recipe_does_not_say_what_its_preset_takes_today(folder, former):
    before = rows(needs.of_chapter("06_training", folder))
    write(folder, former, trained((1, 1, 1)), preset="mild")
    assert rows(needs.of_chapter("06_training", folder)) == before
    assert recorded(former)


@pytest.mark.parametrize(
    ("device", "column"),
    [
        (CPU, "CPU"),
        ("AMD EPYC, 2 threads", "CPU"),
        (T4, "T4"),
        (LARGE, "large GPU"),
        ("NVIDIA A100-SXM4-40GB", "large GPU"),
    ],
)
def test_a_device_has_a_column(device, column):
    assert needs.hardware_of(device) == column


def test_a_chapter_that_is_not_there_is_refused(folder):
    with pytest.raises(ValueError, match="08_more: expected one of 05_architectures, 06_training"):
        needs.of_chapter("08_more", folder)


def chapters():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    return [entry["file"].removeprefix("notebooks/").removesuffix(".md") for entry in toc["parts"][0]["chapters"]]


@pytest.mark.parametrize("name", chapters())
def test_every_chapter_has_a_card_with_its_own_needs(name):
    text = (ROOT / "notebooks" / f"{name}.md").read_text("utf-8")
    head = text[text.index(":::{admonition} In this chapter\n:class: chapter-card\n") : text.index("\n:::\n")]
    assert [head.count(f"**{words}") for words in ("Question.", "You will be able to", "You need")] == [1, 1, 1]
    assert text.count(f'needs.of_chapter("{name}")') == 1
    assert name in recorded("chapters").data["chapters"]
