"""What processes say to one another when something goes wrong; here one process plays its part alone."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch.distributed as dist

from hl_cli.errors import BadInput, LostRank
from hl_cli.learners.local import Local
from hl_cli.parallel import heartbeat as heartbeat_module
from hl_cli.parallel import rendezvous as meeting
from hl_cli.parallel.command import Command
from hl_cli.parallel.heartbeat import Heartbeat, home
from hl_cli.parallel.rendezvous import rendezvous
from hl_cli.parallel.world import World
from tests.chains import learner_of, net_of, samples


@pytest.fixture
def pair() -> Iterator[World]:
    """Rank 0 of two; the other one's heart beats, and it says nothing."""
    store = dist.TCPStore("127.0.0.1", 0, 1, True)
    other = Heartbeat(store.clone(), 1, 2)
    world = World(0, 2, store)
    yield world
    assert world._heartbeat is not None
    for heartbeat in (world._heartbeat, other):
        heartbeat.stop()


def raises(error: BaseException) -> Callable[..., Any]:
    def raise_it(*given: Any) -> None:
        raise error

    return raise_it


def test_an_error_among_the_living_keeps_its_text(pair: World) -> None:
    with pytest.raises(LostRank, match="all of which are alive: the tensor is too big") as lost, pair.waiting():
        raise RuntimeError("the tensor\n  is too big")
    assert pair.lost
    with pytest.raises(LostRank) as again, pair.waiting():  # it is known, and not looked for again
        raise lost.value
    assert again.value is lost.value


def test_one_that_goes_after_the_end_is_not_missed(pair: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Command] = []

    def lead(order: Command, steps: int = 0) -> None:
        asked.append(order)
        raise LostRank("the death of rank 1")

    monkeypatch.setattr(pair, "lead", lead)
    with pair.leading():
        done = True
    assert done and asked == [Command.END]


@pytest.mark.parametrize("where", ["broadcast", "open_channel", "gather_objects", "agree"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)])
def test_who_breaks_off_while_others_enlist_says_so(
    error: BaseException, where: str, pair: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("broadcast", "open_channel", "gather_objects", "agree"):
        monkeypatch.setattr(pair, name, lambda *given: [])
    monkeypatch.setattr(pair, where, raises(error))
    with pytest.raises(type(error)):
        pair.enlist(None)
    assert pair.lost and pair._heartbeat is not None
    assert pair._heartbeat.missing("") == "rank 0, which broke off"


def test_bad_input_of_another_rank_leaves_all_in_step(pair: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, said in (
        ("broadcast", None),
        ("open_channel", None),
        ("gather_objects", ["", "rank 1: no"]),
        ("agree", 1),
    ):
        monkeypatch.setattr(pair, name, lambda *given, said=said: said)
    with pytest.raises(BadInput, match="rank 1: no"):
        pair.enlist(None)
    assert not pair.lost


def test_a_learner_is_alone_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    learner = learner_of(Local, net_of(2))
    learner.step(samples(1)[0])
    assert learner.world.size == 1
    with pytest.raises(BadInput, match="without RANK, MASTER_ADDR, MASTER_PORT"):
        rendezvous()


class Slow:
    """A store that takes its time, as one does under load."""

    def __init__(self, store: Any) -> None:
        self.store, self.asked = store, threading.Event()

    def add(self, key: str, amount: int) -> int:
        if amount == 1 and threading.current_thread().name == "heartbeat":
            self.asked.set()
            time.sleep(0.5)
        return self.store.add(key, amount)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_the_heartbeat_has_ended_once_it_is_stopped() -> None:
    """A thread that is still within the store when Python ends aborts the process."""
    store = Slow(dist.HashStore())
    store.clone = lambda: store.store
    heartbeat = Heartbeat(store, 0, 1)
    assert store.asked.wait(60)
    heartbeat.stop()
    assert "heartbeat" not in [thread.name for thread in threading.enumerate()]


def test_a_rank_that_hangs_is_named_and_killed(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat_module, "BEAT", 0.05)
    store = dist.TCPStore("127.0.0.1", 0, 1, True)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        process.send_signal(signal.SIGSTOP)
        store.set("process/1", f"{process.pid} {home()}")  # it has begun, and counts no longer
        store.add("heartbeat/1", 5)
        heartbeat = Heartbeat(store.clone(), 0, 2)
        try:
            assert process.wait(60) == -signal.SIGKILL
        finally:
            process.kill()
        assert heartbeat.missing("the connection broke").startswith("rank 1, which gave no sign of life for")
        heartbeat.stop()
    said = capfd.readouterr().err
    assert said.count("\n") == 1 and f"(process {process.pid}), is ended, and the run with it" in said


def test_a_rank_that_has_left_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat_module, "BEAT", 0.01)
    store = dist.TCPStore("127.0.0.1", 0, 1, True)
    other = Heartbeat(store.clone(), 1, 2)
    other.stop()
    heartbeat = Heartbeat(store.clone(), 0, 2)
    while store.add("heartbeat/0", 0) < 3 * heartbeat_module.HUNG:
        time.sleep(0.01)
    heartbeat.stop()
    assert not store.check([heartbeat_module.FOUND])


def test_a_store_of_ours_listens_at_its_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("needs a second loopback address")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name, value in (("MASTER_PORT", str(port)), ("WORLD_SIZE", "1"), ("RANK", "0")):
        monkeypatch.setenv(name, value)
    store = meeting._store("127.0.0.1", True)
    store.set("key", "value")
    socket.create_connection(("127.0.0.1", port)).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port))
