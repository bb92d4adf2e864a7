"""The study of one's own photographs: two folders without pairs, a phone that nobody described, and what came of it."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from helpers import LIBRARY, picture
from PIL import Image

from cincgan_tutorial.degradation import DEGRADATIONS
from cincgan_tutorial.experiments import (
    OWN,
    PHONE,
    SHEET,
    evaluate,
    looks,
    recorded,
    recorded_looks,
    recorded_own_rows,
    rows_of,
    run_own_photographs,
    systems,
)
from cincgan_tutorial.experiments.own_photographs import SHIPPED, write_photographs
from cincgan_tutorial.experiments.phone import from_light, from_sites, to_light
from cincgan_tutorial.images import list_images, read_pixels
from cincgan_tutorial.presets import PRESETS
from cincgan_tutorial.seeds import torch_generator
from cincgan_tutorial.unpaired import Photograph, Photographs, degrade, read_photographs
from cincgan_tutorial.weights import load_weights


@pytest.fixture(scope="module")
def halves():
    """Two photographs for the phone, three for the camera."""
    given = [Photograph(f"p{number}", picture(72, 84, 20 + number)) for number in range(5)]
    return Photographs("five", tuple(given[:2]), tuple(given[2:]))


@pytest.fixture(scope="module")
def done(small_lesson, halves, held_out, tmp_path_factory):
    """The study, done once; its folders."""
    folder = tmp_path_factory.mktemp("own")
    run_own_photographs(small_lesson, halves, held_out, folder / "runs", folder / "results")
    return folder


def test_the_folders_hold_no_pair_and_no_name_that_makes_one(done, halves, held_out):
    phone, camera, later = (done / "runs" / "own-photographs-lesson" / n for n in ("phone", "camera", "phone-later"))
    assert [path.name for path in list_images(phone)] == ["IMG_0001.png", "IMG_0002.png"]
    assert [path.name for path in list_images(camera)] == [f"DSC_000{n}.png" for n in (1, 2, 3)]
    assert [read_pixels(path).shape for path in list_images(later)] == [(15, 19, 3), (17, 16, 3)]
    for folder, truths in ((phone, halves.x), (later, held_out)):
        for path, truth in zip(list_images(folder), truths, strict=True):
            assert np.array_equal(read_pixels(path), degrade(truth, PHONE).permute(1, 2, 0).numpy())
    kept = [photograph.sha256 for photograph in read_photographs(camera)]
    assert kept == [photograph.sha256 for photograph in halves.yz]
    assert not set(kept) & {photograph.sha256 for photograph in halves.x}


def test_the_training_saw_the_two_folders_and_no_degradation(done, halves):
    folder = done / "runs" / "own-photographs-lesson"
    facts = load_weights(folder / "run").facts
    assert facts["x_is_lr"]
    assert set(facts["x_photographs"].values()) == {p.sha256 for p in read_photographs(folder / "phone")}
    assert set(facts["yz_photographs"].values()) == {p.sha256 for p in halves.yz}


def test_nothing_else_knows_the_phone():
    assert PHONE.name not in DEGRADATIONS
    assert all(preset.degradation != PHONE.name for preset in PRESETS.values())
    assert all(type(part) is not type(PHONE) for d in DEGRADATIONS.values() for part in getattr(d, "parts", (d,)))
    knowing = [path.stem for path in LIBRARY.rglob("*.py") if "phone import" in path.read_text(encoding="utf-8")]
    assert sorted(knowing) == ["__init__", "own_photographs"]


def test_scores_are_those_of_the_files(done, held_out, halves):
    result = recorded(OWN, done / "results")
    trained = load_weights(done / "runs" / "own-photographs-lesson" / "run")
    rows = {row.system: row for row in rows_of(result)}
    assert list(rows) == [*systems(trained), SHIPPED]
    for row in evaluate(trained, held_out, PHONE):
        assert rows[row.system].psnr == pytest.approx(row.psnr)
    assert [row.psnr.keys() for row in recorded_own_rows(result)] == [{p.name for p in halves.x}] * 4
    later = read_photographs(done / "runs" / "own-photographs-lesson" / "phone-later")
    for look, again in zip(recorded_looks(result), looks(later, systems(trained)), strict=True):
        assert (look.system, look.cells) == (again.system, {})
        assert look.blur == pytest.approx(again.blur)
        assert look.noise_8bit == pytest.approx(again.noise_8bit)


def test_the_shipped_row_is_that_of_the_shipped_weights(done, held_out):
    (row,) = (row for row in rows_of(recorded(OWN, done / "results")) if row.system == SHIPPED)
    shipped = load_weights("general")
    expected = evaluate(shipped, held_out, PHONE, chosen={"CinCGAN": systems(shipped)["CinCGAN"]})[0]
    assert row.psnr == pytest.approx(expected.psnr)


def test_it_is_recorded_with_what_was_looked_at_first(done):
    result = recorded(OWN, done / "results")
    assert result.data["folders"] == {"phone": 2, "camera": 3, "phone-later": 2}
    assert "noise, levels of 255" in result.data["check"]
    assert result.data["phone"]["name"] == "phone"
    assert set(result.data["lr_psnr"]) == {"x", "G1(x)"}
    assert result.provenance["source"] == "five"
    assert result.log
    with Image.open(result.folder / SHEET) as sheet:
        assert sheet.format == "JPEG"
        assert sheet.size[0] == 8 + 4 * (320 + 8)


def test_done_again_nothing_is_trained_and_the_result_is_the_same(
    done, small_lesson, halves, held_out, monkeypatch, tmp_path
):
    monkeypatch.setattr("cincgan_tutorial.experiments.study.train", None)
    (done / "runs" / "own-photographs-lesson" / "phone" / ".IMG_0001.png.x.part").write_bytes(b"left by a kill")
    where = run_own_photographs(small_lesson, halves, held_out, done / "runs", tmp_path)
    again = json.loads((where / "result.json").read_text())["data"]
    assert again == recorded(OWN, done / "results").data


def test_a_folder_with_other_photographs_is_left_alone(halves, tmp_path):
    folders = tuple(tmp_path / name for name in "abc")
    write_photographs(halves, halves.yz, folders, 4)
    more = dataclasses.replace(halves, x=halves.x[:1])
    with pytest.raises(ValueError, match=r"holds other photographs, IMG_0002.png"):
        write_photographs(more, halves.yz, folders, 4)


def test_photographs_that_are_lr_already_are_refused(small_lesson, halves, held_out, tmp_path):
    given = dataclasses.replace(halves, x_is_lr=True)
    with pytest.raises(ValueError, match="LR photographs as they came"):
        run_own_photographs(small_lesson, given, held_out, tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("half", ["x", "yz"])
def test_photographs_of_the_training_are_refused_as_later_ones(small_lesson, halves, tmp_path, half):
    """What the phone took of them is in X, and has another hash than they."""
    with pytest.raises(ValueError, match="its score would flatter them"):
        run_own_photographs(small_lesson, halves, getattr(halves, half), tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_photographs_that_the_shipped_weights_know_are_refused_first(small_lesson, halves, tmp_path, monkeypatch):
    known = Photograph(
        "known", halves.x[0].pixels, next(iter(load_weights("general").facts["yz_photographs"].values()))
    )
    with pytest.raises(ValueError, match="known: the networks were trained on it"):
        run_own_photographs(small_lesson, halves, [known], tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_check_would_stop_is_not_trained(halves, held_out, tmp_path):
    with pytest.raises(ValueError, match="smaller than a patch of 32 pixels"):
        run_own_photographs(PRESETS["lesson"], halves, held_out, tmp_path / "runs", tmp_path)
    assert not (tmp_path / "runs" / "own-photographs-lesson" / "run").exists()


def test_every_site_lends_its_colour_to_its_neighbours():
    """The mosaic begins with red; green is on the other diagonal."""
    one = torch.ones(1, 3, 6, 7)
    assert torch.equal(from_sites(one), one)  # nothing varies, nothing changes; at the borders too
    red = torch.zeros(1, 3, 5, 5)
    red[0, 0, 2, 2] = 1
    assert from_sites(red)[0, 0, 1:4, 1:4].tolist() == [[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]]
    assert from_sites(red.flip(1)).abs().max() == 0  # no blue site is there
    green = torch.zeros(1, 3, 7, 7)
    green[0, 1, 3, 2] = 1
    assert from_sites(green)[0, 1, 2:5, 1:4].tolist() == [[0, 0.25, 0], [0.25, 1, 0.25], [0, 0.25, 0]]
    assert from_sites(green.roll(1, 3)).abs().max() == 0  # red or blue is there
    blue = torch.zeros(1, 3, 7, 7)
    blue[0, 2, 3, 3] = 1
    assert from_sites(blue)[0, 2, 2, 2:5].tolist() == [0.25, 0.5, 0.25]


def test_the_tone_curve_is_that_of_srgb():
    values = torch.tensor([0.0, 0.02, 0.2, 0.5, 1.0])
    torch.testing.assert_close(to_light(values), torch.tensor([0.0, 0.0015480, 0.0331048, 0.2140411, 1.0]))
    torch.testing.assert_close(from_light(to_light(values)), values)
    assert from_light(torch.tensor(-0.1)) == 0


def test_its_noise_grows_in_the_shadows_and_is_coarse_in_red_and_blue():
    generator = torch_generator(3)
    level = {shown: PHONE.noise(torch.full((1, 3, 256, 256), shown), generator) for shown in (0.15, 0.5, 0.9)}
    # In light the variance is v / P + s^2. The tone curve is steep in the shadows.
    light = to_light(torch.tensor(0.5)).item()
    std = (light / PHONE.poisson_peak + (PHONE.noise_std_8bit / 255) ** 2) ** 0.5
    drawn = from_light(light + std * torch.randn(100_000, generator=torch_generator(4))) - 0.5
    assert level[0.5][0, 0, ::2, ::2].std().item() == pytest.approx(drawn.std().item(), rel=0.03)
    assert level[0.15].std() > 1.1 * level[0.5].std() > 1.1 * level[0.9].std()

    def neighbours(channel):
        inside = channel[2:-2, 2:-2]
        return float(np.corrcoef(inside[:, :-1].flatten(), inside[:, 1:].flatten())[0, 1])

    red, green, blue = (neighbours(channel) for channel in level[0.5][0].numpy())
    assert min(red, blue) > green + 0.1 > 0.2


def test_all_of_its_parts_take_part(halves):
    z = halves.x[0].cropped(4).image
    x = PHONE(z, torch_generator(1))
    assert x.shape == (1, 3, 18, 21)
    for changed in ({"jpeg_quality": None}, {"blur_sigma": None}, {"poisson_peak": 1e6}, {"noise_std_8bit": 0.0}):
        other = dataclasses.replace(PHONE, **changed)(z, torch_generator(1))
        assert not torch.equal(x, other), changed
    assert PHONE.without_shift() == PHONE  # so that whole photographs can be scored
