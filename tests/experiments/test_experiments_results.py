"""Recorded results: whole or not at all, with their provenance, and never of smoke."""

import json
import os
from pathlib import Path

import pytest

from cincgan_tutorial.degradation import SYNTHETIC_MILD
from cincgan_tutorial.experiments import Row, evaluation_data, record, recorded, results, rows_of
from cincgan_tutorial.experiments.results import RESULTS

LESSON = {"preset": "lesson", "seed": 1, "source": "some photographs"}


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_is_recorded_is_read_back(tmp_path):
    picture = tmp_path / "somewhere.png"
    picture.write_bytes(b"pixels")
    folder = record("mine", {"a": [1, 2.5]}, LESSON, tmp_path / "deep" / "results", {"picture.png": picture})
    assert folder == tmp_path / "deep" / "results" / "mine"
    assert {path.name for path in folder.iterdir()} == {"result.json", "picture.png"}
    result = recorded("mine", folder.parent)
    assert (result.name, result.folder, result.data) == ("mine", folder, {"a": [1, 2.5]})
    assert (result.folder / "picture.png").read_bytes() == b"pixels"
    assert result.provenance.items() >= LESSON.items()
    assert {"command", "commit", "device", "versions", "date"} <= set(result.provenance)


def test_a_recorded_log_is_read_back(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"stage": "first", "step": 2}\n', encoding="utf-8")
    record("mine", {}, LESSON, tmp_path / "results", {"log.jsonl": tmp_path / "log.jsonl"})
    record("without", {}, LESSON, tmp_path / "results")
    assert recorded("mine", tmp_path / "results").log == [{"stage": "first", "step": 2}]
    assert recorded("without", tmp_path / "results").log == []


def test_given_facts_win_over_found_ones(tmp_path):
    record("mine", {}, LESSON | {"commit": "abc", "device": "a T4"}, tmp_path)
    result = recorded("mine", tmp_path)
    assert (result.provenance["commit"], result.provenance["device"]) == ("abc", "a T4")


def test_the_caption_says_all_that_is_needed_to_do_it_again(tmp_path):
    record("mine", {}, LESSON | {"commit": "a" * 40, "date": "2026-02-03T04:05:06+00:00", "command": "do it"}, tmp_path)
    caption = recorded("mine", tmp_path).caption()
    assert caption.startswith("Provenance: result=mine, preset=lesson, photographs=some photographs, seed=1, ")
    assert caption.endswith(f"2026-02-03, commit {'a' * 10}. do it")
    assert "\n" not in caption


def test_an_evaluation_survives_the_round_trip(tmp_path, trained):
    rows = [Row("bicubic", {"a": 20.5, "b": 21.25}, {"a": 0.5, "b": 0.75}), Row("CinCGAN", {"a": 1, "b": 2}, {"a": 0})]
    data, facts = evaluation_data(trained, rows, {"x": 20.0, "G1(x)": 25.0}, SYNTHETIC_MILD, seed=4)
    record("scores", data, facts, tmp_path)
    result = recorded("scores", tmp_path)
    assert rows_of(result) == rows
    assert result.data["photographs"] == ["a", "b"]
    assert (result.data["degradation"], result.data["shifted"]) == ("synthetic_mild", True)
    assert result.data["lr_psnr"] == {"x": 20.0, "G1(x)": 25.0}
    assert result.data["training"]["photographs"] == {"x": 1, "yz": 2}
    assert result.data["training"]["seconds"] == {"pretrain": 1.0, "first": 2.0, "joint": 3.0}
    assert (result.provenance["preset"], result.provenance["seed"]) == ("lesson", 4)
    assert result.provenance["source"] == "some photographs"


def test_a_new_result_replaces_the_old_one_whole(tmp_path):
    extra = tmp_path / "extra.png"
    extra.write_bytes(b"x")
    record("mine", {"n": 1}, LESSON, tmp_path / "results", {"extra.png": extra})
    record("mine", {"n": 2}, LESSON, tmp_path / "results")
    assert recorded("mine", tmp_path / "results").data == {"n": 2}
    assert {path.name for path in (tmp_path / "results" / "mine").iterdir()} == {"result.json"}
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["mine"]


def failing_half_way(monkeypatch, how):
    if how == "a file is missing":
        return {"data": {"n": 2}, "files": {"picture.png": Path("nowhere.png")}}
    if how == "not for JSON":
        return {"data": {"n": object()}}

    def fails(*_, **__):
        raise KeyboardInterrupt if how == "interrupted" else OSError(28, "No space left on device")

    monkeypatch.setattr(results.shutil, "copyfile", fails)
    return {"data": {"n": 2}, "files": {"picture.png": Path(__file__)}}


@pytest.mark.parametrize("how", ["a file is missing", "not for JSON", "disk full", "interrupted"])
@pytest.mark.parametrize("existing", [True, False])
def test_an_exception_half_way_leaves_what_was_there(tmp_path, monkeypatch, how, existing):
    if existing:
        record("mine", {"n": 1}, LESSON, tmp_path)
    before = everything(tmp_path)
    arguments = {"facts": LESSON, "folder": tmp_path, **failing_half_way(monkeypatch, how)}
    with pytest.raises((OSError, TypeError, KeyboardInterrupt)):
        record("mine", **arguments)
    assert everything(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == (["mine"] if existing else [])


def test_a_failure_between_the_two_renames_brings_the_old_result_back(tmp_path, monkeypatch):
    record("mine", {"n": 1}, LESSON, tmp_path)
    rename = Path.rename

    def fails_for_the_new_one(self, target):
        if Path(target) == tmp_path / "mine" and not any(part.startswith(".mine.old") for part in self.parts):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_for_the_new_one)
    with pytest.raises(OSError, match="No space"):
        record("mine", {"n": 2}, LESSON, tmp_path)
    assert recorded("mine", tmp_path).data == {"n": 1}


def test_a_recorded_file_can_be_read_by_everyone(tmp_path):
    """Results are committed and published; `tempfile` makes folders that only their owner can enter."""
    folder = record("mine", {}, LESSON, tmp_path)
    assert folder.stat().st_mode & 0o555 == 0o555
    assert (folder / "result.json").stat().st_mode & 0o444 == 0o444 & ~current_umask()


def current_umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def test_what_was_trained_at_smoke_is_never_shown(tmp_path):
    record("mine", {}, LESSON | {"preset": "smoke"}, tmp_path)
    with pytest.raises(ValueError, match="trained at smoke"):
        recorded("mine", tmp_path)


@pytest.mark.parametrize(
    "content",
    [None, "", "{", "{}", "[]", '{"data": {}}', '{"provenance": {}, "data": {}}', '{"provenance": [], "data": {}}'],
)
def test_a_missing_or_damaged_result_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "result.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="mine: no readable result"):
        recorded("mine", tmp_path)


def test_the_results_of_the_book_are_readable_and_none_is_of_smoke():
    names = [path.parent.name for path in RESULTS.glob("*/result.json")]
    for name in names:
        assert recorded(name).provenance["preset"] in ("lesson", "mild", "general", "colab", "paper")
        text = (RESULTS / name / "result.json").read_text(encoding="utf-8")
        json.loads(text, parse_constant=not_json)


def not_json(constant: str) -> None:
    pytest.fail(f"{constant} is not JSON: strict readers, browsers among them, refuse the file")
