"""Which photographs chapters use: what is there, where it pays; and what chapter 2 fetches, and says before."""

from dataclasses import replace

import pytest
from helpers import write_photographs
from serving import HASTY, Behaviour, archive_of, set_of

from cincgan_tutorial import at_hand
from cincgan_tutorial.data import CATALOGUE, Licence, obtaining
from cincgan_tutorial.unpaired import bundled_photographs

STRICT = Licence("strict", "For research only.", must_accept=True)


@pytest.fixture
def here(tmp_path, monkeypatch, server):
    """An empty data folder, and a catalogue whose sets are small ones on loopback."""
    monkeypatch.setenv("CINCGAN_PHOTOS", str(tmp_path / "data"))
    monkeypatch.setattr(obtaining, "PATIENCE", HASTY)
    small = {}
    for position, name in enumerate(at_hand._TO_TRAIN_ON):
        archive = archive_of(server, name, range(1 + 5 * position, 5 + 5 * position))
        small[name] = replace(set_of(archive), name=name, folder=name)
    small["div2k-track2"] = replace(small["div2k-track2"], licence=STRICT)
    monkeypatch.setattr(at_hand, "CATALOGUE", CATALOGUE | small)
    return tmp_path / "data"


@pytest.fixture
def cpu(monkeypatch):
    monkeypatch.delenv("CINCGAN_PHOTOS", raising=False)
    monkeypatch.setattr(at_hand.torch.cuda, "is_available", lambda: False)


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(at_hand.torch.cuda, "is_available", lambda: True)


def is_bundled(photographs):
    return [p.sha256 for p in photographs.x] == [p.sha256 for p in bundled_photographs().x]


def test_on_a_cpu_nothing_is_fetched_and_that_is_said(here, cpu, server, said):
    assert is_bundled(at_hand.obtain_photographs(say=said.append))
    assert is_bundled(at_hand.photographs_here())
    assert server.requests == []
    assert len(said) == 1
    assert "No GPU: nothing is fetched" in said[0]
    assert "python -m cincgan_tutorial download tutorial-photos" in said[0]


def test_on_a_gpu_size_time_and_terms_are_said_before_the_transfer(here, gpu, server, said):
    asked = []

    def say(line):
        asked.append(len(server.requests))
        said.append(line)

    found = at_hand.obtain_photographs("tutorial-photos", say=say)
    assert found.source == "tutorial-photos"
    assert len(found.x) + len(found.yz) == 4
    assert "0 MB, about a minute or less at 50 Mbit/s. Terms: Do what you like." in said[0]
    assert asked[0] == 0
    assert len(server.requests) == 1
    at_hand.obtain_photographs("tutorial-photos", say=say)
    assert len(server.requests) == 1


def test_later_chapters_find_the_best_that_is_there(here, gpu, said):
    assert is_bundled(at_hand.photographs_here())
    at_hand.obtain_photographs("tutorial-photos", say=said.append)
    assert at_hand.photographs_here().source == "tutorial-photos"
    at_hand.obtain_photographs("div2k-track2", accept_licence=True, say=said.append)
    assert at_hand.photographs_here().source == "div2k-track2"


def test_a_named_data_folder_is_used_also_on_a_cpu(here, cpu, monkeypatch, said):
    monkeypatch.setenv("CINCGAN_PHOTOS", str(here))
    assert at_hand.obtain_photographs("tutorial-photos", say=said.append).source == "tutorial-photos"
    assert at_hand.photographs_here().source == "tutorial-photos"


def test_terms_have_to_be_accepted(here, gpu, server, said):
    with pytest.raises(ValueError, match=r"terms have to be accepted once \(--accept-licence\). For research only"):
        at_hand.obtain_photographs("div2k-track2", say=said.append)
    assert server.requests == []


@pytest.mark.parametrize("offline", [True, False])
def test_without_a_network_the_fallback_is_announced(here, gpu, server, said, offline, monkeypatch):
    server.always = Behaviour(status=404)
    if offline:
        monkeypatch.setenv("CINCGAN_OFFLINE", "1")
    assert is_bundled(at_hand.obtain_photographs("tutorial-photos", say=said.append))
    assert ("CINCGAN_OFFLINE is set" if offline else "answered 404") in said[-1]
    assert said[-1].endswith("Going on with what is here.")


def test_wrong_content_is_no_reason_to_go_on(here, gpu, server):
    server.files["/tutorial-photos.zip"] = bytes(len(server.files["/tutorial-photos.zip"]))
    with pytest.raises(ValueError, match="SHA-256"):
        at_hand.obtain_photographs("tutorial-photos")


def test_a_set_without_a_training_half_is_refused(here, gpu):
    with pytest.raises(ValueError, match="'div2k-valid': nothing to train on; expected one of div2k-track2"):
        at_hand.obtain_photographs("div2k-valid")


def test_the_cost_is_said_in_words():
    assert at_hand.cost(CATALOGUE["div2k-track2"]) == "4.3 GB, about 11 minutes at 50 Mbit/s"
    assert at_hand.cost(CATALOGUE["tutorial-photos"]).startswith("30 MB, about a minute or less")


def test_a_folder_of_photographs_is_called_by_the_name_of_its_set(here, gpu):
    plain = replace(at_hand.CATALOGUE["tutorial-photos"], folder="mine")
    write_photographs(here / "mine")
    assert at_hand._loaded(plain).source == "tutorial-photos"
