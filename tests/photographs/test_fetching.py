"""One file from a server that misbehaves: it arrives right, or it does not arrive and the error says why."""

import datetime
import email.utils
import hashlib
import random
import socket
from dataclasses import replace

import pytest
import requests
from serving import HASTY, Behaviour

from cincgan_tutorial.data import Remote, WrongContentError, fetching
from cincgan_tutorial.data.fetching import fetch

CHUNK = fetching._CHUNK
# A cut in the middle of a chunk: what is kept is the chunks before.
CUT, KEPT = 3 * CHUNK + 300, 3 * CHUNK
CONTENT = random.Random(0).randbytes(700_001)


@pytest.fixture
def remote(server):
    return server.put("file.zip", CONTENT)


@pytest.fixture
def get(tmp_path, said):
    """Fetch into a folder of the test's own and return the bytes."""

    def of(remote, patience=HASTY):
        with requests.Session() as session:
            fetch(session, remote, tmp_path / remote.name, patience, said.append)
        return (tmp_path / remote.name).read_bytes()

    return of


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_good_server_is_asked_once(server, remote, get, tmp_path, said):
    assert get(remote) == CONTENT
    assert server.ranges == [None]
    assert (left(tmp_path), said) == (["file.zip"], [])


@pytest.mark.parametrize("seed", range(8))
def test_connections_cut_at_random_bytes_are_gone_on_with(server, remote, get, said, seed):
    cuts = random.Random(seed)
    server.plan = [Behaviour(cut=cuts.randrange(1, 110_000)) for _ in range(6)]
    assert get(remote) == CONTENT
    sizes = [0 if header is None else int(header.removeprefix("bytes=").removesuffix("-")) for header in server.ranges]
    assert len(sizes) == 7
    assert sizes == sorted(sizes)
    # What was here was never asked for again.
    assert len(CONTENT) <= server.sent <= len(CONTENT) + 6 * CHUNK
    assert len([line for line in said if "Going on in" in line]) == 6


def test_a_cut_answer_without_a_length_is_noticed(server, remote, get):
    server.plan = [Behaviour(cut=CUT, length=False)]
    assert get(remote) == CONTENT
    assert server.ranges == [None, f"bytes={CUT}-"]


def test_a_server_that_brings_nothing_any_more_is_given_up_and_what_came_is_kept(server, remote, get, tmp_path):
    server.plan = [Behaviour(cut=CUT)]
    server.always = Behaviour(cut=0)
    with pytest.raises(ConnectionError, match=r"file.zip: could not be fetched: .*Run the command again to go on"):
        get(remote)
    assert len(server.requests) == 1 + HASTY.attempts
    assert left(tmp_path) == ["file.zip.part"]
    assert (tmp_path / "file.zip.part").read_bytes() == CONTENT[:KEPT]
    server.always = Behaviour()
    assert get(remote) == CONTENT
    assert server.ranges[-1] == f"bytes={KEPT}-"


def test_attempts_are_counted_anew_after_progress(server, remote, get):
    server.plan = [Behaviour(cut=CUT if n % HASTY.attempts == 0 else 0) for n in range(5 * HASTY.attempts)]
    assert get(remote) == CONTENT


def test_a_server_without_ranges_starts_again_and_says_so(server, remote, get, said):
    server.plan = [Behaviour(cut=CUT)]
    server.always = Behaviour(ranges=False)
    assert get(remote) == CONTENT
    assert server.ranges == [None, f"bytes={KEPT}-"]
    assert any("can't go on in the middle" in line for line in said)


def test_another_range_than_was_asked_for_is_not_used(server, remote, get):
    server.plan = [Behaviour(cut=CUT), Behaviour(shift=7)]
    assert get(remote) == CONTENT
    assert server.ranges == [None, f"bytes={KEPT}-", None]


@pytest.mark.parametrize("wrong", [CONTENT[:-1], CONTENT + b"x"], ids=["shorter", "longer"])
def test_a_wrong_length_is_refused_before_the_transfer(server, remote, get, tmp_path, wrong):
    server.always = Behaviour(body=wrong)
    with pytest.raises(ConnectionError, match=rf"file\.zip: has {len(wrong):,} bytes; expected 700,001"):
        get(remote)
    assert len(server.requests) == 1
    assert left(tmp_path) == []


def test_a_longer_body_without_a_length_is_refused(server, remote, get, tmp_path):
    server.always = Behaviour(body=CONTENT + b"x", length=False)
    with pytest.raises(WrongContentError, match=r"more than the 700,001 bytes that were expected.*--from"):
        get(remote)
    assert left(tmp_path) == []


def test_wrong_bytes_are_refused_and_not_kept(server, remote, get, tmp_path):
    wrong = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    server.always = Behaviour(body=wrong)
    found = hashlib.sha256(wrong).hexdigest()
    with pytest.raises(
        WrongContentError, match=rf"{server.url('file.zip')}: SHA-256 {found}; expected {remote.sha256}"
    ):
        get(remote)
    assert len(server.requests) == 1
    assert left(tmp_path) == []


@pytest.mark.parametrize("size", [1, 5000, len(CONTENT), len(CONTENT) + 1])
def test_a_beginning_of_another_file_is_dropped(server, remote, get, tmp_path, size):
    (tmp_path / "file.zip.part").write_bytes(bytes(size))
    assert get(remote) == CONTENT
    assert server.ranges[-1] is None


def test_a_file_that_an_earlier_call_left_whole_is_not_asked_for(server, remote, get, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT)
    assert get(remote) == CONTENT
    assert server.requests == []


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_not_there_is_an_error_at_once(server, remote, get, tmp_path, status):
    server.always = Behaviour(status=status)
    with pytest.raises(ConnectionError, match=f"file.zip: the server answered {status}"):
        get(remote)
    assert len(server.requests) == 1
    assert left(tmp_path) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server, remote, get, said, status):
    server.plan = [Behaviour(status=status), Behaviour(status=status)]
    assert get(remote) == CONTENT
    assert len(server.requests) == 3
    assert f"the server is busy ({status})" in said[0]


def test_retry_after_is_obeyed(server, remote, get, monkeypatch):
    slept = []
    monkeypatch.setattr(fetching.time, "sleep", slept.append)
    server.plan = [Behaviour(status=429, headers={"Retry-After": "7"}), Behaviour(status=503)]
    assert get(remote, replace(HASTY, longest=10)) == CONTENT
    assert slept == [7, HASTY.pause * 4]


def test_retry_after_may_be_a_date(server, remote, get, monkeypatch):
    slept = []
    monkeypatch.setattr(fetching.time, "sleep", slept.append)
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    server.plan = [Behaviour(status=429, headers={"Retry-After": email.utils.format_datetime(then, usegmt=True)})]
    assert get(remote, replace(HASTY, longest=4000)) == CONTENT
    assert 3000 < slept[0] <= 3600


@pytest.mark.parametrize("header", ["soon", "-3"])
def test_a_retry_after_that_says_nothing_is_passed_over(server, remote, get, header):
    server.plan = [Behaviour(status=429, headers={"Retry-After": header})]
    assert get(remote) == CONTENT


def test_a_server_that_asks_for_too_much_patience_is_given_up(server, remote, get):
    server.always = Behaviour(status=429, headers={"Retry-After": "86400"})
    with pytest.raises(ConnectionError, match=r"busy \(429\) and asks to come back in 86400 s"):
        get(remote)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_followed_also_in_the_middle(server, remote, get, status):
    server.files["/moved.zip"] = CONTENT
    moved = Behaviour(status=status, headers={"Location": "/moved.zip"})
    server.plan = [moved, Behaviour(cut=CUT), moved, Behaviour()]
    assert get(remote) == CONTENT
    assert server.requests[-1] == ("/moved.zip", f"bytes={KEPT}-")


def test_a_circle_of_redirects_ends(server, remote, get):
    server.always = Behaviour(status=302, headers={"Location": "/file.zip"})
    with pytest.raises(ConnectionError, match="redirects in circles"):
        get(remote)


def test_a_server_that_never_answers_is_given_up(server, remote, get):
    server.always = Behaviour(silent=True)
    with pytest.raises(ConnectionError, match="the server is silent"):
        get(remote, replace(HASTY, answer=0.05, attempts=2))
    assert len(server.requests) == 2


def test_a_server_that_falls_silent_is_gone_on_with(server, remote, get):
    server.plan = [Behaviour(cut=CUT), Behaviour(silent=True)]
    assert get(remote, replace(HASTY, answer=1)) == CONTENT
    assert server.ranges[:3] == [None, f"bytes={KEPT}-", f"bytes={KEPT}-"]


def test_nobody_at_the_address(get):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    remote = Remote("file.zip", (f"http://127.0.0.1:{port}/file.zip",), 5, "0" * 64)
    with pytest.raises(ConnectionError, match="the server refuses connections"):
        get(remote)


def test_a_second_server_helps_where_the_first_fails_and_goes_on_where_it_stopped(server, remote, get, said):
    mirrored = replace(remote, urls=(server.url("gone.zip"), *remote.urls))
    assert get(mirrored) == CONTENT
    assert any("404" in line and f"Trying {remote.urls[0]}" in line for line in said)


@pytest.mark.parametrize("first", [CONTENT[:-1], CONTENT[:-1] + b"?"], ids=["length", "bytes"])
def test_a_second_server_helps_where_the_first_has_another_file(server, remote, get, first):
    server.files["/first.zip"] = first
    assert get(replace(remote, urls=(server.url("first.zip"), *remote.urls))) == CONTENT


def test_offline_nothing_is_asked(server, remote, get, tmp_path, monkeypatch):
    monkeypatch.setenv("CINCGAN_OFFLINE", "1")
    with pytest.raises(ConnectionError, match=r"file\.zip: CINCGAN_OFFLINE is set, so nothing is fetched"):
        get(remote)
    assert (server.requests, left(tmp_path)) == ([], [])


def test_zero_means_online(server, remote, get, monkeypatch):
    monkeypatch.setenv("CINCGAN_OFFLINE", "0")
    assert get(remote) == CONTENT


def test_a_file_of_unknown_size_is_fetched_whole_and_never_joined_with_an_earlier_part(server, get, tmp_path):
    remote = replace(server.put("photo.png", CONTENT), size=None, sha256=None)
    (tmp_path / "photo.png.part").write_bytes(b"other")
    server.plan = [Behaviour(cut=CUT)]
    assert get(remote) == CONTENT


def test_a_file_of_unknown_size_has_a_limit(server, get, monkeypatch):
    monkeypatch.setattr(fetching, "LARGEST_PHOTOGRAPH", 1000)
    with pytest.raises(WrongContentError, match="more than the 1,000 bytes"):
        get(replace(server.put("photo.png", CONTENT), size=None, sha256=None))
