"""Secrets and configs in tasks, with real processes and both runtimes: they come, change, come again, and show nowhere.

One cluster of each runtime serves all tests of this file; each test has its own services and secrets.
"""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from okube.manager.api.routes import ROUTES
from okube.security import client_context
from okube.worker.runtime.docker.transport import connect
from okube.worker.secretplace import find_place
from tests.lab.cluster import Cluster

_PROGRAM = (
    "trap 'exit 0' TERM; trap 'sha256sum run/secrets/db' HUP; sha256sum run/secrets/db; while true; do sleep 0.2; done"
)
FILE, ROTATED, VARIABLE, PAGE = (
    f"{word}-{os.urandom(8).hex()}" for word in ("in-a-file", "rotated", "in-a-variable", "a-page")
)


class Lab:
    """A cluster, and what its runtime needs to be said."""

    def __init__(self, cluster: Cluster, image: str, docker_host: str | None) -> None:
        self.cluster = cluster
        self.image = image
        self.docker_host = docker_host
        self.cluster_id: str = cluster.json("status")["cluster_id"]

    def create(self, kind: str, name: str, value: str) -> None:
        """Once the key ring is there, which takes a moment after the first election."""
        made = lambda: self.cluster.okube(kind, "create", name, "-", typed=value).status == 0  # noqa: E731
        self.cluster.wait(made, f"{kind} {name} is made", seconds=20)

    def rotate(self, name: str, value: str) -> None:
        done = self.cluster.okube("secret", "rotate", name, "-", typed=value)
        assert done.status == 0, done

    def apply(self, *services: dict[str, Any]) -> None:
        """Make services with one task each, and wait for none."""
        made = {"kind": "Service", "image": self.image, "command": ["sh", "-c", _PROGRAM]}
        file = self.cluster.folder / "services.yaml"
        file.write_text("\n---\n".join(json.dumps({**made, **service}) for service in services))
        self.cluster.ok("apply", "--no-wait", "-f", str(file))

    def says(self, service: str, text: str) -> None:
        """Wait until a line of the service's output holds ``text``."""
        self.cluster.wait(lambda: text in self.cluster.okube("logs", service).out, f"{service} says {text}")

    def task(self, service: str) -> dict[str, Any]:
        (task,) = self.cluster.tasks(service)
        return task

    def place(self, node: str) -> Path:
        """The folder in memory of a node."""
        return find_place(self.cluster_id, node, os.environ)

    @contextlib.contextmanager
    def rebooting(self, node: str) -> Iterator[None]:
        """The machine of a node goes down with all that runs there and all that is in memory, and comes up again."""
        self.cluster.kill(node)
        if self.docker_host is None:
            for run in (self.cluster.data_dir / node / "state" / "containers").glob("*/run"):
                _, shim, _, leader, *_ = run.read_text().split()
                for pid in (shim, leader):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
        else:
            with contextlib.closing(connect(self.docker_host, timeout_s=30)) as engine:
                for found in engine.containers(filters={"label": f"okube.node={node}"}):
                    engine.kill(found["Id"])
        shutil.rmtree(self.place(node), ignore_errors=True)
        yield
        self.cluster.up()


@pytest.fixture(scope="module", params=["process", "docker"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    runtime: str = request.param
    engine = request.getfixturevalue("docker_engine") if runtime == "docker" else None
    cluster = Cluster(
        tmp_path_factory.mktemp(f"given-{runtime}"),
        runtime=runtime,
        docker_host=None if engine is None else engine.base_url,
        workers=2,
        node_down_after="30s",
    )
    try:
        cluster.up()
        lab = Lab(cluster, "host" if engine is None else engine.image, None if engine is None else engine.base_url)
        _play(lab)
        yield lab
    finally:
        cluster.destroy()
    assert [node for node in cluster.workers if lab.place(node).exists()] == []


def _play(lab: Lab) -> None:
    """Make all services at once, so that they start while the first tests look at theirs."""
    for kind, name, value in (
        ("secret", "db", FILE),
        ("secret", "token", VARIABLE),
        ("config", "page", PAGE),
        ("secret", "tls", "first-certificate"),
        ("secret", "kept", "kept-over-a-boot"),
    ):
        lab.create(kind, name, value)
    look = 'sha256sum run/secrets/db srv/page.conf; printf %s "$TOKEN" | sha256sum; '
    lab.apply(
        {
            "name": "web",
            "command": ["sh", "-c", look + _PROGRAM],
            "secrets": [{"name": "db", "mode": "0400"}, {"name": "token", "env": "TOKEN"}],
            "configs": [{"name": "page", "target": "/srv/page.conf"}],
        },
        {"name": "edge", "secrets": [{"name": "tls", "target": "db", "on_rotate": "SIGHUP"}]},
        {"name": "steady", "secrets": [{"name": "kept", "target": "db"}]},
        {"name": "brief", "secrets": [{"name": "tls", "target": "db", "on_rotate": "keep"}]},
        {"name": "early", "secrets": [{"name": "late", "target": "db"}]},
    )


def sha256(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def needles(*values: str) -> list[bytes]:
    """A value as it may be written somewhere."""
    found = []
    for value in values:
        plain = value.encode()
        found += [plain, base64.b64encode(plain)[:-2], plain.hex().encode(), plain[::-1]]
    return found


def files_with(values: list[bytes], folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and any(value in path.read_bytes() for value in values)
    ]


def processes_with(values: list[bytes]) -> list[int]:
    """Those that show a value in their environment or on their command line to whoever looks at them from outside."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            text = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            if any(value in text for value in values):
                found.append(int(folder.name))
    return found


def answers_with(lab: Lab, values: list[bytes], names: dict[str, str]) -> list[str]:
    """The paths of all that an admin can read, whose answers show a value."""
    context = _context(lab, lab.cluster.data_dir / "admin")
    found = []
    for route in ROUTES:
        group = route.path.split("/")[2] if route.path.startswith("/v1/") else ""
        path = route.path.replace("{name}", names.get(group, "w1")).replace("{id}", names["tasks"])
        if route.method != "GET" or "{" in path or route.role in ("worker", "manager") or path.endswith("/exec"):
            continue
        status, body = _get(lab, context, path)
        assert status in (200, 404), (path, status, body)
        if any(value in body for value in values):
            found.append(path)
    return found


def _context(lab: Lab, tls: Path) -> ssl.SSLContext:
    context = client_context(tls)
    context.check_hostname = False
    return context


def _get(lab: Lab, context: ssl.SSLContext, path: str, manager: int = 0) -> tuple[int, bytes]:
    described = lab.cluster.described["managers"][manager]
    try:
        with urllib.request.urlopen(
            f"https://127.0.0.1:{described['port']}{path}", context=context, timeout=10
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def _core_limits(pid: int) -> str:
    (line,) = [line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max core")]
    return line.split()[4]


def _leader_of(task_id: str) -> int:
    """A process of a task."""
    mark = f"OKUBE_TASK={task_id}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                return int(folder.name)
    raise AssertionError(f"task {task_id} has no process")


def test_a_task_finds_its_values_and_they_show_nowhere_else(lab: Lab) -> None:
    for value in (FILE, VARIABLE, PAGE):
        lab.says("web", sha256(value))
    lab.rotate("db", ROTATED)
    lab.says("web", sha256(ROTATED))
    lab.cluster.ok("snapshot", "save", str(lab.cluster.folder / "saved.okube"))

    task = lab.task("web")
    names = {"services": "web", "secrets": "db", "configs": "page", "nodes": task["node"], "tasks": task["id"]}
    assert files_with(needles(FILE, ROTATED, VARIABLE), lab.cluster.folder) == []
    assert files_with(needles(ROTATED), lab.place(task["node"])) != []  # whoever looks finds it where it is
    assert processes_with(needles(FILE, ROTATED)) == []
    assert processes_with(needles(VARIABLE)) != []  # it was asked for
    assert answers_with(lab, needles(FILE, ROTATED, VARIABLE), names) == []
    for name in (*lab.cluster.managers, *lab.cluster.workers):
        assert _core_limits(lab.cluster.pid(name) or 0) == "0", name
    assert _core_limits(_leader_of(task["id"])) == "0"
    if lab.docker_host is not None:
        _show_no_value_to_the_engine(lab, needles(FILE, ROTATED))


def _show_no_value_to_the_engine(lab: Lab, values: list[bytes]) -> None:
    """Neither its answers nor its files; a variable that was asked for is in both, as the docs say."""
    assert lab.docker_host is not None
    with contextlib.closing(connect(lab.docker_host, timeout_s=30)) as engine:
        root = Path(engine.info()["DockerRootDir"])
        shown = [engine.inspect_container(each["Id"]) for each in engine.containers(all=True)]
    assert not any(value in json.dumps(shown).encode() for value in values)
    assert files_with(values, root) == []


def test_a_task_that_asks_for_a_signal_stays_and_reads_the_new_value(lab: Lab) -> None:
    lab.says("edge", sha256("first-certificate"))
    before = lab.task("edge")
    lab.rotate("tls", "second-certificate")
    lab.says("edge", sha256("second-certificate"))
    assert (lab.task("edge")["id"], lab.task("edge")["restarts"]) == (before["id"], 0)


def test_a_task_waits_for_a_secret_that_is_missing_and_says_so(lab: Lab) -> None:
    lab.cluster.wait(lambda: "secret" in lab.task("early")["message"], "it says what it waits for")
    assert lab.task("early")["message"] == "there is no secret late: make it with 'okube secret create late'"
    lab.create("secret", "late", "better-than-never")
    lab.says("early", sha256("better-than-never"))


def test_an_agent_is_given_what_its_own_tasks_need_and_nothing_else(lab: Lab) -> None:
    lab.says("steady", sha256("kept-over-a-boot"))
    here = lab.task("steady")["node"]
    there = "w1" if here == "w2" else "w2"
    own, foreign = (_context(lab, lab.cluster.data_dir / node / "tls") for node in (here, there))
    for manager in range(len(lab.cluster.managers)):
        assert _get(lab, own, f"/v1/agents/{here}/secrets/kept/1", manager) == (200, b"kept-over-a-boot")
    refused = {
        "of another node": _get(lab, foreign, f"/v1/agents/{here}/secrets/kept/1"),
        "not needed there": _get(lab, foreign, f"/v1/agents/{there}/secrets/kept/1"),
        "another version": _get(lab, own, f"/v1/agents/{here}/secrets/kept/2"),
        "as an admin": _get(lab, _context(lab, lab.cluster.data_dir / "admin"), f"/v1/agents/{here}/secrets/kept/1"),
        "as people see it": _get(lab, own, "/v1/secrets/kept"),
    }
    assert {why: status for why, (status, _) in refused.items()} == {
        "of another node": 403,
        "not needed there": 404,
        "another version": 404,
        "as an admin": 403,
        "as people see it": 403,
    }
    assert not any(b"kept-over-a-boot" in body for _, body in refused.values())


def test_values_come_again_after_the_machine_went_down(lab: Lab) -> None:
    lab.says("steady", sha256("kept-over-a-boot"))
    before = lab.task("steady")
    with lab.rebooting(before["node"]):
        pass
    lab.cluster.wait(
        lambda: lab.cluster.okube("logs", "steady").out.count(sha256("kept-over-a-boot")) == 2, "it reads it again"
    )
    after = lab.task("steady")
    assert (after["id"], after["restarts"] > 0) == (before["id"], True)


def test_nothing_is_left_in_memory_of_a_task_that_is_gone(lab: Lab) -> None:
    lab.says("brief", sha256("first-certificate"))
    task = lab.task("brief")
    folder = lab.place(task["node"]) / task["id"]
    assert (folder / "secrets" / "db").exists()
    lab.cluster.ok("rm", "--no-wait", "brief")
    lab.cluster.wait(lambda: not folder.exists(), "its folder is gone")
