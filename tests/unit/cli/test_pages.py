from typing import Any

from okube.cli.pages import page
from tests.unit.cli.cluster import a_node, a_service, a_task, an_app, an_event

NOW_MS = 1769860800000 + 240_000  # four minutes after CREATED


def _page(kind: str, found: dict[str, Any], width: int | None = None) -> list[str]:
    return page(kind, found, now_ms=NOW_MS, width=width, wide=False)


def test_a_task_says_why_it_is_where_it_is_and_what_came_before() -> None:
    task = a_task(
        "web.1",
        node="w1",
        placement="most memory is free there of the 2 nodes that fit",
        restarts=2,
        message="restarting in 4 s (exit code 3)",
        ready=False,
        ports=[{"host": 30000, "container": 80, "protocol": "tcp"}],
        history=[a_task("web.1", "failed", id="before", reason="exit-code", exit_code=3)],
        events=[an_event("task-restarted", "web.1", level="warning", count=2)],
    )
    lines = _page("task", task)
    assert lines[:9] == [
        "task web.1: not ready on w1",
        "  why       restarting in 4 s (exit code 3)",
        "  placed    most memory is free there of the 2 nodes that fit",
        "  service   web, slot 1, version 1",
        "  image     nginx:1.27",
        "  asks for  0.5 cores, 256.0 MiB of memory",
        "  ports     30000:80",
        "  restarts  2 times so far; policy always",
        "  created   4m ago (2026-01-31 12:00:00 UTC)",
    ]
    assert "before it in slot 1:" in lines
    assert any(line.startswith("  web.1  before  failed") for line in lines)
    assert lines[-1].endswith("(2 times)")


def test_a_task_that_is_nowhere_says_why_wrapped_to_the_terminal() -> None:
    message = "no node fits: 3 nodes: memory 64.0 GiB asked, the largest node has 8.0 GiB"
    lines = _page("task", a_task("big.1", "pending", reason="no-fit", message=message), width=60)
    assert lines[1] == "  why       no node fits: 3 nodes: memory 64.0 GiB asked,"
    assert lines[2] == "            the largest node has 8.0 GiB"
    assert max(map(len, lines)) <= 60


def test_a_task_tells_what_it_is_given() -> None:
    given = [{"kind": "secret", "name": "db", "version": 3}, {"kind": "config", "name": "motd", "version": 1}]
    page = "\n".join(_page("task", a_task("web.1", given=given)))
    assert "given     secret db, version 3, config motd, version 1" in page


def test_a_service_tells_its_update_and_its_settings() -> None:
    service = a_service(
        "web",
        3,
        running=1,
        env={"MODE": "live"},
        volumes=[{"source": "data", "target": "/data", "read_only": True}],
        stop={"signal": "SIGTERM", "grace": 10.0},
        secrets=[
            {"name": "db", "target": "", "env": None, "on_rotate": "restart"},
            {"name": "tls", "target": "tls/key", "env": None, "on_rotate": "SIGHUP"},
            {"name": "token", "target": "", "env": "TOKEN", "on_rotate": "keep"},
        ],
        configs=[{"name": "motd", "target": "/etc/motd", "env": None, "on_rotate": "restart"}],
        tasks=[a_task("web.1"), a_task("web.2", "failed")],
    )
    text = "\n".join(_page("service", service))
    assert text.startswith("service web: 1 of 3 ready\n")
    for fact in (
        "update    version 1: rolling, 0 of 3 tasks; the old task stops first",
        "volumes   data:/data:ro",
        "env       MODE=live",
        "secrets   db at /run/secrets/db, tls at /run/secrets/tls/key (SIGHUP when it is rotated), "
        "token as $TOKEN (stays when it is rotated)",
        "configs   motd at /etc/motd",
        "stop      SIGTERM, then 10 s before SIGKILL",
        "asks for  nothing: no promise and no limit",
        "created   4m ago by admin (2026-01-31 12:00:00 UTC)",
    ):
        assert fact in text
    assert text.index("tasks:") < text.index("ended lately:")


def test_a_node_tells_what_is_free_and_what_is_wrong_with_it() -> None:
    node = a_node(
        "w1",
        availability="cordoned",
        held_until="2026-01-31T12:05:00.000Z",
        message="it came and went 3 times in 5 minutes",
        conditions=[{"kind": "disk-nearly-full", "message": "91 % used", "since": "2026-01-31T12:03:00.000Z"}],
    )
    lines = _page("node", node)
    assert lines[:6] == [
        "node w1: ready, cordoned",
        "  why         it came and went 3 times in 5 minutes",
        "  held until  in 60s (2026-01-31 12:05:00 UTC)",
        "  condition   disk-nearly-full: 91 % used (60s ago, 2026-01-31 12:03:00 UTC)",
        "  address     192.0.2.21:7201",
        "  zone        rack-a",
    ]
    assert "  cores       2.5 free of 4; 1.5 promised" in lines


def test_an_app_and_a_manager_are_shown_as_they_are() -> None:
    app = {**an_app("shop", ready=1, wanted=2), "services": [a_service("shop-web")]}
    assert _page("app", app)[:3] == ["app shop: running, 1 of 2 ready", "", "services:"]
    assert _page("manager", {"name": "m1", "role": "leader", "state": "ready", "lag": 0})[:2] == [
        "manager m1: leader, ready",
        "  lag  0",
    ]
