import json
import threading
from collections.abc import Callable, Iterator

import pytest

from okube.client.api import OkubeClient
from okube.client.logs import Line
from okube.client.retry import Caller, Patience
from okube.model.errors import Conflict
from tests.unit.client.playing import Manager, Received, Reply, problem

Play = Callable[..., Manager]
Make = Callable[..., Caller]
WRITTEN = [(1, "one"), (2, "two"), (2, "two"), (2, "also two"), (3, "three"), (4, "four")]


def _line(time_ms: int, text: str) -> bytes:
    return json.dumps({"time_ms": time_ms, "stream": "stdout", "text": text}).encode()


def _client(caller: Make, *managers: Manager) -> OkubeClient:
    patience = Patience(20.0, 0.0)
    return OkubeClient(caller(*(m.address for m in managers)), reads=patience, writes=patience, sleep=lambda _: None)


def _texts(lines: Iterator[Line]) -> list[str]:
    return [line.text for line in lines]


class Task:
    """A task that has written WRITTEN; each stream of it ends as ``ends`` says: after so many lines, cut off or not."""

    def __init__(self, ends: list[tuple[int, bool]], state: str = "completed") -> None:
        self.ends = ends
        self.state = state

    def __call__(self, received: Received) -> Reply:
        if not received.path.endswith("/logs"):
            return Reply(200, {"name": "web.1", "state": self.state if not self.ends else "running"})
        since = int(received.query.get("since", "0"))
        count, cut = self.ends.pop(0)
        return Reply(lines=self._lines([w for w in WRITTEN if w[0] >= since][:count], cut))

    def _lines(self, written: list[tuple[int, str]], cut: bool) -> Iterator[bytes]:
        for time_ms, text in written:
            yield _line(time_ms, text)
        if cut:
            raise ConnectionAbortedError


EVERYTHING = [text for _, text in WRITTEN]


def test_a_log_is_read_to_its_end(play: Play, caller: Make) -> None:
    manager = play(Task([(99, False)]))
    assert _texts(_client(caller, manager).logs("web.1", tail=10, since_ms=1)) == EVERYTHING
    assert manager.received[0].query == {"tail": "10", "since": "1"}


@pytest.mark.parametrize("follow", [True, False])
@pytest.mark.parametrize("cuts", [[1], [2], [3], [4, 2], [1, 1, 1, 3], [0, 5], [6]])
def test_a_stream_that_breaks_off_goes_on_without_gap_or_repeat(
    play: Play, caller: Make, follow: bool, cuts: list[int]
) -> None:
    task = Task([*((count, True) for count in cuts), (99, False)])
    assert _texts(_client(caller, play(task)).logs("web.1", follow=follow)) == EVERYTHING


def test_a_follower_goes_on_while_the_task_has_not_ended(play: Play, caller: Make) -> None:
    task = Task([(2, False), (3, False), (99, False)])
    assert _texts(_client(caller, play(task)).logs("web.1", follow=True)) == EVERYTHING


def test_a_follower_moves_to_another_manager_when_its_own_dies(play: Play, caller: Make) -> None:
    hold = threading.Event()

    def held() -> Iterator[bytes]:
        yield _line(1, "one")
        hold.wait(30)
        raise ConnectionAbortedError

    first = play(lambda r: Reply(lines=held()) if r.path.endswith("/logs") else Reply(200, {"state": "running"}))
    second = play(Task([(99, False)]))
    lines = _client(caller, first, second).logs("web.1", follow=True)
    read = [next(lines).text]
    hold.set()
    first.stop()
    read += _texts(lines)
    assert read == EVERYTHING


def test_empty_lines_only_show_that_the_stream_lives(play: Play, caller: Make) -> None:
    manager = play(lambda _: Reply(lines=iter([b"", _line(1, "one"), b"", b" "])))
    assert _texts(_client(caller, manager).logs("web.1")) == ["one"]


def test_a_task_without_a_log_is_refused_with_the_reason(play: Play, caller: Make) -> None:
    manager = play(lambda _: problem(409, "conflict", "web.1 has no logs yet: it is pending"))
    with pytest.raises(Conflict, match="it is pending"):
        next(_client(caller, manager).logs("web.1", follow=True))
