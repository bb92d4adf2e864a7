"""A zip becomes a folder of photographs, whole or not at all, whatever is in it."""

import io
import random
import shutil
import stat
import struct
import zipfile
from dataclasses import replace

import pytest
from serving import files_below, png, zip_of

from cincgan_tutorial.data import Archive, Remote
from cincgan_tutorial.data.unpacking import unpack

NAMES = ("0001x4m.png", "0002x4m.png", "0003x4m.png")
GOOD = {f"DIV2K_train_LR_mild/{name}": png(n) for n, name in enumerate(NAMES)}


@pytest.fixture
def root(tmp_path):
    """A folder with a file outside of it that no archive may touch."""
    (tmp_path / "outside.txt").write_text("mine")
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def archive_for(content, folder="DIV2K_train_LR_mild"):
    return Archive(Remote("a.zip", (), len(content)), folder, range(1, 4), "x4m.png")


def put(root, content, folder="DIV2K_train_LR_mild"):
    zipped = root.parent / "a.zip"
    zipped.write_bytes(content)
    unpack(zipped, archive_for(content, folder), root)


def untouched(root):
    assert files_below(root.parent) == ["a.zip", "outside.txt"]
    assert (root.parent / "outside.txt").read_text() == "mine"
    assert list(root.iterdir()) == []


def test_a_good_archive_becomes_a_folder(root):
    put(root, zip_of({"DIV2K_train_LR_mild/": b""} | GOOD))
    assert files_below(root) == sorted(GOOD)
    assert {name: (root / name).read_bytes() for name in GOOD} == GOOD
    assert [p.name for p in root.iterdir()] == ["DIV2K_train_LR_mild"]


def test_photographs_go_to_their_own_folder_however_deep_they_lie_in_the_zip(root):
    put(root, zip_of({f"some/where/{name}": content for name, content in GOOD.items()}), "DIV2K_train_LR_bicubic/X4")
    assert files_below(root) == [f"DIV2K_train_LR_bicubic/X4/{name}" for name in NAMES]


def test_other_files_are_left_in_the_zip(root):
    others = {"DIV2K_train_LR_mild/Thumbs.db": b"x", "__MACOSX/._0001x4m.png": b"x", "__MACOSX/0001x4m.png": b"x"}
    put(root, zip_of(GOOD | others))
    assert files_below(root) == sorted(GOOD)


HOSTILE = [
    "../outside.txt",
    "DIV2K_train_LR_mild/../../outside.txt",
    "DIV2K_train_LR_mild/../../0001x4m.png",
    "/tmp/0001x4m.png",
    "C:\\0001x4m.png",
    "..\\outside.txt",
    "a/..",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("first", [True, False])
def test_a_name_that_leads_elsewhere_refuses_the_archive(root, name, first):
    bad = {name: b"theirs"}
    with pytest.raises(ValueError, match=r"a\.zip: not safe, .* is (a path that leaves|an absolute path)"):
        put(root, zip_of(bad | GOOD if first else GOOD | bad))
    untouched(root)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_link_or_a_device_refuses_the_archive(root, kind):
    file = io.BytesIO(zip_of(GOOD))
    with zipfile.ZipFile(file, "a") as archive:
        link = zipfile.ZipInfo("DIV2K_train_LR_mild/link.png")
        link.external_attr = (kind | 0o777) << 16
        archive.writestr(link, "../../outside.txt")
    with pytest.raises(ValueError, match=r"link\.png' is a link or a device"):
        put(root, file.getvalue())
    untouched(root)


def test_an_expected_name_that_is_a_link_is_not_followed(root):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in GOOD.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, b"../../outside.txt" if "0001" in name else content)
    with pytest.raises(ValueError, match="a link or a device"):
        put(root, file.getvalue())
    untouched(root)


def test_a_bomb_refuses_the_archive(root):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in GOOD:
            archive.writestr(name, bytes(1_000_000))
    assert len(file.getvalue()) < 10_000
    with pytest.raises(ValueError, match=r"unpacks to more than .* bytes"):
        put(root, file.getvalue())
    untouched(root)


def test_a_bomb_that_lies_about_its_size_is_cut_short_and_refused(root):
    """The directory states 10 bytes for what unpacks to a million."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in GOOD:
            archive.writestr(name, bytes(1_000_000))
    content = file.getvalue().replace(struct.pack("<I", 1_000_000), struct.pack("<I", 10))
    with pytest.raises(ValueError, match="damaged archive"):
        put(root, content)
    untouched(root)


def test_an_encrypted_member_refuses_the_archive(root):
    content = bytearray(zip_of(GOOD))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    with pytest.raises(ValueError, match="is encrypted"):
        put(root, bytes(content))
    untouched(root)


def test_a_photograph_twice_is_named(root):
    with pytest.raises(ValueError, match=r"0002x4m\.png is in it twice"):
        put(root, zip_of(GOOD | {"other/0002x4m.png": png(9)}))
    untouched(root)


def test_a_missing_photograph_is_named(root):
    with pytest.raises(ValueError, match=r"1 of 3 photographs are not in it, the first is 0002x4m\.png"):
        put(root, zip_of({name: content for name, content in GOOD.items() if "0002" not in name}))
    untouched(root)


def test_a_folder_with_the_name_of_a_photograph_is_no_photograph(root):
    members = {name: content for name, content in GOOD.items() if "0002" not in name}
    with pytest.raises(ValueError, match=r"the first is 0002x4m\.png"):
        put(root, zip_of(members | {"DIV2K_train_LR_mild/0002x4m.png/": b""}))
    untouched(root)


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_archive_gives_the_right_photographs_or_an_error(root, seed):
    """A byte is changed at random; the checksums of the zip find it where it matters."""
    content = bytearray(zip_of(GOOD))
    where = random.Random(seed).randrange(len(content))
    content[where] ^= 0x55
    try:
        put(root, bytes(content))
    except ValueError:
        untouched(root)
    else:
        assert {name: (root / name).read_bytes() for name in GOOD} == GOOD


@pytest.mark.parametrize("share", [0, 0.25, 0.5, 0.75, 0.99])
def test_a_truncated_archive_is_an_error(root, share):
    content = zip_of(GOOD)
    with pytest.raises(ValueError, match=r"a\.zip: damaged archive"):
        put(root, content[: int(share * len(content))])
    untouched(root)


def test_what_a_killed_unpacking_left_is_removed(root):
    (root / ".unpacking" / "DIV2K_train_LR_mild").mkdir(parents=True)
    (root / ".unpacking" / "DIV2K_train_LR_mild" / "0001x4m.png").write_bytes(b"half")
    put(root, zip_of(GOOD))
    assert files_below(root) == sorted(GOOD)
    assert (root / sorted(GOOD)[0]).read_bytes() == GOOD[sorted(GOOD)[0]]


def test_too_little_space_is_noticed_before_the_first_byte(root, monkeypatch):
    usage = shutil.disk_usage(root)._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match=r"unpacks to \d+ bytes, and .* has 10 free"):
        put(root, zip_of(GOOD))
    untouched(root)


def test_the_limit_is_twice_the_size_of_the_archive():
    archive = archive_for(b"12345")
    assert archive.most_unpacked == 10
    assert replace(archive, remote=Remote("a.zip", ())).most_unpacked == 0
