import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from click.testing import Result

from tests.unit.cli.cluster import STATUS, Cluster, a_service, a_task
from tests.unit.cli.stream import Stream
from tests.unit.cli.typist import Typist
from tests.unit.client.playing import Manager, Received, Reply

Okube = Callable[..., Result]


@pytest.fixture
def stream(okube: Okube, cluster: Cluster, manager: Manager) -> Iterator[Stream]:
    """The tasks of a cluster."""
    one = Stream(key="id")

    def behave(received: Received) -> Reply:
        return one(received) if received.path == "/v1/tasks" else cluster(received)

    manager.behave = behave
    yield one
    one.end()


@pytest.fixture
def types(okube: Okube) -> Iterator[Callable[..., Typist]]:
    made: list[Typist] = []

    def start(*args: str, **options: int) -> Typist:
        made.append(Typist(*args, **options))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for one in made:
        one.close()


def _begin(*args: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "okube.cli.main", *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _end(command: "subprocess.Popen[str]") -> tuple[int, str]:
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=20)
    return command.returncode, said


def test_in_a_pipe_each_change_is_a_line(stream: Stream) -> None:
    stream.put(a_task("web.1"))
    command = _begin("ps", "--watch")
    assert command.stdout is not None
    head, first = command.stdout.readline(), command.stdout.readline()
    assert head.split()[:3] == ["CHANGE", "TASK", "STATE"]
    assert first.split()[:3] == ["now", "web.1", "running"]
    stream.put(a_task("web.2", "pending", message="no node fits: 3 nodes: full"))
    line = command.stdout.readline()
    assert line.split()[:3] == ["new", "web.2", "pending"]
    assert line.index("web.2") == first.index("web.1")
    assert "no node fits: 3 nodes: full" in line
    stream.put(a_task("web.2"))
    assert command.stdout.readline().split()[:3] == ["changed", "web.2", "running"]
    stream.delete(a_task("web.2")["id"])
    assert command.stdout.readline().split()[:3] == ["gone", "web.2", "running"]
    assert _end(command) == (130, "")


def test_json_is_an_object_a_line(stream: Stream) -> None:
    stream.put(a_task("web.1"))
    command = _begin("ps", "-w", "-o", "json")
    assert command.stdout is not None
    first = json.loads(command.stdout.readline())
    assert (first["type"], first["revision"], first["object"]["name"]) == ("put", 11, "web.1")
    stream.delete(a_task("web.1")["id"])
    assert json.loads(command.stdout.readline())["type"] == "delete"
    assert _end(command) == (130, "")


def test_on_a_terminal_the_list_changes_in_place(stream: Stream, types: Callable[..., Typist]) -> None:
    stream.put(a_task("web.1"))
    typist = types("ps", "--watch")
    typist.sees("web.1  running")
    stream.put(a_task("web.1", "failed"))
    typist.sees("web.1  failed")
    assert len(typist.lines) == 2
    stream.put(a_task("db.1"))
    typist.sees(lambda lines: len(lines) == 3 and lines[1].startswith("db.1"))
    typist.type("\x03")
    assert typist.ends() == 130
    assert typist.settings() == typist.before
    assert b"\x1b[?25h" in typist.written.rpartition(b"\x1b[?1049l")[0][-20:]
    assert "db.1" in typist.text  # the last frame stays


def test_a_long_list_is_cut_to_the_screen_also_after_its_size_changes(
    stream: Stream, types: Callable[..., Typist]
) -> None:
    for number in range(1, 31):
        stream.put(a_task(f"web.{number}"))
    typist = types("ps", "--watch", rows=12)
    typist.sees("… 20 more")
    assert len(typist.lines) == 12
    typist.resize(80, 20)
    typist.sees("… 12 more")
    typist.resize(40, 8)
    typist.sees("… 24 more")
    assert max(map(len, typist.lines)) <= 40


def test_rows_of_two_lines_are_counted_as_rows(stream: Stream, types: Callable[..., Typist]) -> None:
    why = "no node fits: 3 nodes: memory 64.0 GiB asked, the largest node has 8.0 GiB"
    for number in range(1, 21):
        stream.put(a_task(f"web.{number}", "pending", message=why))
    typist = types("ps", "--watch", rows=12)
    typist.sees("… 15 more")
    assert len(typist.lines) == 12


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(stream: Stream, types: Callable[..., Typist]) -> None:
    stream.put(a_task("web.1"))
    typist = types("ps", "--watch")
    typist.sees("web.1")
    typist.type("\x1a")
    typist.sees(lambda _: typist.written.endswith(b"\x1b[?1049l"))
    typist.sees(lambda _: typist.stopped)  # one that has not stopped yet would not be woken
    typist.signal(signal.SIGCONT)
    typist.sees(lambda _: typist.written.rpartition(b"\x1b[?1049l")[2].startswith(b"\x1b[?1049h"))
    stream.put(a_task("web.2"))
    typist.sees("web.2")


def test_when_nobody_answers_the_screen_says_so(stream: Stream, types: Callable[..., Typist], manager: Manager) -> None:
    stream.put(a_task("web.1"))
    typist = types("ps", "--watch")
    typist.sees("web.1")
    manager.stop()
    stream.end()
    typist.sees("what is shown may be old")
    assert "web.1" in typist.text


def test_a_refusal_is_said_on_the_usual_screen(okube: Okube, types: Callable[..., Typist]) -> None:
    typist = types("ps", "--watch", "--manager", "https://127.0.0.1:1")
    assert typist.ends() == 3
    assert b"\x1b[?1049h" not in typist.written
    assert "no manager answered" in typist.text


def test_the_status_is_drawn_again(cluster: Cluster, types: Callable[..., Typist], okube: Okube) -> None:
    cluster.status = dict(STATUS)
    typist = types("status", "--watch")
    typist.sees("leader    m1")
    cluster.status = {**STATUS, "leader": "m2"}
    typist.sees("leader    m2")


def test_the_status_in_a_pipe_is_a_line_for_each_change(okube: Okube, cluster: Cluster) -> None:
    command = _begin("status", "--watch")
    assert command.stdout is not None
    assert command.stdout.readline() == (
        "quorum; m1 leads in epoch 1.3; 2 managers ready; nodes 3 ready; tasks 5 running, 1 pending\n"
    )
    cluster.status = {**STATUS, "revision": 121}
    cluster.status = {**STATUS, "quorum": False, "leader": None}
    assert command.stdout.readline().startswith("no quorum; no one leads in epoch 1.3")
    assert _end(command) == (130, "")


def test_services_are_filtered_by_the_node_of_their_tasks(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web"), a_task("web.1", node="w1"))
    cluster.add(a_service("db"), a_task("db.1", node="w2"))
    assert [s["name"] for s in json.loads(okube("services", "--node", "w2", "-o", "json").stdout)] == ["db"]


def test_tasks_are_filtered_by_the_labels_of_their_service(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web", labels={"team": "a"}), a_task("web.1"))
    cluster.add(a_service("db", labels={"team": "b"}), a_task("db.1"))
    assert [t["name"] for t in json.loads(okube("ps", "--label", "team=b", "-o", "json").stdout)] == ["db.1"]
