"""Watching across cuts, dead managers, silence and changes that are not kept."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from okube.client import watch
from okube.client.api import OkubeClient
from okube.client.retry import Patience
from okube.client.watch import Change, Listed
from okube.model.errors import Gone, InvalidInput, OkubeError, Unreachable
from tests.unit.client.playing import Manager, Received, Reply, nobody, problem

Play = Callable[..., Manager]
Make = Callable[..., Any]

HISTORY: list[dict[str, Any]] = [
    {"type": "put" if revision % 4 else "delete", "revision": revision, "object": {"id": f"t{revision % 3}"}}
    for revision in range(10, 20)
]


def _client(caller: Make, *managers: Manager) -> OkubeClient:
    patience = Patience(5.0, 0.0)
    return OkubeClient(caller(*(m.address for m in managers)), reads=patience, writes=patience, sleep=lambda _: None)


class History:
    """A manager that streams HISTORY; each stream breaks off after so many lines. Keeps what is after ``kept``."""

    def __init__(self, cuts: Iterator[int], kept: int = 0) -> None:
        self.cuts = cuts
        self.kept = kept

    def __call__(self, received: Received) -> Reply:
        assert received.query.get("watch") == "true", received
        since = int(received.query.get("since", "9"))
        if since < self.kept:
            return problem(410, "gone", "not kept")
        return Reply(lines=self._lines(since, next(self.cuts)))

    def _lines(self, since: int, cut: int) -> Iterator[bytes]:
        yield _mark(since)
        for line in [line for line in HISTORY if line["revision"] > since][:cut]:
            yield json.dumps(line).encode()
        raise ConnectionAbortedError


def _mark(revision: int) -> bytes:
    return json.dumps({"type": "mark", "revision": revision}).encode()


def _read(changes: Iterator[Change], count: int) -> list[dict[str, Any]]:
    read = [
        {"type": change.type, "revision": change.revision, "object": change.object}
        for change in itertools.islice(changes, count)
    ]
    changes.close()  # type: ignore[attr-defined]  # it is a generator
    return read


@pytest.mark.parametrize("cuts", [[99], [1], [3], [0, 1], [2, 0, 0, 5]])
def test_a_watch_that_breaks_off_goes_on_without_gap_or_repeat(play: Play, caller: Make, cuts: list[int]) -> None:
    managers = [play(History(itertools.cycle(cuts))) for _ in range(2)]
    assert _read(_client(caller, *managers).watch("tasks", since=9), len(HISTORY)) == HISTORY


def test_filters_and_since_are_passed_on(play: Play, caller: Make) -> None:
    manager = play(History(itertools.repeat(99)))
    _read(_client(caller, manager).watch("services", app="shop", label=["a=1", "b=2"]), 1)
    assert manager.received[0].path == "/v1/services"
    assert manager.received[0].query == {"watch": "true", "app": "shop", "label": "a=1,b=2"}


def test_marks_are_not_shown_and_move_the_place_from_which_it_goes_on(play: Play, caller: Make) -> None:
    def first(_: Received) -> Reply:
        manager.behave = History(itertools.repeat(99))
        return Reply(lines=iter([_mark(9), _mark(14)]))

    manager = play(first)
    assert _read(_client(caller, manager).watch("tasks", since=9), 5) == HISTORY[5:]
    assert [r.query["since"] for r in manager.received] == ["9", "14"]


def test_a_manager_that_falls_silent_is_left(play: Play, caller: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "SILENCE_S", 0.1)
    hold = threading.Event()

    def silent() -> Iterator[bytes]:
        yield _mark(9)
        hold.wait(30)
        raise ConnectionAbortedError

    def first(_: Received) -> Reply:
        manager.behave = History(itertools.repeat(99))
        return Reply(lines=silent())

    manager = play(first)
    assert _read(_client(caller, manager).watch("tasks", since=9), len(HISTORY)) == HISTORY
    hold.set()


def test_changes_that_one_manager_does_not_keep_are_asked_of_another(play: Play, caller: Make) -> None:
    young = play(History(itertools.repeat(99), kept=15))
    old = play(History(itertools.repeat(99)))
    assert _read(_client(caller, young, old).watch("tasks", since=9), len(HISTORY)) == HISTORY


def test_changes_that_nobody_keeps_are_gone(play: Play, caller: Make) -> None:
    managers = [play(History(itertools.repeat(99), kept=15)) for _ in range(3)]
    with pytest.raises(Gone):
        next(_client(caller, *managers).watch("tasks", since=9))
    assert all(len(manager.received) == 1 for manager in managers)


def test_a_manager_that_cannot_be_asked_does_not_keep_a_watch_waiting(play: Play, caller: Make) -> None:
    young = play(History(itertools.repeat(99), kept=15))
    client = OkubeClient(caller(young.address, nobody()), reads=Patience(0.5, 0.0), sleep=lambda _: None)
    with pytest.raises(Gone):
        next(client.watch("tasks", since=9))


def test_what_cannot_be_opened_at_first_is_an_error_and_later_only_trouble(play: Play, caller: Make) -> None:
    with pytest.raises(Unreachable):
        next(OkubeClient(caller(nobody()), reads=Patience(0.2, 0.0), sleep=lambda _: None).watch("tasks"))
    troubles: list[OkubeError | None] = []
    manager = play(History(itertools.repeat(4)))
    refusals = iter([problem(503, "no-quorum", "no leader", Retry_After="0")] * 50)
    working = manager.behave
    client = OkubeClient(caller(manager.address), reads=Patience(0.2, 0.0), sleep=lambda _: None)
    changes = client.watch("tasks", since=9, on_trouble=troubles.append)
    read = [next(changes) for _ in range(4)]
    manager.behave = lambda received: next(refusals, None) or working(received)
    read += itertools.islice(changes, 6)
    changes.close()  # type: ignore[attr-defined]  # it is a generator
    assert [change.revision for change in read] == [line["revision"] for line in HISTORY]
    assert troubles[-1] is None
    assert {type(trouble).__name__ for trouble in troubles[:-1]} == {"NoQuorum"}


def test_a_watch_that_is_refused_ends(play: Play, caller: Make) -> None:
    manager = play(lambda _: problem(422, "invalid", "query: state: 'x' is no state"))
    with pytest.raises(InvalidInput, match="is no state"):
        next(_client(caller, manager).watch("tasks", state="x"))


def test_following_begins_with_the_list_and_begins_anew_where_changes_were_lost(play: Play, caller: Make) -> None:
    streams = History(itertools.chain([3], itertools.repeat(99)))
    lists = iter([9, 15])

    def behave(received: Received) -> Reply:
        if "watch" in received.query:
            reply = streams(received)
            streams.kept = 15
            return reply
        revision = next(lists)
        return Reply(200, [{"id": "t1", "seen": revision}], {"Okube-Revision": str(revision)})

    followed = _client(caller, play(behave)).follow("tasks", service="web")
    read = list(itertools.islice(followed, 9))
    followed.close()  # type: ignore[attr-defined]  # it is a generator
    assert read[0] == Listed([{"id": "t1", "seen": 9}], 9)
    assert [change.revision for change in read[1:4] if isinstance(change, Change)] == [10, 11, 12]
    assert read[4] == Listed([{"id": "t1", "seen": 15}], 15)
    assert [change.revision for change in read[5:] if isinstance(change, Change)] == [16, 17, 18, 19]
