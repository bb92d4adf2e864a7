"""A whole set: only what is missing is fetched, terms come first, and neither a kill nor a full disk leaves a half."""

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
from helpers import LIBRARY, picture
from PIL import Image
from serving import FREE, HASTY, Behaviour, archive_of, files_below, png, set_of, wait_until

from cincgan_tutorial.data import (
    CATALOGUE,
    DataSet,
    Licence,
    Remote,
    Single,
    accept,
    data_folder,
    is_accepted,
    is_here,
    obtain,
    to_fetch,
)
from cincgan_tutorial.data.licences import ACCEPTED
from cincgan_tutorial.data.singles import look
from cincgan_tutorial.unpaired import folder_of_photographs


@pytest.fixture
def small(server):
    """Two archives, as a set."""
    return set_of(archive_of(server, "LR", range(1, 4), "x4m.png"), archive_of(server, "HR", range(1, 6)))


EXPECTED = sorted([f"LR/{n:04d}x4m.png" for n in range(1, 4)] + [f"HR/{n:04d}.png" for n in range(1, 6)])


@pytest.fixture
def get(tmp_path, said):
    def of(data_set, local=None):
        return obtain(data_set, tmp_path, local, HASTY, said.append)

    return of


def test_a_set_is_fetched_checked_unpacked_and_the_archives_removed(server, small, get, said, tmp_path):
    assert not is_here(small, tmp_path)
    root = get(small)
    assert root == tmp_path / "SMALL"
    assert files_below(tmp_path) == [f"SMALL/{name}" for name in EXPECTED]
    assert is_here(small, tmp_path)
    assert [path for path, _ in server.requests] == ["/LR.zip", "/HR.zip"]
    assert sum("SHA-256 is right" in line for line in said) == 2


def test_what_is_there_is_not_fetched_again(server, small, get, tmp_path, monkeypatch):
    get(small)
    before = len(server.requests)
    monkeypatch.setenv("CINCGAN_OFFLINE", "1")
    get(small)
    assert len(server.requests) == before
    assert to_fetch(small, tmp_path) == (0, 0)


def test_sets_share_what_they_have_in_common(server, small, get, tmp_path):
    get(replace(small, archives=small.archives[:1]))
    size = small.archives[1].remote.size
    assert to_fetch(small, tmp_path) == (size, 2 * size)
    get(small)
    assert [path for path, _ in server.requests] == ["/LR.zip", "/HR.zip"]


def test_a_failure_keeps_what_is_whole_and_the_next_call_goes_on(server, small, get, tmp_path):
    server.plan = [Behaviour(), *[Behaviour(status=503)] * HASTY.attempts]
    with pytest.raises(ConnectionError, match=r"HR\.zip"):
        get(small)
    assert files_below(tmp_path) == [f"SMALL/{name}" for name in EXPECTED if name.startswith("LR")]
    get(small)
    assert [path for path, _ in server.requests].count("/LR.zip") == 1
    assert files_below(tmp_path) == [f"SMALL/{name}" for name in EXPECTED]


def test_a_folder_that_lacks_photographs_is_not_ours_to_mend(small, get, tmp_path):
    get(small)
    (tmp_path / "SMALL" / "HR" / "0003.png").unlink()
    with pytest.raises(ValueError, match=r"HR: 1 of 5 photographs are not there, the first is 0003.png. Move"):
        get(small)
    shutil.rmtree(tmp_path / "SMALL" / "HR")
    get(small)
    assert is_here(small, tmp_path)


def test_an_archive_left_by_a_kill_is_used_if_it_is_right(server, small, get, tmp_path, said):
    incoming = tmp_path / "SMALL" / ".incoming"
    incoming.mkdir(parents=True)
    (incoming / "LR.zip").write_bytes(server.files["/LR.zip"])
    (incoming / "HR.zip").write_bytes(b"damaged")
    get(small)
    assert [path for path, _ in server.requests] == ["/HR.zip"]
    assert any("is damaged. Fetching it again" in line for line in said)


def test_local_copies_are_used_and_left_alone(server, small, get, tmp_path):
    local = tmp_path / "stick"
    local.mkdir()
    for archive in small.archives:
        (local / archive.remote.name).write_bytes(server.files[f"/{archive.remote.name}"])
    root = get(small, local)
    assert files_below(root) == EXPECTED
    assert server.requests == []
    assert sorted(os.listdir(local)) == ["HR.zip", "LR.zip"]


def test_a_single_local_archive_may_have_any_name(server, small, get, tmp_path):
    (tmp_path / "mine.bin").write_bytes(server.files["/LR.zip"])
    root = get(replace(small, archives=small.archives[:1]), tmp_path / "mine.bin")
    assert files_below(root) == [name for name in EXPECTED if name.startswith("LR")]


def test_a_local_copy_that_lacks_something_is_explained(server, small, get, tmp_path):
    (tmp_path / "stick").mkdir()
    with pytest.raises(ValueError, match=r"stick: LR.zip \(.* bytes\) is needed and is not there"):
        get(small, tmp_path / "stick")
    (tmp_path / "stick" / "LR.zip").write_bytes(server.files["/LR.zip"][:-1] + b"?")
    with pytest.raises(ValueError, match=r"LR.zip: SHA-256 .*; expected"):
        get(small, tmp_path / "stick")
    assert files_below(tmp_path) == ["stick/LR.zip"]


STRICT = Licence("strict", "For research only.", must_accept=True)


def test_terms_are_accepted_once_for_a_folder_and_these_words(server, small, get, tmp_path):
    strict = replace(small, licence=STRICT)
    with pytest.raises(ValueError, match=r"small: its terms have to be accepted once .* For research only."):
        get(strict)
    assert (server.requests, files_below(tmp_path)) == ([], [])
    accept(STRICT, tmp_path)
    get(strict)
    get(strict)
    assert is_accepted(STRICT, tmp_path)
    assert not is_accepted(replace(STRICT, terms="For nobody."), tmp_path)
    assert not is_accepted(STRICT, tmp_path / "elsewhere")
    assert is_accepted(FREE, tmp_path / "elsewhere")


@pytest.mark.parametrize("content", [b"\xff", b"{", b"[]", b'{"strict": 1}'])
def test_a_damaged_record_of_terms_is_explained(tmp_path, content):
    (tmp_path / ACCEPTED).write_bytes(content)
    with pytest.raises(ValueError, match=r"accepted-licences.json: damaged .* Remove it"):
        is_accepted(STRICT, tmp_path)


def test_a_second_process_waits_its_turn(small, get, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    with (tmp_path / ".SMALL.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ValueError, match="another process is fetching into it"):
            get(small)
    get(small)


# A process of its own, to be killed: it fetches a set from the server of the test.
PROGRAM = """
    import sys, time
    from pathlib import Path
    from cincgan_tutorial.data import Archive, DataSet, Licence, Patience, Remote, obtain, unpacking
    url, size, sha256, count, folder, slow = sys.argv[1:]
    copy = unpacking._extract
    def slowly(*arguments):
        copy(*arguments)
        time.sleep(float(slow))
    unpacking._extract = slowly
    remote = Remote("HR.zip", (url,), int(size), sha256)
    archive = Archive(remote, "HR", range(1, int(count) + 1))
    obtain(DataSet("small", "", "SMALL", Licence("free", ""), (archive,)), Path(folder), patience=Patience(answer=60))
"""


def start(archive, folder, slow=0.0):
    remote = archive.remote
    arguments = [remote.urls[0], str(remote.size), remote.sha256, str(len(archive.numbers)), str(folder), str(slow)]
    environment = os.environ | {"PYTHONPATH": str(LIBRARY.parent), "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_kill_in_the_middle_of_a_transfer_loses_nothing_that_came(server, get, tmp_path):
    archive = archive_of(server, "HR", range(1, 400))
    half = archive.remote.size // 2
    server.plan = [Behaviour(cut=half), Behaviour(silent=True)]
    part = tmp_path / "SMALL" / ".incoming" / "HR.zip.part"
    process = start(archive, tmp_path)
    wait_until(lambda: len(server.requests) == 2)
    kill(process)
    assert [path.name for path in (tmp_path / "SMALL").iterdir()] == [".incoming"]
    kept = part.stat().st_size
    assert 0 < kept <= half
    get(set_of(archive))
    assert server.ranges[-1] == f"bytes={kept}-"
    assert files_below(tmp_path) == [f"SMALL/HR/{n:04d}.png" for n in range(1, 400)]


def test_a_kill_in_the_middle_of_unpacking_leaves_no_half_folder(server, get, tmp_path):
    archive = archive_of(server, "HR", range(1, 30))
    process = start(archive, tmp_path, slow=0.2)
    wait_until(lambda: len(files_below(tmp_path / "SMALL" / ".unpacking")) > 3)
    kill(process)
    assert not (tmp_path / "SMALL" / "HR").exists()
    assert files_below(tmp_path / "SMALL" / ".unpacking")
    get(set_of(archive))
    assert len(server.requests) == 1  # the archive was whole
    assert files_below(tmp_path) == [f"SMALL/HR/{n:04d}.png" for n in range(1, 30)]


@pytest.mark.parametrize("room", [20_000, 60_000])
def test_a_full_disk_leaves_nothing_half_done(server, get, tmp_path, room):
    """Beyond so many bytes a file can't be written: the transfer fails, or the unpacking of a large photograph."""
    resource = pytest.importorskip("resource")
    archive = archive_of(server, "HR", range(1, 400))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            get(set_of(archive))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "SMALL" / "HR").exists()
    get(set_of(archive))
    assert files_below(tmp_path) == [f"SMALL/HR/{n:04d}.png" for n in range(1, 400)]


def test_a_full_disk_while_unpacking(server, get, tmp_path, monkeypatch):
    archive = archive_of(server, "HR", range(1, 5))
    real = shutil.copyfileobj

    def fail(source, file, length):
        if file.name.endswith("0003.png"):
            raise OSError(28, "No space left on device")
        real(source, file, length)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", fail)
        with pytest.raises(OSError, match="No space left"):
            get(set_of(archive))
    assert files_below(tmp_path) == ["SMALL/.incoming/HR.zip"]
    get(set_of(archive))
    assert len(server.requests) == 1
    assert is_here(set_of(archive), tmp_path)


def jpeg(pixels, quality=95):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=quality, subsampling=0, optimize=True)
    return file.getvalue()


@pytest.fixture
def singles(server):
    """A set of one photograph as it is and three that are made into JPEG here, as that of the recorded runs."""
    listed = []
    for n in range(1, 4):
        pixels = picture(72, 84, n)
        server.files[f"/there/{n}.png"] = png(n, 72, 84)
        content = jpeg(pixels)
        remote = Remote(f"{n}.png", (server.url(f"gone/{n}.png"), server.url(f"there/{n}.png")))
        seen = look(Image.fromarray(pixels))
        digest = hashlib.sha256(content).hexdigest()
        half = "A" if n < 3 else "B"
        listed.append(Single(remote, f"train/set/{n}.jpg", len(content), digest, f"there/{n}.png", half, seen))
    content = png(9)
    remote = replace(server.put("kodak.png", content), name="kodak.png")
    listed.append(Single(remote, "val/kodak.png", len(content), remote.sha256, "kodak.png"))
    return DataSet("photos", "for a test", "photos", FREE, singles=tuple(listed), photos="train")


FILES = ["train/set/1.jpg", "train/set/2.jpg", "train/set/3.jpg", "train/split.csv", "val/kodak.png"]


def test_photographs_of_a_repository_become_those_of_the_recorded_runs(singles, get, said):
    root = get(singles)
    assert files_below(root) == FILES
    for single in singles.singles:
        assert hashlib.sha256((root / single.path).read_bytes()).hexdigest() == single.sha256
    split = folder_of_photographs(root / "train")
    assert ([p.name for p in split.x], [p.name for p in split.yz]) == (["set/1.jpg", "set/2.jpg"], ["set/3.jpg"])
    assert "SHA-256 of 4 is right" in said[-1]


def test_photographs_that_are_there_are_not_fetched_again_and_lost_ones_are(server, singles, get, said):
    root = get(singles)
    before = len(server.requests)
    get(singles)
    assert len(server.requests) == before
    (root / "train/set/2.jpg").unlink()
    (root / "val/kodak.png").write_bytes(b"damaged")
    get(singles)
    assert len(server.requests) == before + 3  # one of them asks two addresses
    assert files_below(root) == FILES
    assert any("2 of 4 photographs are missing or damaged" in line for line in said)


def test_until_the_last_photograph_is_there_the_folder_is_not(server, singles, get, tmp_path):
    content = server.files.pop("/kodak.png")
    with pytest.raises(ConnectionError, match=r"kodak\.png"):
        get(singles)
    assert not (tmp_path / "photos").exists()
    before = len(server.requests)
    server.files["/kodak.png"] = content
    get(singles)
    assert len(server.requests) == before + 1
    assert files_below(tmp_path / "photos") == FILES


def test_another_encoder_is_accepted_and_said_another_photograph_is_not(server, singles, get, said):
    changed = tuple(replace(single, sha256="0" * 64) if single.look else single for single in singles.singles)
    get(replace(singles, singles=changed))
    assert "3 of them are JPEG files made here" in said[-1]
    server.files["/there/2.png"] = png(77, 72, 84)
    with pytest.raises(ValueError, match=r"train/set/2.jpg: another photograph than that of the listing"):
        get(replace(singles, folder="others"))
    server.files["/there/2.png"] = b"no image"
    with pytest.raises(ValueError, match=r"train/set/2.jpg: not an image that can be read"):
        get(replace(singles, folder="others"))


@pytest.mark.parametrize("layout", ["path", "source_path"])
def test_a_checkout_or_a_copy_serves_as_local_source(server, singles, get, tmp_path, layout):
    whole = get(singles)
    server.requests.clear()
    for single in singles.singles:
        target = tmp_path / "local" / getattr(single, layout)
        target.parent.mkdir(parents=True, exist_ok=True)
        there = server.files[f"/{single.source_path}"]
        target.write_bytes((whole / single.path).read_bytes() if layout == "path" else there)
    root = get(replace(singles, folder="again"), tmp_path / "local")
    assert files_below(root) == FILES
    assert server.requests == []
    (tmp_path / "local" / getattr(singles.singles[0], layout)).unlink()
    with pytest.raises(ValueError, match=r"local: neither train/set/1.jpg nor there/1.png is in it"):
        get(replace(singles, folder="third"), tmp_path / "local")


def test_the_data_folder_is_named_or_at_the_top(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CINCGAN_PHOTOS", raising=False)
    assert data_folder() == tmp_path / "data"
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "_toc.yml").touch()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert data_folder() == tmp_path / "data"
    monkeypatch.setenv("CINCGAN_PHOTOS", "elsewhere")
    assert str(data_folder()) == "elsewhere"


def test_the_catalogue_names_the_official_archives():
    track2 = CATALOGUE["div2k-track2"]
    assert {archive.remote.name for archive in track2.archives} == {
        "DIV2K_train_HR.zip",
        "DIV2K_train_LR_mild.zip",
        "DIV2K_valid_HR.zip",
        "DIV2K_valid_LR_mild.zip",
    }
    assert track2.size == 3_530_603_713 + 448_993_893 + 275_693_358 + 35_300_939
    for data_set in CATALOGUE.values():
        for archive in data_set.archives:
            assert len(archive.remote.sha256) == 64
            assert all(url.endswith(archive.remote.name) for url in archive.remote.urls)
            assert data_set.licence.must_accept
    assert track2.archives[0].members[:2] == ("0001x4m.png", "0002x4m.png")
    assert CATALOGUE["div2k-bicubic"].archives[1].folder == "DIV2K_train_LR_bicubic/X4"


def test_the_listing_is_that_of_the_recorded_runs(data):
    """File by file, against the photographs that the runs used."""
    everything = CATALOGUE["tutorial-photos-all"]
    assert len(everything.singles) == 412
    for single in everything.singles:
        content = (data / single.path).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (single.size, single.sha256)
    halves = {single.path: single.half for single in everything.singles if single.half}
    rows = (data / "train" / "split.csv").read_text().splitlines()[1:]
    assert halves == {f"train/{row.split(',')[0]}": row.split(",")[1] for row in rows}
    free = CATALOGUE["tutorial-photos"]
    assert len(free.singles) == 192
    assert not free.licence.must_accept
    assert not any("bsds500" in url for single in free.singles for url in single.remote.urls)
