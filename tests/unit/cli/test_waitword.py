import threading
from collections.abc import Callable

import pytest

from okube.cli.waitword import Word, what_is_missing
from okube.client.api import OkubeClient
from okube.client.retry import Caller
from tests.unit.cli.cluster import STATUS, Cluster
from tests.unit.client.playing import Behaviour, Certificates, Manager, problem


def test_a_call_that_takes_long_is_told_about_once() -> None:
    told: list[str] = []
    heard = threading.Event()

    def say(sentence: str) -> None:
        told.append(sentence)
        heard.set()

    word = Word(lambda: "waiting", say, after_s=0.0)
    for _ in range(2):
        with word.around():
            assert heard.wait(30)
    assert told == ["waiting"]


def test_nothing_is_said_of_a_call_that_is_over() -> None:
    told: list[str] = []
    looks, over = threading.Event(), threading.Event()

    def look() -> str:
        looks.set()
        over.wait(30)
        return "waiting"

    word = Word(look, told.append, after_s=0.0)
    before = set(threading.enumerate())
    with word.around():
        assert looks.wait(30)
    (thread,) = set(threading.enumerate()) - before
    over.set()
    thread.join(30)
    assert told == []


@pytest.mark.parametrize(
    ("quorum", "states", "sentence"),
    [
        (False, ("ready", "down", "down"), "waiting for a leader: 1 of 3 managers answers"),
        (False, ("ready", "ready", "down"), "waiting for a leader: 2 of 3 managers answer"),
        (True, ("ready", "ready", "ready"), "waiting for an answer: m1 leads, and takes its time"),
    ],
)
def test_what_is_missing_is_asked_of_a_manager_that_lives(
    certificates: Certificates,
    cluster: Cluster,
    play: Callable[[Behaviour], Manager],
    quorum: bool,
    states: tuple[str, ...],
    sentence: str,
) -> None:
    managers = [{"name": f"m{n}", "state": state} for n, state in enumerate(states, 1)]
    cluster.status = {**STATUS, "quorum": quorum, "managers": managers}
    assert what_is_missing(_client(certificates, play(cluster))) == sentence


def test_where_nobody_answers_that_is_said(certificates: Certificates, play: Callable[[Behaviour], Manager]) -> None:
    manager = play(lambda _: problem(500, "defect", "a bug"))
    assert what_is_missing(_client(certificates, manager)) == "waiting for an answer: no manager answers"


def _client(certificates: Certificates, manager: Manager) -> OkubeClient:
    from okube.client.credentials import find_credentials

    return OkubeClient(Caller((manager.address,), find_credentials(certificates.admin)))
