import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from click.testing import Result

from okube.cli import pump
from okube.cli.exits import Ended
from okube.client.exec import Command, open_exec
from tests.unit.cli.cluster import Cluster, a_service, a_task
from tests.unit.cli.shell import play_shell
from tests.unit.cli.typist import Typist
from tests.unit.client.playing import Certificates, Manager, Received, Reply, new_caller, problem

Okube = Callable[..., Result]
Types = Callable[..., Typist]


@pytest.fixture
def shells(okube: Okube, cluster: Cluster, manager: Manager) -> Okube:
    """A cluster whose tasks are this machine."""
    cluster.add(a_service("web", 2), a_task("web.1"), a_task("web.2"))

    def behave(received: Received) -> Reply:
        return play_shell(received) if received.path.endswith("/exec") else cluster(received)

    manager.behave = behave
    return okube


@pytest.fixture
def types(shells: Okube) -> Iterator[Types]:
    made: list[Typist] = []

    def start(*args: str, **options: int) -> Typist:
        made.append(Typist(*args, **options))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for one in made:
        one.close()


def _run(*args: str, typed: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "okube.cli.main", *args]
    return subprocess.run(command, input=typed, capture_output=True, timeout=60, check=False)


def test_each_stream_of_the_command_goes_to_its_own_and_its_status_is_passed_on(shells: Okube) -> None:
    done = _run("exec", "web.1", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"err\n")


def test_bytes_go_in_and_come_out_as_they_are(shells: Okube) -> None:
    data = os.urandom(3_000_000)
    done = _run("exec", "-i", "web.1", "--", "cat", typed=data)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == data


def test_without_i_nothing_of_stdin_is_taken(shells: Okube) -> None:
    assert _run("exec", "web.1", "cat", typed=b"secret").stdout == b""


def test_of_a_service_a_ready_task_is_taken(shells: Okube, cluster: Cluster, manager: Manager) -> None:
    cluster.tasks[0] |= {"ready": False}
    assert _run("exec", "web", "--", "true").returncode == 0
    assert manager.received[-1].path == f"/v1/tasks/{cluster.tasks[1]['id']}/exec"


def test_a_terminal_has_its_size_also_after_it_changes(types: Types) -> None:
    typist = types("exec", "-it", "web.1", "--", "sh", columns=80, rows=24)
    typist.type("stty size\n")
    typist.sees("24 80")
    typist.resize(100, 40)
    typist.type("sleep 0.3; stty size\n")
    typist.sees("40 100")
    typist.type("exit 3\n")
    assert typist.ends() == 3


def test_ctrl_c_goes_to_the_command_inside(types: Types) -> None:
    typist = types("exec", "-it", "web.1", "--", "sh", "-c", "trap 'echo caught; exit 9' INT; echo on; sleep 60 & wait")
    typist.sees("on")
    typist.type("\x03")
    typist.sees("caught")
    assert typist.ends() == 9


@pytest.mark.parametrize("end", ["exit", "term", "cut"])
def test_the_terminal_is_as_before_however_it_ends(types: Types, manager: Manager, end: str) -> None:
    typist = types("exec", "-it", "web", "--", "sh", "-c", "echo ready; exec cat")
    typist.sees("ready")
    assert typist.settings() != typist.before
    if end == "exit":
        typist.type("\x04")
    elif end == "term":
        typist.signal(signal.SIGTERM)
    else:
        manager.drop_connections()
    status = typist.ends()
    assert typist.settings() == typist.before
    assert status == {"exit": 0, "term": 143, "cut": 3}[end]


def test_a_connection_that_is_silent_for_long_is_given_up(
    shells: Okube, manager: Manager, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def silent(_: ssl.SSLSocket) -> None:
        ended.wait(30)

    def behave(received: Received) -> Reply:
        return Reply(headers=play_shell(received).headers, speak=silent)

    manager.behave = behave
    monkeypatch.setattr(pump, "_PING_S", 0.05)
    monkeypatch.setattr(pump, "_DEAD_S", 0.2)
    with closing(new_caller(certificates, manager.address)) as caller:
        running = open_exec(caller, "web1", Command(("sh",)))
        with closing(running), pytest.raises(Ended, match="the connection to the task broke off"):
            pump.Pump(running, stdin=None, stdout=1, stderr=2).run()
    ended.set()


def test_a_terminal_is_asked_for_only_where_there_is_one(shells: Okube) -> None:
    done = _run("exec", "-it", "web.1", "--", "sh")
    assert done.returncode == 2
    assert b"-t needs a terminal" in done.stderr


def test_what_the_cluster_refuses_is_said(shells: Okube, cluster: Cluster, manager: Manager) -> None:
    def behave(received: Received) -> Reply:
        if received.path.endswith("/exec"):
            return problem(409, "conflict", "web.1 does not run: it is restarting in 4 s")
        return cluster(received)

    manager.behave = behave
    done = _run("exec", "web.1", "--", "ls")
    assert (done.returncode, done.stderr) == (1, b"okube: web.1 does not run: it is restarting in 4 s\n")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("wbe", "there is no service and no task wbe; did you mean web?"),
        ("web.3", "there is no task web.3; did you mean web.2?"),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_the_likely_one(shells: Okube, name: str, hint: str) -> None:
    assert hint in shells("exec", name, "--", "ls").stderr


def test_a_service_without_a_running_task_says_what_its_tasks_are(shells: Okube, cluster: Cluster) -> None:
    cluster.tasks = [a_task("web.1", "pending", message="no node fits: 3 nodes: full")]
    result = shells("exec", "web", "--", "ls")
    assert result.exit_code == 1
    assert "no task of web runs now: web.1 is pending: no node fits: 3 nodes: full" in result.stderr
