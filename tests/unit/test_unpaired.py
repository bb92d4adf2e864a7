"""The split into disjoint halves, and patches as pure functions of (seed, index)."""

import math
import shutil
from collections import Counter

import numpy as np
import pytest
import torch
from helpers import picture, save_picture, write_photographs

from cincgan_tutorial import seeds
from cincgan_tutorial.degradation import BICUBIC, SYNTHETIC_MILD, bicubic_downsample
from cincgan_tutorial.seeds import below, draws
from cincgan_tutorial.unpaired import (
    Levels,
    Photograph,
    Photographs,
    UnpairedPatches,
    bundled_names,
    bundled_photograph,
    degrade,
    folder_of_photographs,
    lr_and_hr_folders,
)


def photograph(seed, height=72, width=84):
    return Photograph(f"p{seed}", picture(height, width, seed))


def hashes(part):
    return {p.sha256 for p in part}


@pytest.fixture(scope="module")
def patches():
    split = Photographs("test", (photograph(0), photograph(1, 64, 101)), (photograph(2), photograph(3, 90, 66)))
    return UnpairedPatches(split, SYNTHETIC_MILD, patch=16, seed=5)


def test_the_same_photograph_in_two_parts_is_named_whatever_it_is_called():
    copy = Photograph("copy", photograph(0).pixels.copy())
    with pytest.raises(ValueError, match=r"X as 'p0'.*Y/Z as 'copy'"):
        Photographs("test", (photograph(0),), (photograph(1), copy))
    with pytest.raises(ValueError, match=r"Y/Z as 'p1'.*held out as 'p1'"):
        Photographs("test", (photograph(0),), (photograph(1),), (photograph(1),))


@pytest.mark.parametrize(("x", "yz", "missing"), [((), (1,), "X"), ((1,), (), "Y/Z")])
def test_both_halves_must_hold_something(x, yz, missing):
    with pytest.raises(ValueError, match=f"no photograph for {missing}"):
        Photographs("test", tuple(map(photograph, x)), tuple(map(photograph, yz)))


def test_the_bundled_split_is_fixed_disjoint_and_complete(bundled):
    assert [p.name for p in bundled.x] == ["flower", "motorcycle"]
    assert [p.name for p in bundled.yz] == ["china", "coffee", "rocket"]
    assert [p.name for p in bundled.held_out] == ["astronaut", "chelsea"]
    assert len(hashes(bundled.x + bundled.yz + bundled.held_out)) == 7 == len(bundled_names())
    assert all(p.pixels.dtype == np.uint8 and min(p.pixels.shape[:2]) >= 128 for p in bundled.x + bundled.yz)
    with pytest.raises(ValueError, match=r"no bundled photograph 'lena'.*astronaut"):
        bundled_photograph("lena")


def test_the_split_of_a_folder_depends_on_content_alone(tmp_path):
    first = folder_of_photographs(write_photographs(tmp_path / "a", 5))
    renamed = tmp_path / "b"
    for number, path in enumerate(sorted((tmp_path / "a").iterdir(), reverse=True)):
        (renamed / f"deep{number}").mkdir(parents=True)
        shutil.copy(path, renamed / f"deep{number}" / f"q{number}.png")
    shutil.copy(tmp_path / "a" / "p0.png", renamed / "again.png")
    second = folder_of_photographs(renamed)
    assert hashes(first.x) == hashes(second.x)
    assert hashes(first.yz) == hashes(second.yz)
    assert (len(first.x), len(first.yz)) == (2, 3)
    assert not hashes(first.x) & hashes(first.yz)
    assert first.path == str(tmp_path / "a")


def test_a_folder_needs_two_different_photographs(tmp_path):
    write_photographs(tmp_path, 1)
    shutil.copy(tmp_path / "p0.png", tmp_path / "copy.png")
    with pytest.raises(ValueError, match="1 different photograph"):
        folder_of_photographs(tmp_path)


def split_csv(folder, *rows, header="file,half"):
    write_photographs(folder, 3)
    (folder / "split.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("rows", [("p0.png,A", "p1.png,B", "p2.png,B"), ("p2.png,A", "p0.png,A", "p1.png,B")])
def test_a_split_csv_is_obeyed(tmp_path, rows):
    split = folder_of_photographs(split_csv(tmp_path, *rows))
    assert {p.name for p in split.x} == {row[:-2] for row in rows if row.endswith("A")}
    assert {p.name for p in split.yz} == {row[:-2] for row in rows if row.endswith("B")}


def test_images_that_split_csv_does_not_list_are_left_out_and_other_columns_ignored(tmp_path):
    folder = split_csv(tmp_path, "p0.png,9,B", "p1.png,9,A", header="\ufefffile,width,half")
    split = folder_of_photographs(folder)
    assert ([p.name for p in split.x], [p.name for p in split.yz]) == (["p1.png"], ["p0.png"])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("p0.png,A", "p1.png,C"), r"line 3: half is 'C'"),
        (("p0.png,A", "p1.png"), r"line 3: half is None"),
        (("p0.png,A", "p1.png,B", "p0.png,B"), r"line 4: 'p0.png' is in both halves"),
        (("p0.png,A", "gone.png,B", "lost.png,B"), r"names 2 file\(s\) that are not there, the first is 'gone.png'"),
        (("p0.png,A",), "no photograph for Y/Z"),
        ((), "expected the columns 'file' and 'half', got nothing"),
    ],
)
def test_a_split_csv_that_does_not_fit_is_explained(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        folder_of_photographs(split_csv(tmp_path, *rows))


def test_a_split_csv_with_other_columns_is_explained(tmp_path):
    with pytest.raises(ValueError, match=r"expected the columns 'file' and 'half', got \['name', 'part'\]"):
        folder_of_photographs(split_csv(tmp_path, "p0.png,A", header="name,part"))


def test_a_copy_in_the_other_half_of_split_csv_is_found(tmp_path):
    folder = split_csv(tmp_path, "p0.png,A", "p1.png,B", "copy.png,B")
    shutil.copy(folder / "p0.png", folder / "copy.png")
    with pytest.raises(ValueError, match=r"'p0.png'.*'copy.png'"):
        folder_of_photographs(folder)


def test_one_damaged_file_in_a_folder_is_named(tmp_path):
    write_photographs(tmp_path, 2)
    (tmp_path / "bad.jpg").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"bad\.jpg: not an image"):
        folder_of_photographs(tmp_path)


def test_a_photograph_smaller_than_a_patch_is_named():
    small = Photograph("small", picture(63, 200))
    for split in (Photographs("t", (small,), (photograph(1),)), Photographs("t", (photograph(1),), (small,))):
        with pytest.raises(ValueError, match=r"small: 200x63 is smaller than a patch of 64"):
            UnpairedPatches(split, BICUBIC, patch=16)


def test_sizes_that_the_scale_does_not_divide_are_cropped(patches):
    assert [tuple(levels.shape) for levels in patches.X] == [(3, 18, 21), (3, 16, 25)]
    assert [tuple(levels.shape) for levels in patches.Z] == [(3, 72, 84), (3, 88, 64)]
    assert [tuple(levels.shape) for levels in patches.Y] == [(3, 18, 21), (3, 22, 16)]


def test_shapes_and_range_of_a_batch(patches):
    x, y, z = patches.batch(0, 3)
    assert x.shape == y.shape == (3, 3, 16, 16)
    assert z.shape == (3, 3, 64, 64)
    for images in (x, y, z):
        assert images.dtype == torch.float32
        assert 0 <= images.min() < 0.4 < 0.6 < images.max() <= 1
        torch.testing.assert_close(images * 255, (images * 255).round(), atol=1e-4, rtol=0)


def test_a_patch_depends_on_seed_stage_and_index_alone(patches):
    whole = patches.batch(0, 12)
    for size in (1, 3, 4, 6):
        parts = [patches.batch(step, size) for step in reversed(range(12 // size))][::-1]
        for domain, together in zip(zip(*parts, strict=True), whole, strict=True):
            assert torch.equal(torch.cat(domain), together)
    assert torch.equal(patches.pairs(0, 12)[0], whole[1])
    assert torch.equal(patches.pairs(0, 12)[1], whole[2])


def test_other_seeds_stages_and_indices_give_other_patches(patches):
    split = Photographs("test", (photograph(0), photograph(1, 64, 101)), (photograph(2), photograph(3, 90, 66)))
    other = UnpairedPatches(split, SYNTHETIC_MILD, patch=16, seed=6)
    reference = patches.batch(0, 6)
    for batch in (other.batch(0, 6), patches.batch(0, 6, stage=1), patches.batch(1, 6)):
        for ours, theirs in zip(batch, reference, strict=True):
            assert not torch.equal(ours, theirs)


def test_y_is_the_reduction_of_its_own_z(patches):
    _, y, z = patches.batch(0, 24)
    inner = (..., slice(3, -3), slice(3, -3))
    # A patch is cut after the whole photograph was reduced, so only its border can tell, and rounding to 8 bits.
    assert (bicubic_downsample(z)[inner] - y[inner]).abs().max() <= 0.51 / 255
    shuffled = bicubic_downsample(z.roll(1, 0))
    assert (shuffled[inner] - y[inner]).abs().mean() > 0.05


def test_every_photograph_and_all_eight_symmetries_occur():
    split = Photographs("t", (photograph(0, 64, 64), photograph(1, 64, 64)), (photograph(2, 64, 64),))
    patches = UnpairedPatches(split, BICUBIC, patch=16)
    x, y, z = patches.batch(0, 200)

    def symmetries(levels):
        turned = [torch.rot90(levels, k, (1, 2)) for k in range(4)]
        return {image.numpy().tobytes() for t in turned for image in (t, t.flip(2))}

    def seen(images):
        return {image.numpy().tobytes() for image in (images * 255).round().byte().contiguous()}

    assert seen(x) == symmetries(patches.X[0]) | symmetries(patches.X[1])
    assert len(seen(x)) == 16
    assert seen(y) == symmetries(patches.Y[0])
    assert seen(z) == symmetries(patches.Z[0])


def test_a_patch_is_cut_where_its_place_says_and_turned_as_it_says(patches):
    places = patches.Y.places(torch.arange(64), 16, 5, 1)
    y, z = patches.Y.cut(places, 16), patches.Z.cut(places.enlarged(4), 64)
    for i, (which, top, left, upside_down, mirrored, transposed) in enumerate(zip(*vars(places).values(), strict=True)):
        for levels, side, cut in ((patches.Y, 16, y), (patches.Z, 64, z)):
            scale = side // 16
            expected = levels[which][:, top * scale :, left * scale :][:, :side, :side]
            expected = expected.flip(1) if upside_down else expected
            expected = expected.flip(2) if mirrored else expected
            expected = expected.transpose(1, 2) if transposed else expected
            assert torch.equal(cut[i], expected)


def about_uniform(counts, choices):
    """Every choice occurs, none more than five standard deviations away from its share."""
    total = sum(counts.values())
    share = total / choices
    return len(counts) == choices and all(abs(n - share) < 5 * math.sqrt(share) for n in counts.values())


def test_photographs_places_and_turns_are_about_uniform():
    sizes = [(20, 31), (17, 16), (24, 18)]
    levels = Levels([torch.zeros(3, height, width, dtype=torch.uint8) for height, width in sizes])
    places = levels.places(torch.arange(30_000), 16, 0)
    assert about_uniform(Counter(places.photograph.tolist()), 3)
    turns = torch.stack([places.upside_down, places.mirrored, places.transposed], 1)
    assert about_uniform(Counter(map(tuple, turns.tolist())), 8)
    for number, (height, width) in enumerate(sizes):
        mine = places.photograph == number
        corners = Counter(zip(places.top[mine].tolist(), places.left[mine].tolist(), strict=True))
        assert {(0, 0), (height - 16, width - 16)} <= corners.keys()
        assert about_uniform(corners, (height - 15) * (width - 15))
        # Which photograph says nothing about how its patch is turned.
        assert about_uniform(Counter(map(tuple, turns[mine].tolist())), 8)


def test_streams_and_neighbouring_samples_have_nothing_in_common():
    samples = torch.arange(20_000)
    first, second, other_seed = (below(8, draws(samples, 2, *index)) for index in ((0, 0), (0, 1), (1, 0)))
    for a, b in ((first[0], first[1]), (first[0], second[0]), (first[0], other_seed[0]), (first[0][1:], first[0][:-1])):
        assert about_uniform(Counter(zip(a.tolist(), b.tolist(), strict=True)), 64)


def test_draws_are_those_of_splitmix64(monkeypatch):
    monkeypatch.setattr(seeds, "_word", lambda *_: 1234567)
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert draws(torch.arange(4), 1, 0)[0].tolist() == [word >> 33 for word in published]
    assert draws(torch.arange(2), 2, 0).T.flatten().tolist() == [word >> 33 for word in published]


def test_a_batch_has_the_layout_that_convolutions_are_fastest_with(patches):
    for images in patches.batch(0, 4):
        assert images.is_contiguous(memory_format=torch.channels_last)


def test_moved_patches_are_the_same_patches(patches):
    moved = patches.to(torch.device("cpu"))
    for ours, theirs in zip(moved.batch(3, 4, 1), patches.batch(3, 4, 1), strict=True):
        assert torch.equal(ours, theirs)


def test_cutting_patches_never_waits_for_the_device(patches):
    """A meta tensor holds no numbers: whatever wanted to read one, as a sync does, would fail."""
    meta = patches.to(torch.device("meta"))
    assert all(images.is_meta for images in meta.batch(0, 2))
    with pytest.raises(RuntimeError, match="meta"):
        meta.X.heights.max().item()


def test_x_is_drawn_independently_of_y_and_z():
    one = Photographs("t", (photograph(0),), (photograph(2),))
    more = Photographs("t", (photograph(0),), (photograph(2), photograph(3)))
    x, other = (UnpairedPatches(split, BICUBIC, patch=16).batch(0, 8)[0] for split in (one, more))
    assert torch.equal(x, other)


def test_degradation_of_a_photograph_depends_on_its_content_and_the_seed():
    original, renamed = photograph(0), Photograph("renamed", photograph(0).pixels.copy())
    assert torch.equal(degrade(original, SYNTHETIC_MILD, seed=1), degrade(renamed, SYNTHETIC_MILD, seed=1))
    assert not torch.equal(degrade(original, SYNTHETIC_MILD, seed=1), degrade(original, SYNTHETIC_MILD, seed=2))
    assert degrade(original, SYNTHETIC_MILD).dtype == torch.uint8


def test_cropping_keeps_the_hash_of_the_whole(tmp_path):
    whole = photograph(0, 73, 86)
    assert whole.cropped(4).pixels.shape == (72, 84, 3)
    assert whole.cropped(4).sha256 == whole.sha256


def test_a_folder_with_sizes_not_divisible_by_four_is_accepted(tmp_path):
    save_picture(tmp_path / "a.png", picture(65, 67, 0))
    save_picture(tmp_path / "b.png", picture(66, 71, 1))
    x, _, z = UnpairedPatches(folder_of_photographs(tmp_path), BICUBIC, patch=16).batch(0, 2)
    assert (x.shape[-1], z.shape[-1]) == (16, 64)


@pytest.fixture
def lr_and_hr(tmp_path):
    """Three LR images as a camera took them, of sizes that no scale divides, and two HR photographs."""
    write_photographs(tmp_path / "phone", 3, 17, 22, first_seed=50)
    write_photographs(tmp_path / "clean", 2, 72, 84, first_seed=60)
    return tmp_path / "phone", tmp_path / "clean"


def test_real_lr_images_are_not_degraded_nor_cut(lr_and_hr):
    split = lr_and_hr_folders(*lr_and_hr)
    patches = UnpairedPatches(split, None, patch=16)
    assert split.x_is_lr
    assert [split.path, split.lr_path] == [str(lr_and_hr[1]), str(lr_and_hr[0])]
    assert {levels.permute(1, 2, 0).numpy().tobytes() for levels in patches.X} == {
        picture(17, 22, seed).tobytes() for seed in (50, 51, 52)
    }
    x, y, z = patches.batch(0, 4)
    assert (x.shape, y.shape, z.shape) == ((4, 3, 16, 16), (4, 3, 16, 16), (4, 3, 64, 64))


def test_two_folders_of_the_same_content_are_the_same_set(lr_and_hr, tmp_path):
    lr, hr = lr_and_hr
    first = lr_and_hr_folders(lr, hr)
    (lr / "p0.png").rename(lr / "z.png")
    shutil.copy(lr / "z.png", lr / "copy.png")
    second = lr_and_hr_folders(lr, hr)
    assert [p.sha256 for p in first.x] == [p.sha256 for p in second.x]
    shutil.copy(lr / "p1.png", hr / "other.png")
    with pytest.raises(ValueError, match=r"the same photograph is in X as 'p1.png' and in Y/Z as 'other.png'"):
        lr_and_hr_folders(lr, hr)


def test_a_degradation_and_real_lr_images_exclude_each_other(lr_and_hr):
    split = lr_and_hr_folders(*lr_and_hr)
    with pytest.raises(ValueError, match=r"X is LR already; expected no degradation, got synthetic_mild"):
        UnpairedPatches(split, SYNTHETIC_MILD, patch=16)
    with pytest.raises(ValueError, match=r"X is HR; a degradation has to make LR images of it, got none"):
        UnpairedPatches(Photographs("t", (photograph(0),), (photograph(1),)), None, patch=16)


def test_a_real_lr_image_needs_one_patch_of_lr_pixels(lr_and_hr):
    with pytest.raises(ValueError, match=r"22x17 is smaller than a patch of 18 LR pixels square"):
        UnpairedPatches(lr_and_hr_folders(*lr_and_hr), None, patch=18, scale=2)
