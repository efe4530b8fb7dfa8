"""Bad input and trouble, as a user types it: one clear error, the right exit status, nothing half done."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster, Finished
from tests.lab.conftest import DockerEngine

_SLEEPER = ("--", "sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: DockerEngine) -> Iterator[Cluster]:
    made = Cluster(
        tmp_path_factory.mktemp("trouble"),
        runtime="docker",
        docker_host=docker_engine.base_url,
        managers=1,
        workers=2,
        node_down_after="12s",
    )
    try:
        made.up()
        yield made
    finally:
        made.destroy()


@pytest.fixture
def cluster(running: Cluster) -> Cluster:
    """The cluster without services."""
    services = [service["name"] for service in running.json("services")]
    if services:
        running.ok("rm", *services)
    return running


def _refused(done: Finished, status: int, *words: str) -> None:
    """It failed as a person should see it: the status, few lines on stderr, nothing on stdout, no trace."""
    assert done.status == status, done
    assert done.out == "", done
    assert "Traceback" not in done.err, done
    assert done.err.startswith("okube: ") or "\nokube: " in done.err or "Error" in done.err, done
    for word in words:
        assert word in done.err, done


def test_a_task_that_fits_nowhere_says_what_is_missing_and_is_placed_when_room_comes(
    cluster: Cluster, docker_engine: DockerEngine
) -> None:
    image = docker_engine.image
    asked = cluster.okube("run", "--image", image, "--name", "big", "--memory", "64G", "--timeout", "2s", *_SLEEPER)
    assert asked.status == 4, asked
    assert "no node fits: 2 nodes: memory 64.0 GiB asked, the largest node has 8.0 GiB" in asked.err
    cluster.ok("run", "--image", image, "--name", "first", "--replicas", "2", "--memory", "7G", *_SLEEPER)
    waiting = cluster.okube("run", "--image", image, "--name", "late", "--memory", "5G", "--timeout", "2s", *_SLEEPER)
    assert waiting.status == 4, waiting
    assert "memory 5.0 GiB asked, 1.0 GiB free at most" in waiting.err
    cluster.ok("rm", "first")
    cluster.wait(lambda: len(cluster.ready("late")) == 1, "late is placed")


def test_an_image_that_cannot_be_pulled_is_named_and_tried_again(cluster: Cluster) -> None:
    done = cluster.okube("run", "--image", "registry.invalid/nope:1", "--name", "noimage", "--timeout", "5s")
    assert done.status == 4, done
    assert "image registry.invalid/nope:1 cannot be pulled on node" in done.err
    (task,) = cluster.tasks("noimage")
    assert task["state"] in ("pending", "scheduled")


def test_a_command_that_the_image_lacks_ends_at_once_where_nothing_will_try_again(
    cluster: Cluster, docker_engine: DockerEngine
) -> None:
    never = cluster.okube(
        "run", "--image", docker_engine.image, "--name", "nocmd", "--restart", "never", "--", "no-such-command"
    )
    assert never.status == 1, never
    assert 'command "no-such-command" is not in image' in never.err


def test_a_port_that_a_stranger_has_is_a_port_conflict(cluster: Cluster, docker_engine: DockerEngine) -> None:
    with socket.socket() as stranger:
        stranger.bind(("0.0.0.0", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        done = cluster.okube(
            "run", "--image", docker_engine.image, "--name", "ported", "-p", f"{port}:80", "--timeout", "6s", *_SLEEPER
        )
    assert done.status == 4, done
    assert "port-conflict" in done.err
    assert str(port) in done.err


def test_a_volume_path_that_is_not_there_is_named(cluster: Cluster, docker_engine: DockerEngine) -> None:
    done = cluster.okube(
        "run",
        "--image",
        docker_engine.image,
        "--name",
        "vol",
        "-v",
        "/no/such/path:/data",
        "--timeout",
        "6s",
        *_SLEEPER,
    )
    assert done.status == 4, done
    assert "volume-missing" in done.err
    assert "/no/such/path" in done.err


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (("--replicas", "-3"), "replicas"),
        (("--replicas", "many"), "replicas"),
        (("--memory", "lots"), "memory"),
        (("--memory", "99999T"), "memory"),
        (("--cpus", "-1"), "cpus"),
        (("-p", "99999:80"), "99999"),
        (("-v", "data"), "data"),
        (("-e", "=x"), "environment variable"),
        (("--restart", "sometimes"), "sometimes"),
        (("--name", "We_b"), "name"),
        (("--name", "x" * 64), "name"),
    ],
)
def test_flags_that_make_no_sense_are_refused_before_anything_happens(
    cluster: Cluster, flags: tuple[str, str], word: str
) -> None:
    done = cluster.okube("run", "--image", "i", *flags)
    _refused(done, 2, word)
    assert cluster.json("services") == []


def test_a_taken_name_is_refused_and_the_service_stays_as_it_is(cluster: Cluster, docker_engine: DockerEngine) -> None:
    cluster.ok("run", "--image", docker_engine.image, "--name", "web", *_SLEEPER)
    before = cluster.json("services")
    _refused(cluster.okube("run", "--image", "another:1", "--name", "web"), 1, "there is a service web already")
    assert cluster.json("services") == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: Service\nname: web\nimage: [\n", (":",)),
        ("kind: Service\nname: web\nname: again\nimage: x\n", ("name", "twice", "3")),
        ("kind: Service\nname: web\nimage: x\nreplica: 3\n", ("4", "replica", "replicas")),
        ("kind: Service\nname: web\nimage: x\nreplicas: three\n", ("4", "replicas")),
        ("kind: Pod\nname: web\nimage: x\n", ("kind", "Pod")),
        ("services:\n  web: {image: x}\n", ("Compose",)),
        ('{"kind": "Service", "name": "web",', (":",)),
        ("", ()),
    ],
)
def test_a_bad_file_is_refused_with_file_and_line(
    cluster: Cluster, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    file = tmp_path / "service.yaml"
    file.write_text(text)
    _refused(cluster.okube("apply", "-f", str(file)), 2, "service.yaml", *words)
    assert cluster.json("services") == []


def test_one_bad_file_of_two_changes_nothing(cluster: Cluster, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("kind: Service\nname: good\nimage: x\nreplicas: 0\n")
    bad.write_text("kind: Service\nname: bad\n")
    _refused(cluster.okube("apply", "-f", str(good), "-f", str(bad)), 2, "bad.yaml", "image")
    _refused(cluster.okube("apply", "-f", str(tmp_path / "none.yaml")), 2, "none.yaml")
    assert cluster.json("services") == []


def test_what_is_not_there_is_said_with_the_likely_meant_name(cluster: Cluster, docker_engine: DockerEngine) -> None:
    cluster.ok("run", "--image", docker_engine.image, "--name", "web", *_SLEEPER)
    _refused(cluster.okube("scale", "wbe=3"), 1, "wbe", "web")
    _refused(cluster.okube("inspect", "task", "zzzz"), 1, "zzzz")
    _refused(cluster.okube("inspect", "node", "w9"), 1, "w9")
    _refused(cluster.okube("logs", "nope"), 1, "nope")
    _refused(cluster.okube("drain", "w9"), 1, "w9")
    _refused(cluster.okube("scael", "web=3"), 2, "scale")
    _refused(cluster.okube("nodes", "rm", "w1"), 1, "ready")


def test_an_ambiguous_prefix_names_its_tasks(cluster: Cluster, docker_engine: DockerEngine) -> None:
    cluster.ok("run", "--no-wait", "--image", docker_engine.image, "--name", "many", "--replicas", "30", *_SLEEPER)
    cluster.wait(lambda: len(cluster.tasks("many")) == 30, "30 tasks are made")
    ids = [task["id"] for task in cluster.tasks("many")]
    shared = next(letter for letter in sorted({i[0] for i in ids}) if sum(i[0] == letter for i in ids) > 1)
    _refused(cluster.okube("inspect", "task", shared), 1, "give more of the id")
    cluster.ok("rm", "--no-wait", "many")


def test_nobody_home_is_told_in_seconds(tmp_path: Path) -> None:
    config = tmp_path / "cluster.yaml"
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        config.write_text(f"cluster: x\nmanagers: [{{name: m1, host: 127.0.0.1, port: {port}, raft_port: 1}}]\n")
        env = {**os.environ, "OKUBE_CONFIG": str(config), "HOME": str(tmp_path)}
        command = Cluster.command_path()
        done = subprocess.run([command, "ps"], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (2, 3), done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_container_that_ends_is_started_again_in_place_and_a_crash_loop_says_so(
    cluster: Cluster, docker_engine: DockerEngine
) -> None:
    done = cluster.okube(
        "run", "--image", docker_engine.image, "--name", "loop", "--timeout", "4s", "--", "sh", "-c", "exit 3"
    )
    assert done.status == 4, done
    (task,) = cluster.tasks("loop")
    assert task["state"] == "running"
    assert task["restarts"] > 0
    cluster.wait(lambda: "restarting in" in cluster.tasks("loop")[0]["message"], "the list says when it restarts")
    assert "exit code 3" in cluster.tasks("loop")[0]["message"]


def test_jobs_complete_and_are_not_replaced(cluster: Cluster, docker_engine: DockerEngine) -> None:
    cluster.ok("run", "--image", docker_engine.image, "--name", "job", "--mode", "job", "--", "sh", "-c", "echo done")
    (task,) = [t for t in cluster.json("ps", "--all") if t["service"] == "job"]
    assert (task["state"], task["reason"], task["exit_code"]) == ("completed", "exited", 0)
    assert "done" in cluster.ok("logs", "job").out


def test_logs_follow_a_task_until_it_is_interrupted(cluster: Cluster, docker_engine: DockerEngine) -> None:
    script = "trap 'exit 0' TERM; n=0; while true; do n=$((n+1)); echo line $n; sleep 0.2 & wait $!; done"
    cluster.ok("run", "--image", docker_engine.image, "--name", "talker", "--", "sh", "-c", script)
    follow = cluster.start("logs", "-f", "--tail", "1", "talker")
    assert follow.stdout is not None
    lines = [follow.stdout.readline() for _ in range(3)]
    follow.send_signal(signal.SIGINT)
    follow.communicate(timeout=20)
    assert all("line" in line for line in lines), lines
