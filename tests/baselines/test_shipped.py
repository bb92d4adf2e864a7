"""Systems that ship: only what enlarges, checked, and refused where it is another."""

from types import SimpleNamespace

import pytest
import torch

from cincgan_tutorial.baselines import (
    CycleGAN,
    Material,
    edsr,
    load_system,
    ship_system,
    shipped,
    shipped_system,
    train_system,
)
from cincgan_tutorial.experiments import SHIPPED_ROWS, shipped_rows, table_here
from cincgan_tutorial.experiments.contenders import TRAINED
from cincgan_tutorial.unpaired import bundled_photographs


@pytest.fixture
def ships(tmp_path, monkeypatch):
    """An empty folder in the place of that of the package."""
    monkeypatch.setattr(shipped, "SYSTEMS", tmp_path / "systems")
    (tmp_path / "systems").mkdir()
    return tmp_path / "systems"


@pytest.fixture
def run(smoke, photographs, tmp_path):
    material = Material(smoke, photographs, torch.device("cpu"))
    return train_system(CycleGAN(smoke), material, {"game": 2}, tmp_path / "run")


def test_what_enlarges_ships_without_its_judges_and_enlarges_the_same(smoke, run, ships):
    original = CycleGAN(smoke)
    facts = load_system(original, run.weights_path)
    path = ship_system(CycleGAN, smoke, run.weights_path, "cycle-gan")
    assert path.stat().st_size < 0.4 * run.weights_path.stat().st_size
    system, said = shipped_system(CycleGAN, "cycle-gan")
    assert said == facts
    x = torch.rand(1, 3, 16, 20, generator=torch.Generator().manual_seed(1))
    assert (system.upscale(x) - original.upscale(x)).abs().max() < 2e-3


def test_another_system_a_changed_file_and_an_unknown_name_are_refused(smoke, run, ships):
    path = ship_system(CycleGAN, smoke, run.weights_path, "cycle-gan")
    with pytest.raises(ValueError, match=r"holds 'CycleGAN-1x8', expected 'EDSR"):
        shipped_system(edsr, "cycle-gan")
    with pytest.raises(ValueError, match=r"cyclegan: no such system ships\. Known: cycle-gan"):
        shipped_system(CycleGAN, "cyclegan")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="is not the recorded one"):
        shipped_system(CycleGAN, "cycle-gan")


def test_the_rows_that_ship_are_scored_and_cleaning_beats_what_saw_no_noise():
    (_, chelsea) = bundled_photographs().held_out
    rows = {row.system: row.mean_psnr for row in table_here([chelsea], nlm_level=12)}
    names = list(rows)
    assert len(names) == len(SHIPPED_ROWS) + 3
    assert (names[0], names[-1]) == ("bicubic", "CinCGAN (lesson)")
    assert names[names.index("EDSR-8x32") + 1] == "nlm(12)+EDSR-8x32"
    assert rows["nlm(12)+EDSR-8x32"] > rows["EDSR-8x32"]
    assert rows["CinCGAN (lesson)"] > max(rows["bicubic"], rows["FSRCNN(56,12,4)"], rows["EDSR-8x32"])
    assert rows["G1+EDSR-8x32 on pairs"] > rows["CinCGAN (lesson)"]


@pytest.mark.parametrize("half", ["x_photographs", "yz_photographs"])
@pytest.mark.parametrize("key", ["cincgan", *SHIPPED_ROWS])
def test_a_photograph_that_one_of_them_was_trained_on_is_refused(key, half, monkeypatch):
    (_, chelsea) = bundled_photographs().held_out
    facts = {"x_photographs": {}, "yz_photographs": {}}
    seen = facts | {half: {"chelsea": chelsea.sha256}}
    by_system = {TRAINED[name]: seen if name == key else facts for name in SHIPPED_ROWS}
    trained = SimpleNamespace(facts=seen if key == "cincgan" else facts)
    monkeypatch.setattr(shipped_rows, "load_weights", lambda name: trained)
    monkeypatch.setattr(shipped_rows, "shipped_system", lambda make, name: (None, by_system[make]))
    with pytest.raises(ValueError, match="chelsea"):
        table_here([chelsea], nlm_level=12)
