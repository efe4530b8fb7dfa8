"""Machines whose clock is wrong: an hour does no harm, and more than that is told in so many words."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster
from tests.lab.edges.caller import Caller
from tests.lab.edges.clocks import wrong_clock

_HINT = "is the clock of this machine right"


@contextlib.contextmanager
def _wrong(cluster: Cluster, offset: str) -> Iterator[list[Path]]:
    """A follower and a worker, and what they say; afterwards the right ones are back."""
    follower = next(name for name in cluster.managers if name != cluster.leader())
    with contextlib.ExitStack() as stack:
        logs = [
            stack.enter_context(_started_with(cluster, offset, *words))
            for words in (("manager", "--name", follower), ("worker", "--name", "w3"))
        ]
        yield logs
    cluster.ok("up", "-d")
    cluster.wait(cluster.complete, "all take part again")


@contextlib.contextmanager
def _started_with(cluster: Cluster, offset: str, *words: str) -> Iterator[Path]:
    name = words[-1]
    cluster.kill(name)
    said = cluster.folder / f"{name}{offset}.log"
    with said.open("w") as output:
        process = subprocess.Popen(
            cluster.command(*words),
            env={**cluster.env(), **wrong_clock(offset)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield said
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("offset", ["-55m", "+1h"])
def test_an_hour_does_no_harm(cluster: Cluster, caller: Caller, offset: str) -> None:
    epoch = cluster.json("status")["epoch"]
    with _wrong(cluster, offset):
        cluster.wait(cluster.complete, "all take part")
    assert cluster.json("status")["epoch"] == epoch


def test_two_hours_are_told_by_who_has_the_wrong_clock_and_the_others_go_on(cluster: Cluster, caller: Caller) -> None:
    epoch = cluster.json("status")["epoch"]
    with _wrong(cluster, "-2h") as logs:
        for said in logs:
            cluster.wait(lambda said=said: _HINT in said.read_text(), "it says what is wrong")  # type: ignore[misc]
            assert "Traceback" not in said.read_text()
        status = cluster.json("status")
        assert (status["quorum"], status["epoch"]) == (True, epoch)


@pytest.mark.parametrize(("offset", "what"), [("-2h", "is not yet valid"), ("+500d", "has expired")])
def test_a_command_tells_of_the_clock_too(cluster: Cluster, caller: Caller, offset: str, what: str) -> None:
    fake = wrong_clock(offset)
    del fake["FAKETIME_DONT_FAKE_MONOTONIC"]  # with it, time.sleep of Python fails
    done = subprocess.run(
        cluster.command("status"), env={**cluster.env(), **fake}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert f"{what}; {_HINT}" in done.stderr
