"""A cluster for tests of commands: a manager's API over plain data that the tests write, and steps that change it."""

from collections.abc import Callable
from typing import Any

from tests.unit.client.playing import Received, Reply, problem

Row = dict[str, Any]
_OF_EVENTS, _OF_NODES = (
    ("kind", "level", "service", "node", "subject"),
    ("state", "availability", "region", "zone", "rack"),
)
CREATED = "2026-01-31T12:00:00.000Z"


def a_task(name: str, state: str = "running", **fields: Any) -> Row:
    service, _, slot = name.rpartition(".")
    return {
        "id": fields.pop("id", f"{name.replace('.', '')}k3v9q7w2"[:12]),
        "name": name,
        "service": service,
        "slot": int(slot),
        "app": None,
        "version": 1,
        "state": state,
        "ready": state == "running",
        "desired": "run",
        "reason": None,
        "message": "",
        "node": None if state == "pending" else "w1",
        "image": "nginx:1.27",
        "cpus": 0.5,
        "memory": 268435456,
        "disk": 0,
        "ports": [],
        "restart_policy": "always",
        "container_id": None,
        "exit_code": None,
        "restarts": 0,
        "created_at": CREATED,
        "started_at": None,
        "ended_at": None,
        "revision": 5,
        **fields,
    }


def a_service(name: str, replicas: int = 1, **fields: Any) -> Row:
    return {
        "kind": "Service",
        "id": "s1",
        "name": name,
        "app": None,
        "mode": "replicated",
        "image": "nginx:1.27",
        "replicas": replicas,
        "running": 0,
        "version": 1,
        "stopped": False,
        "update": {"order": "stop-first", "state": "rolling", "done": 0, "total": replicas},
        "ports": [],
        "resources": {"cpus": 0.0, "memory": 0, "disk": 0},
        "restart": {"policy": "always", "max": None},
        "labels": {},
        "created_by": "admin",
        "created_at": CREATED,
        "updated_at": CREATED,
        "revision": 5,
        **fields,
    }


def a_node(name: str, **fields: Any) -> Row:
    return {
        "name": name,
        "id": f"{name}-instance",
        "address": "192.0.2.21:7201",
        "role": "worker",
        "state": "ready",
        "availability": "active",
        "labels": {"disk": "ssd"},
        "zone": "rack-a",
        "cores": 4.0,
        "cores_allocated": 1.5,
        "memory": 8589934592,
        "memory_allocated": 268435456,
        "disk": 53687091200,
        "disk_allocated": 0,
        "task_count": 2,
        "last_seen": None,
        "runtime": "docker",
        "revision": 5,
        **fields,
    }


def an_app(name: str, *services: str, **fields: Any) -> Row:
    return {"name": name, "services": list(services), "tasks": 0, "ready": 0, "wanted": 0, "state": "running", **fields}


def an_event(kind: str, subject: str, **fields: Any) -> Row:
    return {
        "id": f"{kind}-{subject}",
        "time": CREATED,
        "first_time": CREATED,
        "count": 1,
        "level": "info",
        "kind": kind,
        "subject_kind": kind.partition("-")[0],
        "subject": subject,
        "service": None,
        "task_id": None,
        "node": None,
        "reason": None,
        "message": "",
        "by": "",
        "revision": 5,
        **fields,
    }


STATUS: Row = {
    "cluster": "lab",
    "leader": "m1",
    "epoch": "1.3",
    "revision": 120,
    "quorum": True,
    "age_s": 0.0,
    "managers": [
        {"name": "m1", "address": "192.0.2.11:7101", "role": "leader", "state": "ready", "revision": 120, "lag": 0},
        {"name": "m2", "address": "192.0.2.12:7101", "role": "follower", "state": "ready", "revision": 118, "lag": 2},
        {"name": "m3", "address": "192.0.2.13:7101", "role": "unknown", "state": "down", "revision": None, "lag": None},
    ],
    "nodes": {"ready": 3, "down": 0},
    "tasks": {"running": 5, "pending": 1},
}


class Cluster:
    """What the API shows; ``steps`` are done one by one, before each look at tasks."""

    def __init__(self) -> None:
        self.services: dict[str, Row] = {}
        self.tasks: list[Row] = []
        self.nodes: dict[str, Row] = {}
        self.status: Row = dict(STATUS)
        self.steps: list[Callable[[], None]] = []
        self.written: list[tuple[str, str, Any]] = []
        self.refusals: dict[tuple[str, str], Reply] = {}
        self.logs: dict[str, list[bytes]] = {}
        self.apps: list[Row] = []
        self.versions: dict[str, list[Row]] = {}
        self.events: list[Row] = []
        self.usage: Row = {"nodes": [], "tasks": [], "silent": []}
        self.topology: Row = {}
        self.links: list[Row] = []
        self.net: Row = {"zones": [], "nodes": [], "pairs": []}
        self.tokens: list[Row] = []

    def add(self, service: Row, *tasks: Row) -> None:
        self.services[service["name"]] = service
        self.tasks += tasks

    def set_tasks(self, *tasks: Row) -> Callable[[], None]:
        """A step: from now on these are the tasks."""

        def step() -> None:
            self.tasks = list(tasks)

        return step

    def __call__(self, received: Received) -> Reply:
        refusal = self.refusals.get((received.method, received.path))
        if refusal is not None:
            return refusal
        if received.method != "GET":
            body = received.json() if received.body else None
            self.written.append((received.method, received.path, body))
            return self._write(received.method, received.path.split("/")[2:], body, received.query)
        return self._read(received.path.split("/")[2:], received.query)

    def _read(self, parts: list[str], query: dict[str, str]) -> Reply:
        match parts:
            case ["status"]:
                return Reply(200, self.status)
            case ["managers"]:
                return Reply(200, self.status["managers"])
            case ["services"]:
                return Reply(200, [row for row in self.services.values() if _is_wanted(row, query, "app")])
            case ["apps"]:
                return Reply(200, self.apps)
            case ["events"]:
                return Reply(200, [row for row in self.events if _is_wanted(row, query, *_OF_EVENTS)])
            case ["tokens"]:
                return Reply(200, self.tokens)
            case ["usage"]:
                return Reply(200, self.usage)
            case ["net", "links"]:
                return Reply(200, {"links": self.links})
            case ["net", "topology"]:
                return Reply(200, self.topology)
            case ["net"]:
                return Reply(200, self.net)
            case ["nodes"]:
                return Reply(200, [row for row in self.nodes.values() if _is_wanted(row, query, *_OF_NODES)])
            case ["tasks"]:
                return self._list_tasks(query)
            case ["tasks", reference, "logs"]:
                return self._logs(reference)
            case ["services", name]:
                return self._found("service", self.services.get(name), name)
            case ["services", name, "versions"]:
                return Reply(200, self.versions.get(name, []))
            case ["apps", name]:
                return self._found("app", next((a for a in self.apps if a["name"] == name), None), name)
            case ["nodes", name]:
                return self._found("node", self.nodes.get(name), name)
            case ["tasks", reference]:
                return self._found("task", self._task(reference), reference)
        return problem(404, "not-found", f"there is no /{'/'.join(parts)}")

    def _write(self, method: str, parts: list[str], body: Any, query: dict[str, str]) -> Reply:
        match method, parts:
            case "POST", ["managers", "transfer"]:
                for row in self.status["managers"]:
                    row["role"] = "leader" if row["name"] == body["to"] else "follower"
                return Reply(200, body)
            case "POST", ["tokens"]:
                return Reply(201, self.tokens[0])
            case "DELETE", ["tokens", _]:
                return Reply(200, self.tokens[0])
            case "PATCH", ["managers", name]:
                next(row for row in self.status["managers"] if row["name"] == name).update(body)
                return Reply(200, {"index": 9, "members": []})
            case "DELETE", ["managers", name]:
                rows = self.status["managers"]
                self.status["managers"] = [row for row in rows if row["name"] != name]
                return Reply(200, {"index": 9, "members": []})
            case "POST", ["services"]:
                self.services[body["name"]] = a_service(**{"replicas": 1, **body})
                return Reply(201, self.services[body["name"]])
            case "POST", ["scale"]:
                missing = [name for name in body["services"] if name not in self.services]
                if missing:
                    return problem(404, "not-found", f"there is no service {missing[0]}")
                for name, count in body["services"].items():
                    self.services[name] = a_service(name, count)
                return Reply(200, [self.services[name] for name in body["services"]])
            case "POST", ["apply"]:
                actions = [
                    {"name": s["name"], "action": "changed" if s["name"] in self.services else "created"}
                    for s in body["services"]
                ]
                apps, named = ({s.get(key) for s in body["services"]} - {None} for key in ("app", "name"))
                if "prune" in query:
                    pruned = [n for n, s in self.services.items() if s["app"] in apps and n not in named]
                    actions += [{"name": name, "action": "removed"} for name in pruned]
                    self.services = {n: s for n, s in self.services.items() if n not in pruned or "dry_run" in query}
                for spec in body["services"] if "dry_run" not in query else []:
                    self.services[spec["name"]] = a_service(spec["name"], spec["replicas"], image=spec["image"])
                return Reply(200, {"revision": 9, "services": actions})
            case "POST", ["services", name, _]:
                return self._found("service", self.services.get(name), name)
            case "POST" | "DELETE", ["apps", app, *_]:
                found = [s for s in self.services.values() if s["app"] == app]
                if method == "DELETE":
                    self.services = {n: s for n, s in self.services.items() if s["app"] != app}
                return Reply(200, found) if found else problem(404, "not-found", f"there is no app {app}")
            case "DELETE", ["tasks", reference]:
                return self._found("task", self._task(reference), reference)
            case "DELETE", ["services", name]:
                return self._found("service", self.services.pop(name, None), name)
            case "PATCH", ["nodes", name] if name in self.nodes:
                self.nodes[name].update(body)
                return Reply(200, self.nodes[name])
            case "DELETE", ["nodes", name]:
                return self._found("node", self.nodes.pop(name, None), name)
        return problem(404, "not-found", f"there is no {' '.join(parts[:1])[:-1]} {parts[-1]}")

    def _list_tasks(self, query: dict[str, str]) -> Reply:
        if self.steps:
            self.steps.pop(0)()
        states = {"completed", "failed"} if "all" not in query and "state" not in query else set()
        found = [
            task
            for task in self.tasks
            if all(query.get(key, task[key]) == task[key] for key in ("service", "node", "state", "app"))
            and task["state"] not in states
        ]
        return Reply(200, found)

    def _logs(self, reference: str) -> Reply:
        task = self._task(reference)
        if task is None:
            return problem(404, "not-found", f"there is no task {reference}")
        if task["state"] == "pending":
            return problem(409, "conflict", f"{task['name']} has no logs yet: it is pending")
        return Reply(lines=iter(self.logs.get(task["id"], self.logs.get(task["name"], []))))

    def _task(self, reference: str) -> Row | None:
        return next((t for t in self.tasks if reference in (t["id"], t["name"])), None)

    def _found(self, kind: str, row: Row | None, name: str) -> Reply:
        return Reply(200, row) if row is not None else problem(404, "not-found", f"there is no {kind} {name}")


def _is_wanted(row: Row, query: dict[str, str], *keys: str) -> bool:
    """Whether a row passes a query's filters; what is given several times is one text with commas."""
    labels = [pair.split("=") for pair in query["label"].split(",")] if "label" in query else []
    return all(row.get(key) in query[key].split(",") for key in keys if key in query) and all(
        (row.get("labels") or {}).get(key) == value for key, value in labels
    )
