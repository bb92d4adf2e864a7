"""The benchmark of the cache measures what it says, on photographs that are small here."""

import pytest
from helpers import ROOT


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
