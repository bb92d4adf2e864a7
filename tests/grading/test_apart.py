"""An answer in a process of its own: values, gradients and changes cross over, and the doors are locked."""

import io
import os
import sys
import threading

import pytest
import torch
from torch import nn

from cincgan_tutorial.grading.apart import wire
from cincgan_tutorial.grading.apart.guard import Refusal
from cincgan_tutorial.grading.apart.wire import Opaque, Packer, Unpacker, WrongMessage
from cincgan_tutorial.grading.away import Away, Fault
from cincgan_tutorial.grading.isolation import Apart, Gone
from cincgan_tutorial.grading.laws import Log

ANSWERS = """
import torch
from torch import nn
from typing import NamedTuple

class Pair(NamedTuple):
    first: object
    second: object

def power(x, p=2):
    return (x.abs() ** p).mean()
def pair(x):
    return Pair(x + 1, {"n": [1, 2.5, None, True, "a"], "t": (x.shape, x.dtype)})
def in_place(x):
    return x.mul_(2)
def step(net, optimizer, x, log=None):
    optimizer.zero_grad()
    loss = net(x).square().mean()
    loss.backward()
    optimizer.step()
    if log is not None:
        log.append("stepped")
    return loss.detach()
def loss_of(net, other, x):
    return net(x).square().mean() + other(x).detach().mean()
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.tail = nn.Conv2d(width, 3, 3, padding=1)
    def forward(self, x):
        return x + self.tail(self.body(x))
def plain_net():
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU())
def noisy(x, generator=None):
    return x + torch.randn(x.shape, generator=generator)
def adder(n):
    return lambda x: x + n
def fails(x):
    raise ValueError("too dark")
def odd(x):
    return object()
"""


@pytest.fixture(scope="module")
def apart():
    with Apart(seconds=900, call_seconds=300) as made:
        assert made.load([("cell 1", ANSWERS)], ["power", "nothing"]) == ([], ["power"])
        yield made


@pytest.fixture
def away(apart):
    return lambda name: Away(apart, name, name)


def test_values_cross(away):
    x = torch.rand(2, 3)
    result = away("pair")(x)
    assert torch.equal(result.first, x + 1)
    assert result.second == {"n": [1, 2.5, None, True, "a"], "t": ((2, 3), torch.float32)}
    assert away("adder")(2)(torch.ones(1)).item() == 3
    assert isinstance(away("odd")(x), Opaque)


def test_gradients_cross_back(away):
    x = torch.rand(4, requires_grad=True)
    away("power")(x * 3).backward()
    torch.testing.assert_close(x.grad, 18 * x.detach() / 4)
    with torch.no_grad():
        assert not away("power")(x).requires_grad


def test_changes_in_place_come_back(away):
    x = torch.ones(2)
    assert away("in_place")(x) is x
    assert x.tolist() == [2, 2]


def test_a_training_step_moves_the_judges_own_network(away):
    x, log = torch.rand(2, 3, 4, 4), Log()
    here, there = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
    there.load_state_dict(here.state_dict())
    ours, theirs = torch.optim.Adam(here.parameters(), 0.1), torch.optim.Adam(there.parameters(), 0.1)
    for _ in range(3):
        ours.zero_grad()
        loss = here(x).square().mean()
        loss.backward()
        ours.step()
        torch.testing.assert_close(away("step")(there, theirs, x, log), loss.detach())
    torch.testing.assert_close(there.weight, here.weight)
    torch.testing.assert_close(there.weight.grad, here.weight.grad)
    assert theirs.state[there.weight]["step"].item() == 3
    assert log == ["stepped"] * 3


def test_gradients_reach_only_the_networks_that_the_answer_moves(away):
    moved, still = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
    away("loss_of")(moved, still, torch.rand(1, 3, 4, 4)).backward()
    assert moved.weight.grad is not None
    assert moved.weight.grad.abs().max() > 0
    assert still.weight.grad is None


def test_a_network_is_seen_and_set_and_differentiated_from_here(away):
    net = away("Net")(5)
    x = torch.rand(2, 3, 6, 6)
    assert [type(part).__name__ for part in net.modules()][1:] == [
        "Sequential",
        "Conv2d",
        "BatchNorm2d",
        "ReLU",
        "Conv2d",
    ]
    assert isinstance(net.body[1], nn.BatchNorm2d)
    assert net.tail.kernel_size == (3, 3)
    assert sum(p.numel() for p in net.parameters()) == 3 * 5 * 9 + 5 + 10 + 5 * 3 * 9 + 3
    result = net(x)
    result.square().mean().backward()
    assert net.tail.weight.grad.abs().max() > 0
    assert net.body[1].num_batches_tracked.item() == 1
    twin = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 3, 3, padding=1))
    twin.load_state_dict(dict(zip(twin.state_dict(), net.state_dict().values(), strict=True)))
    torch.testing.assert_close(net.eval()(x), x + twin.eval()(x))
    with torch.no_grad():
        for parameter in net.tail.parameters():
            parameter.zero_()
    assert torch.equal(net(x), x)
    assert not net.tail.training
    assert len(away("plain_net")()) == 2


def test_chance_is_the_same_on_both_sides(away):
    x = torch.zeros(5)
    torch.manual_seed(3)
    there = [away("noisy")(x), torch.randn(2)]
    torch.manual_seed(3)
    assert torch.equal(there[0], torch.randn(5))
    assert torch.equal(there[1], torch.randn(2))
    generator, twin = torch.Generator().manual_seed(4), torch.Generator().manual_seed(4)
    assert torch.equal(away("noisy")(x, generator=generator), torch.randn(5, generator=twin))
    assert torch.equal(generator.get_state(), twin.get_state())


def test_an_error_keeps_its_kind_words_and_line(away):
    with pytest.raises(ValueError, match="too dark") as caught:
        away("fails")(torch.ones(1))
    assert caught.value.__notes__ == ['cell 1, line 40: raise ValueError("too dark")']


def test_a_law_that_passes_what_can_not_cross_is_the_graders_fault(away):
    with pytest.raises(Fault, match="this law passes"):
        away("power")(lambda: 1)


def test_pasts_that_nobody_needs_are_dropped(apart, away):
    away("power")(torch.ones(1, requires_grad=True))
    assert len(apart.dropped) >= 1


DOORS = {
    "socket": ("import socket; socket.socket()", "network"),
    "address": ("import socket; socket.getaddrinfo('localhost', 80)", "network"),
    "write": ("open('../escaped', 'w')", "outside its own folder"),
    "delete": ("import os; os.remove('/etc/hostname')", "outside its own folder"),
    "tree": ("import shutil; shutil.rmtree('/nowhere')", "outside its own folder"),
    "program": ("import subprocess; subprocess.run(['true'])", "another program"),
    "shell": ("import os; os.system('true')", "another program"),
    "library": ("import ctypes; ctypes.CDLL('libc.so.6')", "below Python"),
    "import": ("import cincgan_tutorial.losses", "imports cincgan_tutorial"),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_door_is_locked(apart, away, door):
    code, reason = DOORS[door]
    assert apart.load([("cell 2", f"def door_{door}():\n    {code}")], [f"door_{door}"])[0] == []
    with pytest.raises(Refusal, match=reason):
        away(f"door_{door}")()
    assert apart.alive


def test_a_refusal_can_not_be_swallowed_by_except_exception(apart, away):
    code = "def quiet():\n    try:\n        open('/escaped', 'w')\n    except Exception:\n        return 1"
    apart.load([("cell 3", code)], ["quiet"])
    with pytest.raises(Refusal, match="outside"):
        away("quiet")()


def test_its_own_folder_is_open_and_goes_with_it(apart, away):
    apart.load(
        [("cell 4", "def note():\n    open('note.txt', 'w').write('x')\n    return open('note.txt').read()")], []
    )
    assert away("note")() == "x"


def test_the_library_function_may_not_run_though_it_was_imported_before(apart):
    assert not apart.load(
        [("cell 5", "import cincgan_tutorial as c\ndef tv(x):\n    return [c][0].losses.total_variation(x)")], []
    )[0]
    used = Away(apart, "tv", "tv", ["cincgan_tutorial.losses.total_variation"])
    with pytest.raises(Refusal, match="library's own total_variation"):
        used(torch.ones(1, 3, 4, 4))
    assert Away(apart, "tv", "tv")(torch.ones(1, 3, 4, 4)).item() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="these locks are Linux's")
def test_the_kernels_own_locks_hold_without_the_hook(tmp_path):
    """In a process that has Landlock and the limits of memory, but not the audit hook."""
    import subprocess
    from pathlib import Path

    apart = Path(wire.__file__).parents[1]
    code = (
        f"import sys, os; sys.path.insert(0, {str(apart)!r})\n"
        "from apart import locks\n"
        "print(locks._landlock(os.getcwd()), 'RLIMIT_AS' in locks._limits(2**28, 60))\n"
        "open('inside', 'w').close()\n"
        "try:\n    open('../outside', 'w')\nexcept PermissionError:\n    print('refused')\n"
        "try:\n    bytearray(2**30)\nexcept MemoryError:\n    print('no memory')\n"
    )
    folder = tmp_path / "own"
    folder.mkdir()
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    said = done.stdout.split("\n")
    if said[0] == "False True":
        pytest.skip("this kernel has no Landlock")
    assert said == ["True True", "refused", "no memory", ""]
    assert not (tmp_path / "outside").exists()


def test_an_exit_below_python_ends_only_its_process():
    with Apart(seconds=900, call_seconds=300) as one:
        one.load([("cell 1", "import os\ndef leave():\n    os._exit(7)")], [])
        with pytest.raises(Gone, match="exit status 7"):
            Away(one, "leave", "leave")()
        assert not one.alive
        with pytest.raises(Gone):
            Away(one, "leave", "leave")()


HOSTILE = """
import gc, json, os, struct
def lie(*args):
    far = [thing for thing in gc.get_objects() if type(thing).__name__ == "Far"][0]
    reply = {reply}
    header = json.dumps([reply, {table}]).encode()
    far.outgoing.write(struct.pack("<QQ", len(header), {size}) + header)
    far.outgoing.flush()
    while True:
        pass
"""


@pytest.mark.parametrize(
    ("reply", "table", "size"),
    [
        ("{'passed': True, 'marks': 100}", "[]", 0),
        pytest.param("{'done': {'graph': 1}}", "[]", 0, marks=pytest.mark.slow),
        pytest.param("['all laws hold']", "[]", 0, marks=pytest.mark.slow),
        pytest.param("{'error': [1, 2]}", "[]", 0, marks=pytest.mark.slow),
        pytest.param("{}", "[['float32', [3], False]]", 0, marks=pytest.mark.slow),
        pytest.param("{}", "[['load', [3], False]]", 0, marks=pytest.mark.slow),
        pytest.param("{}", "[]", 2**50, marks=pytest.mark.slow),
    ],
)
def test_a_forged_reply_is_never_a_pass(reply, table, size):
    """The other side writes to the judge by itself: what is no result ends it; there is no word for "passed"."""
    with Apart(seconds=900, call_seconds=300) as one:
        one.load([("cell 1", HOSTILE.format(reply=reply, table=table, size=size))], [])
        with pytest.raises((Gone, Exception)) as caught:
            Away(one, "lie", "lie")(torch.ones(1))
        assert "lie" not in str(caught.value)
        assert isinstance(caught.value, Gone) or "error" in reply


def round_trip(value):
    stream, packer = io.BytesIO(), Packer()
    wire.send(stream, packer.pack(value), packer.tensors)
    stream.seek(0)
    message, tensors = wire.receive(stream)
    return Unpacker(tensors, lambda packed: packed).unpack(message)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(1.5), torch.ones(0, 3), torch.arange(6).reshape(2, 3).mT, torch.ones(2, dtype=torch.bfloat16),
        torch.tensor([True, False]), torch.ones(3).expand(2, 3), torch.tensor([1j]), torch.tensor([float("nan")]),
    ],
)  # fmt: skip
def test_every_kind_of_tensor_crosses(tensor):
    got = round_trip(tensor)
    assert got.dtype == tensor.dtype
    assert torch.equal(torch.nan_to_num(got), torch.nan_to_num(tensor))


def test_plain_values_cross():
    value = {"a": [1, -2.5, float("inf"), None, True, (1, "x")], 3: torch.float16, "d": torch.device("cpu")}
    assert round_trip(value) == value
    assert round_trip(2**100) == 2**100


@pytest.mark.parametrize("cut", [0, 5, 17, 30])
def test_a_message_cut_short_is_noticed(cut):
    stream, packer = io.BytesIO(), Packer()
    wire.send(stream, packer.pack([torch.ones(3)]), packer.tensors)
    with pytest.raises(EOFError):
        wire.receive(io.BytesIO(stream.getvalue()[:cut]))


def test_what_is_no_message_is_refused():
    for raw in (b"\xff" * 64, wire._LENGTHS.pack(3, 0) + b"[1]", wire._LENGTHS.pack(2, 0) + b"{{"):
        with pytest.raises(WrongMessage):
            wire.receive(io.BytesIO(raw))
    with pytest.raises(WrongMessage):
        Unpacker([], lambda packed: None).unpack([1])


def test_threads_and_folders_are_gone_afterwards():
    before = threading.active_count()
    with Apart(seconds=900) as one:
        folder = one._folder.name
        assert os.path.isdir(folder)
    assert not os.path.exists(folder)
    assert threading.active_count() == before
