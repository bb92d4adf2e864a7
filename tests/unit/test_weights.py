"""Weights files: what goes in comes out, and everything else is refused without running it."""

import errno
import json
import os
import pickle
import shutil

import pytest
import torch
from helpers import assert_same_tensors, shake
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from cincgan_tutorial import weights as module
from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.presets import PRESETS, with_settings
from cincgan_tutorial.weights import SHIPPED, Trained, find_weights, load_weights, save_weights, ship, shipped_names

FACTS = {"command": "python -m cincgan_tutorial train", "commit": "abc", "seed": 0, "seconds": {"first": 1.5}}


def trained(preset):
    nets, before = Networks.from_preset(preset), Networks.from_preset(preset)
    shake(nets, seed=1)
    shake(before, seed=2)
    return Trained(nets, before.upscaler(), preset, FACTS)


@pytest.fixture
def saved(smoke, tmp_path):
    original = trained(smoke)
    path = tmp_path / "w.safetensors"
    save_weights(path, original)
    return path, original


def header_of(path):
    with safe_open(path, framework="pt") as file:
        return file.metadata()


def test_round_trip_to_the_bit(saved):
    path, original = saved
    loaded = load_weights(path)
    assert_same_tensors(loaded.nets.state_dict(), original.nets.state_dict())
    assert_same_tensors(loaded.before_joint.state_dict(), original.before_joint.state_dict())
    assert (loaded.preset, loaded.facts) == (original.preset, FACTS)
    assert not loaded.nets.training
    assert not loaded.before_joint.training
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_batch_norm_statistics_are_kept(tmp_path, smoke):
    original = trained(with_settings(smoke, {"discriminator.batch_norm": "true"}))
    original.nets.D1(torch.rand(4, 3, 16, 16))
    save_weights(tmp_path / "w", original)
    assert_same_tensors(load_weights(tmp_path / "w").nets.state_dict(), original.nets.state_dict())


def test_the_header_tells_where_the_weights_come_from(finished_run):
    loaded = load_weights(finished_run.folder)
    facts, config = loaded.facts, finished_run.config
    assert loaded.preset == finished_run.preset
    assert facts["command"] == "test"
    assert facts["seed"] == 0
    assert facts["x_photographs"] == config["photographs"]["x"]
    assert facts["yz_photographs"] == config["photographs"]["yz"]
    assert len(facts["x_photographs"]) == len(facts["yz_photographs"]) == 2
    assert all(len(value) == 64 for value in facts["x_photographs"].values())
    assert {"commit", "device", "date", "versions", "source", "seconds"} <= facts.keys()
    assert facts["versions"]["torch"] == torch.__version__
    header = header_of(finished_run.weights_path)
    assert json.loads(header["facts"]) == facts


def test_tensors_of_another_size_are_named(saved, smoke, tmp_path):
    path, _ = saved
    other = json.dumps(with_settings(smoke, {"generator.width": 12}).to_dict())
    save_file(load_file(path), tmp_path / "other", metadata=header_of(path) | {"preset": other})
    with pytest.raises(ValueError, match=r"tensor nets\.G1\.head\.0\.weight: the preset needs \(12, 3, 7, 7\)"):
        load_weights(tmp_path / "other")


@pytest.mark.parametrize(
    "claimed",
    [
        {"generator.width": 10**6},
        {"generator.width": 10**30},
        {"generator.blocks": 10**9},
        {"sr.blocks": 10**9},
        {"sr.features": 10**6},
        {"discriminator.width": 10**6, "discriminator.widest": 10**6},
    ],
    ids=str,
)
def test_sizes_that_a_header_claims_are_compared_before_anything_is_allocated(saved, smoke, tmp_path, claimed):
    """Networks of these sizes would take terabytes, or hours to be put together."""
    path, _ = saved
    other = json.dumps(with_settings(smoke, claimed).to_dict())
    save_file(load_file(path), tmp_path / "other", metadata=header_of(path) | {"preset": other})
    with pytest.raises(ValueError, match=r"other: (tensor nets\.\w+\.\S+: the preset needs|its header is damaged)"):
        load_weights(tmp_path / "other")


def test_a_preset_that_no_network_can_have_is_named(saved, smoke, tmp_path):
    path, _ = saved
    impossible = smoke.to_dict() | {"scale": 3}
    save_file(load_file(path), tmp_path / "other", metadata=header_of(path) | {"preset": json.dumps(impossible)})
    with pytest.raises(ValueError, match=r"other: its header is damaged \(scale: expected 2 or 4"):
        load_weights(tmp_path / "other")


def test_tensors_that_belong_to_no_network_are_named_and_not_read(saved, tmp_path, monkeypatch):
    path, _ = saved
    save_file(load_file(path) | {"stranger": torch.zeros(3, 2)}, tmp_path / "other", metadata=header_of(path))
    monkeypatch.setattr(module.Networks, "load_state_dict", None)
    with pytest.raises(ValueError, match=r"other: tensor stranger: the preset needs None, the file has \(3, 2\)"):
        load_weights(tmp_path / "other")


@pytest.mark.parametrize("change", ["missing", "extra"])
def test_a_missing_and_a_superfluous_tensor_are_named(saved, tmp_path, change):
    path, _ = saved
    tensors = load_file(path)
    if change == "missing":
        del tensors["before_joint.SR.head.bias"]
    else:
        tensors["before_joint.SR.head.biass"] = torch.zeros(1)
    save_file(tensors, tmp_path / "other", metadata=header_of(path))
    with pytest.raises(ValueError, match=r"tensor before_joint\.SR\.head\.bias.*None"):
        load_weights(tmp_path / "other")


@pytest.mark.parametrize("kept", [0, 5, 400, -1])
def test_a_truncated_file_is_refused(saved, kept):
    path, _ = saved
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"w\.safetensors: not a readable safetensors file"):
        load_weights(path)


def test_safetensors_of_another_program_are_refused(tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(ValueError, match=r"foreign\.safetensors: format None.*another program"):
        load_weights(tmp_path / "foreign.safetensors")


@pytest.mark.parametrize(
    "change",
    [{"preset": None}, {"facts": None}, {"preset": "{"}, {"facts": "nonsense"}, {"preset": "[]"}, {"facts": "[]"}],
    ids=str,
)
def test_a_damaged_header_is_named(saved, tmp_path, change):
    path, _ = saved
    header = {key: value for key, value in (header_of(path) | change).items() if value is not None}
    save_file(load_file(path), tmp_path / "other", metadata=header)
    with pytest.raises(ValueError, match="other: its header is damaged"):
        load_weights(tmp_path / "other")


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("write", [pickle.dump, torch.save], ids=["pickle", "torch"])
def test_a_pickle_is_refused_and_not_run(tmp_path, write):
    exploded, path = tmp_path / "exploded", tmp_path / "w.safetensors"
    with path.open("wb") as file:
        write(Bomb(exploded), file)
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        load_weights(path)
    assert not exploded.exists()
    with path.open("rb") as file:
        pickle.load(file) if write is pickle.dump else torch.load(file, weights_only=False)
    assert exploded.exists()  # the bomb was live


def test_a_run_folder_gives_its_weights_and_an_unfinished_one_says_so(finished_run, tmp_path):
    assert find_weights(finished_run.folder) == finished_run.weights_path
    unfinished = tmp_path / "unfinished"
    shutil.copytree(finished_run.folder, unfinished, ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(ValueError, match=r"the run is not finished.*resume"):
        load_weights(unfinished)


def test_unknown_weights_list_what_there_is(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere: no such weights.*shipped name"):
        load_weights("nowhere")


def test_shipped_weights_go_by_their_name_and_are_checked(saved, tmp_path, monkeypatch):
    path, original = saved
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    monkeypatch.setattr(module, "SHIPPED", shipped)
    shutil.copy(path, shipped / "mild.safetensors")
    assert shipped_names() == ["mild"]
    (shipped / "SHA256SUMS").write_text("0" * 64 + "  mild.safetensors\n")
    with pytest.raises(ValueError, match="is not the recorded one"):
        load_weights("mild")
    (shipped / "SHA256SUMS").write_text(f"{module.hashlib.sha256(path.read_bytes()).hexdigest()}  mild.safetensors\n")
    for where in ("mild", None):
        assert_same_tensors(load_weights(where).nets.state_dict(), original.nets.state_dict())


def test_a_full_disk_leaves_the_old_weights_and_names_the_file(saved, monkeypatch):
    path, original = saved
    old = path.read_bytes()

    def full(self, content):
        with self.open("wb") as file:
            file.write(content[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "write_bytes", full)
    with pytest.raises(OSError, match=r"w\.safetensors"):
        save_weights(path, original)
    assert path.read_bytes() == old
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_every_named_preset_can_be_saved_in_principle():
    assert all(json.loads(json.dumps(preset.to_dict())) == preset.to_dict() for preset in PRESETS.values())


def test_shipping_halves_the_numbers_keeps_the_history_and_records_the_sum(saved, tmp_path, monkeypatch):
    path, trained = saved
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "SHA256SUMS").write_text("0" * 64 + "  other.safetensors\n")
    monkeypatch.setattr(module, "SHIPPED", folder)
    shipped = ship(path, "mine")
    assert shipped.stat().st_size < 0.7 * path.stat().st_size
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    assert [line.split()[1] for line in lines] == ["mine.safetensors", "other.safetensors"]
    again = load_weights("mine")  # its sum is the recorded one
    assert (again.facts, again.preset) == (trained.facts, trained.preset)
    for name, value in again.nets.state_dict().items():
        assert value.dtype == trained.nets.state_dict()[name].dtype
        torch.testing.assert_close(value, trained.nets.state_dict()[name], rtol=1e-3, atol=1e-7)


def test_too_little_memory_is_not_taken_for_a_damaged_file(tmp_path, monkeypatch):
    def fails(*_, **__):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(module, "safe_open", fails)
    with pytest.raises(OSError, match="Cannot allocate"), module.opened(tmp_path / "a.safetensors", "Copy it."):
        pass


def test_what_ships_is_small():
    """All weights together, those of the other systems included, are under 20 MB."""
    sizes = [path.stat().st_size for path in SHIPPED.rglob("*.safetensors")]
    assert len(sizes) > 3
    assert sum(sizes) < 20e6
