"""Every cell of the table "what happens when a container ends", on both runtimes, through a whole cluster.

All services are made at once and each test looks at its own, so that the whole table costs little more than its slowest
cell.
"""

import json
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.lab.cluster import Cluster

POLICIES = ("always", "on-failure", "on-failure:2", "never")
_FOREVER = "trap 'exit 0' TERM; while true; do sleep 0.2; done"
_HOG = "head -c 100000000 /dev/zero | tail -c 90000000 > /dev/null"
_BY_ITSELF = {"success": "exit 0", "failure": "exit 3", "signal": "kill -9 $$; exit 137", "memory": _HOG}
_REASONS = {"failure": "exit-code", "signal": "signal", "memory": "out-of-memory"}
_MESSAGES = {"failure": "exit code 3", "signal": "killed by SIGKILL", "memory": "out of memory: limit 8.0 MiB"}
_CANNOT_START = {
    "image": "image-pull",
    "command": "start-failed",
    "port": "port-conflict",
    "volume": "volume-missing",
}
_TAKEN = {"stop": "stopped", "scale": "stopped", "update": "superseded"}
_MOVED = {"drain": ("completed", "drained"), "lost": ("failed", "node-lost")}


def _service(cause: str, policy: str, image: str, port: int) -> dict[str, Any]:
    made: dict[str, Any] = {
        "kind": "Service",
        "name": f"{cause}-{policy.replace(':', '-')}",
        "image": image,
        "restart": policy,
        "command": ["sh", "-c", _BY_ITSELF.get(cause, _FOREVER)],
        "resources": {"memory": "8M"} if cause == "memory" else {},
    }
    match cause:
        case "image":
            made["image"] = "127.0.0.1:1/no-such-image:1"
        case "command":
            made["command"] = ["no-such-command"]
        case "port":
            made["ports"] = [f"{port}:80"]
        case "volume":
            made["volumes"] = ["/no/such/path:/data"]
        case "scale":
            made["replicas"] = 2
    return made


class Table:
    """A cluster in which every cell has been played."""

    def __init__(self, cluster: Cluster, image: str, port: int) -> None:
        self.cluster = cluster
        self.image = image
        self.port = port
        self._seen: list[dict[str, Any]] = []

    def play(self) -> None:
        """Make all services, and do to them what their names say."""
        cluster = self.cluster
        for cause, node in (("drain", "w2"), ("lost", "w3")):
            self._only(node)
            self._apply([cause], more=[self._finished(cause)])
            cluster.wait(partial(self._all_ready, cause), f"the tasks of {cause} run")
            self.until(f"{cause}-finished", {"state": "completed"})
        self._only("w1")
        self._apply([*_BY_ITSELF, *_CANNOT_START, *_TAKEN])
        for cause in _TAKEN:
            cluster.wait(partial(self._all_ready, cause), f"the tasks of {cause} run")
        names = {cause: [_service(cause, policy, "", 0)["name"] for policy in POLICIES] for cause in _TAKEN}
        cluster.ok("stop", "--no-wait", *names["stop"])
        cluster.ok("scale", "--no-wait", *(f"{name}=1" for name in names["scale"]))
        self._apply(["update"], env={"VERSION": "2"})
        cluster.kill("w3")
        cluster.ok("drain", "--no-wait", "w2")

    def of(self, service: str) -> list[dict[str, Any]]:
        """All tasks of a service as they were seen last, the oldest first."""
        tasks = [task for task in self._seen if task["service"] == service]
        return sorted(tasks, key=lambda task: (task["created_at"], task["id"]))

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds of the tasks as they were seen last; a new look is had only while it does not."""

        def look() -> bool:
            if not holds():
                self._seen = self.cluster.json("ps", "--all")
            return holds()

        self.cluster.wait(look, what)

    def until(self, service: str, *shape: dict[str, Any]) -> list[dict[str, Any]]:
        """Wait until a service has exactly these tasks, as far as they are described."""

        def fits() -> bool:
            tasks = self.of(service)
            return len(tasks) == len(shape) and all(
                all(task[key] == value for key, value in wanted.items())
                for task, wanted in zip(tasks, shape, strict=True)
            )

        try:
            self.wait(fits, f"{service} is {shape}")
        except TimeoutError:
            raise AssertionError(f"{service} is not {shape}: {json.dumps(self.of(service), indent=1)}") from None
        return self.of(service)

    def _finished(self, cause: str) -> dict[str, Any]:
        return _service("success", "on-failure", self.image, 0) | {"name": f"{cause}-finished"}

    def _apply(self, causes: list[str], more: list[dict[str, Any]] | None = None, **fields: Any) -> None:
        made = [{**_service(cause, policy, self.image, self.port), **fields} for cause in causes for policy in POLICIES]
        file = self.cluster.folder / "services.json"
        file.write_text("\n---\n".join(json.dumps(service) for service in [*made, *(more or [])]))
        self.cluster.ok("apply", "--no-wait", "-f", str(file.rename(file.with_suffix(".yaml"))))

    def _only(self, node: str) -> None:
        for name in self.cluster.workers:
            self.cluster.ok("uncordon" if name == node else "cordon", name)

    def _all_ready(self, cause: str) -> bool:
        ready = [task for task in self.cluster.json("ps") if task["service"].startswith(f"{cause}-") and task["ready"]]
        return len(ready) == len(POLICIES) * (2 if cause == "scale" else 1)


@pytest.fixture(scope="module", params=[pytest.param("docker", marks=pytest.mark.xdist_group("docker")), "process"])
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    engine = request.getfixturevalue("docker_engine") if request.param == "docker" else None
    cluster = Cluster(
        tmp_path_factory.mktemp("endings"),
        runtime=request.param,
        docker_host=None if engine is None else engine.base_url,
        managers=1,
        workers=3,
        capacity={"cores": 64, "memory": "64G", "disk": "500G"},
    )
    with socket.socket() as stranger:
        stranger.bind(("0.0.0.0", 0))
        stranger.listen()
        made = Table(cluster, "host" if engine is None else engine.image, stranger.getsockname()[1])
        try:
            cluster.up()
            made.play()
            yield made
        finally:
            cluster.destroy()


def _name(cause: str, policy: str) -> str:
    return f"{cause}-{policy.replace(':', '-')}"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_container_that_ends_with_success(table: Table, policy: str) -> None:
    name = _name("success", policy)
    if policy == "always":
        _restarts_again_and_again(table, name, "exit code 0")
    else:
        table.until(name, {"state": "completed", "reason": "exited", "exit_code": 0, "restarts": 0, "desired": "run"})


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("cause", _REASONS)
def test_a_container_that_fails(table: Table, cause: str, policy: str) -> None:
    name = _name(cause, policy)
    ended = {"state": "failed", "reason": _REASONS[cause], "message": _MESSAGES[cause], "desired": "run"}
    if policy == "never":
        table.until(name, {**ended, "restarts": 0})
    elif policy == "on-failure:2":
        table.until(name, {**ended, "restarts": 2})
    else:
        _restarts_again_and_again(table, name, _MESSAGES[cause])


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("cause", _CANNOT_START)
def test_a_container_that_cannot_start(table: Table, cause: str, policy: str) -> None:
    name = _name(cause, policy)
    if policy == "never":
        table.until(name, {"state": "failed", "reason": _CANNOT_START[cause], "desired": "run"})
        return

    def is_replaced() -> bool:
        tasks = table.of(name)
        return len(tasks) > 1 and all(
            (task["state"], task["reason"]) == ("failed", _CANNOT_START[cause]) for task in tasks[:-1]
        )

    table.wait(is_replaced, f"another task is made for {name}")
    assert {task["slot"] for task in table.of(name)} == {1}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("cause", _TAKEN)
def test_a_container_that_is_not_wanted_any_more(table: Table, cause: str, policy: str) -> None:
    ended = {"state": "completed", "reason": _TAKEN[cause]}
    runs = {"state": "running", "ready": True, "restarts": 0}
    if cause == "stop":
        table.until(_name(cause, policy), ended)
    elif cause == "update":
        table.until(_name(cause, policy), ended, runs)
    else:
        table.wait(lambda: len(table.of(_name(cause, policy))) == 2, "both tasks are there")
        tasks = table.of(_name(cause, policy))
        table.until(_name(cause, policy), *(runs if task["slot"] == 1 else ended for task in tasks))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("cause", _MOVED)
def test_a_container_whose_node_goes(table: Table, cause: str, policy: str) -> None:
    state, reason = _MOVED[cause]
    node = {"drain": "w2", "lost": "w3"}[cause]
    table.until(
        _name(cause, policy),
        {"state": state, "reason": reason, "node": node},
        {"state": "running", "ready": True, "node": "w1"},
    )


@pytest.mark.parametrize("cause", _MOVED)
def test_a_finished_task_is_not_run_again_because_its_node_goes(table: Table, cause: str) -> None:
    table.until(f"{cause}-finished", {"state": "completed", "reason": "exited", "exit_code": 0})


def _restarts_again_and_again(table: Table, name: str, cause: str) -> None:
    """In place, the same task, with a growing pause that the list tells and that is true."""

    def waits() -> bool:
        tasks = table.of(name)
        if len(tasks) != 1 or tasks[0]["restarts"] < 3:
            return False
        return "restarting in" in tasks[0]["message"] and cause in tasks[0]["message"]

    table.wait(waits, f"{name} waits for its next start")
    (task,) = table.of(name)
    assert (task["state"], task["desired"]) == ("running", "run")
