"""The benchmark of the cache measures what it says, on photographs that are small here."""

import json

import pytest
from helpers import ROOT, write_photographs
from PIL import Image


def test_photographs_are_decoded_once_and_every_time_respectively(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import decoding

    from cincgan_tutorial import decoded

    counted = {"cache": 0, "plain": 0}

    def count(name, real):
        def read(path):
            counted[name] += 1
            return real(path)

        return read

    monkeypatch.setattr(decoded, "read_pixels", count("cache", decoded.read_pixels))
    monkeypatch.setattr(decoding, "read_pixels", count("plain", decoding.read_pixels))
    taken = decoding.measure(tmp_path, decoding.make(tmp_path, 3, 80, 120), rounds=4)
    assert taken.keys() == {"decoded", "mapped", "first"}
    assert all(value > 0 for value in taken.values())
    assert counted == {"cache": 3, "plain": 12}


def test_a_photograph_has_the_size_of_those_of_div2k(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import decoding

    assert pytest.approx(2.77e6, rel=0.01) == decoding.HEIGHT * decoding.WIDTH


def test_photographs_are_made_of_different_ones_with_noise(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import decoding

    paths = decoding.make(tmp_path, 3, 90, 135)
    assert [path.name for path in paths] == ["0000.png", "0001.png", "0002.png"]
    for path in paths:
        with Image.open(path) as image:
            assert (image.size, image.mode, image.format) == ((135, 90), "RGB", "PNG")
    assert len({path.read_bytes() for path in paths}) == 3
    noisy = sum(path.stat().st_size for path in paths)
    monkeypatch.setattr(decoding, "_NOISE", 0)
    assert sum(path.stat().st_size for path in decoding.make(tmp_path, 3, 90, 135)) < noisy


def test_what_was_measured_on_a_folder_is_written_down(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import decoding

    folder = write_photographs(tmp_path / "mine", 3)
    names = {path.name for path in folder.iterdir()}
    decoding.main(["--folder", str(folder), "--count", "2", "--rounds", "1", "--results", str(tmp_path / "results")])
    result = json.loads((tmp_path / "results" / "decoding" / "result.json").read_text(encoding="utf-8"))
    taken, facts = result["data"]["seconds"], result["provenance"]
    assert (result["data"]["photographs"], facts["source"]) == (2, "mine")
    assert facts["command"].startswith("python benchmarks/decoding.py --folder")
    assert f"({taken['decoded'] / taken['mapped']:.1f}x as fast)" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == names, "a cache was left in the folder"


def test_the_benchmark_divides_decoding_by_mapping(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import bench
    import decoding

    made = []
    monkeypatch.setattr(decoding, "make", lambda folder, count, height, width: made.append((height, width)) or [])
    monkeypatch.setattr(decoding, "measure", lambda *_, rounds: {"mapped": 0.5, "decoded": 3.0, "first": 4.0})
    assert bench.measure_decoding(quick=False) == {
        "seconds": 0.5,
        "decoded_seconds": 3.0,
        "first_seconds": 4.0,
        "ratio": 6.0,
    }
    bench.measure_decoding(quick=True)
    assert made == [(1356, 2040), (80, 120)]
