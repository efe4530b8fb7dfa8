"""The chapters of a year: each does one thing to the cluster and leaves it healthy; the last takes it away."""

import shutil
from collections.abc import Callable

from tests.lab.cluster import Finished
from tests.lab.daytwo.day import ELSEWHERE, Day
from tests.lab.daytwo.load import Load
from tests.lab.rack.bundles import next_bundle

__all__ = ["YEAR"]

_REPLICAS = 6
_NEXT_VERSION = "0.2.0"
_BURNT = ("m1", "m2", "m3", "w3")


def install(day: Day) -> None:
    """From bare machines to a healthy cluster; and once more, when nothing is to do."""
    words = ("cluster", "install", "-f", str(day.admin.config), "--bundle", str(day.bundle))
    day.does("install on six machines", *words, seen=lambda _: _status(day), until=day.admin.healthy)
    day.does("install again", *words, seen=_last_line)


def run_an_app(day: Day) -> None:
    """Six replicas, all ready."""
    image = "okube/busybox:1" if day.runtime == "docker" else "host"
    wanted = ("--replicas", str(_REPLICAS), "--memory", "64M", "--restart", "always")
    words = ("run", "--name", "web", "--image", image, *wanted, "--", "sleep", "86400")
    day.does("run an app", *words, seen=lambda _: f"{len(day.admin.running('web'))} containers run")


def add_a_worker(day: Day) -> None:
    """A bare machine more."""
    words = (
        "cluster",
        "add-node",
        "w4",
        "--host",
        day.rack["x1"].address,
        "--zone",
        "rack-4",
        "--bundle",
        str(day.bundle),
    )
    day.does("add a worker", *words, seen=lambda _: _status(day), until=day.admin.healthy)


def remove_a_worker(day: Day) -> None:
    """Drained, and back; then gone for good, with its tasks on the others."""
    day.does("drain a worker", "drain", "w1", seen=lambda _: f"{_replicas(day)}, none on w1")
    day.does("have it back", "uncordon", "w1", seen=lambda _: _status(day))
    words = ("cluster", "remove-node", "w1")
    day.does("remove a worker", *words, seen=lambda _: f"{_status(day)}; {_replicas(day)}", until=day.admin.healthy)


def replace_a_manager(day: Day) -> None:
    """Its machine has died; a bare one takes its place."""
    day.rack.power_off("m2")
    words = ("cluster", "replace-manager", "m2", "--host", day.rack["x2"].address, "--bundle", str(day.bundle))
    day.does("replace a manager's machine", *words, seen=lambda _: _status(day), until=day.admin.healthy)


def give_a_machine_another_address(day: Day) -> None:
    """The network of w2 was numbered anew: the cluster is told, and its file everywhere."""
    before, old = day.admin.running("web"), day.rack["w2"].address
    new = day.rack.readdress("w2")
    words = ("cluster", "readdress", f"{old}={new}")
    day.does("another address", *words, seen=lambda _: _kept(day, before), until=day.admin.healthy)


def upgrade(day: Day) -> None:
    """Another version, while programs read and write: no call fails, no container is touched."""
    bundle = next_bundle(day.bundle, day.folder / "next", _NEXT_VERSION)
    before = day.admin.running("web")
    with Load(day.admin) as load:
        words = ("cluster", "upgrade", "-f", str(day.admin.config), "--bundle", str(bundle))
        day.does(
            "upgrade under load",
            *words,
            seen=lambda _: _kept(day, before),
            until=lambda: _versions(day) == {_NEXT_VERSION},
        )
    day.remark(f"meanwhile {load}")
    assert load.failed == [], load.failed[:5]
    day.bundle = bundle


def restore_elsewhere(day: Day) -> None:
    """All managers burn, one worker with them, and the desk of who looks after them: a file and a key are left."""
    snapshot, key = day.admin.folder / "rack.okube", day.admin.folder / "unlock.key"
    day.does("save a snapshot", "snapshot", "save", str(snapshot), seen=lambda done: done.out.split(": ")[1].strip())
    key.touch(0o600)
    key.write_text(day.admin.ok("keyring", "unlock-key").out)
    before, described = day.admin.running("web"), day.admin.described
    burnt = [entry for entry in (*described["managers"], *described["workers"]) if entry["name"] in _BURNT]
    for entry, elsewhere in zip(burnt, ELSEWHERE, strict=True):
        day.rack.power_off(next(n for n, host in day.rack.hosts.items() if host.address == entry["host"]))
        entry["host"] = day.rack[elsewhere].address
    day.on_another_desk(described)
    files = [str(shutil.copy2(path, day.admin.folder)) for path in (snapshot, key)]
    words = ("cluster", "restore", files[0], "--unlock-key", files[1], "--bundle", str(day.bundle), "--yes")
    day.does("restore on new machines", *words, seen=lambda _: _status(day), until=day.admin.healthy)
    waited_s = day.admin.wait(lambda: len(day.admin.running("web")) == _REPLICAS, "all of web runs")
    after = day.admin.running("web")
    stayed = [name for name, place in before.items() if place[0] != "w3"]
    assert all(after[name] == before[name] for name in stayed), (before, after)
    day.remark(f"{len(stayed)} containers stayed, the others run again {waited_s:.1f} s later")
    day.does("restore again", *words, seen=_last_line)


def take_it_off(day: Day) -> None:
    """A file for those who help, and then nothing of it is left but the keys."""
    file = day.admin.folder / "support.tar.gz"
    words = ("cluster", "support-bundle", "-f", str(day.admin.config), "--output", str(file))
    day.does("gather logs and states", *words, seen=lambda _: f"{file.stat().st_size / 1e3:.0f} kB")
    words = ("cluster", "uninstall", "-f", str(day.admin.config), "--purge", "--yes")
    day.does("take it off all machines", *words, seen=_last_line)
    where = ("/opt", "/var/lib/okube", "-mindepth", "1", "-maxdepth", "1")
    left = day.rack["r1"].run("find", *where, check=False).stdout.split()
    day.remark(f"left in /opt and /var/lib/okube of r1: {' '.join(left) or 'nothing'}")


YEAR: tuple[Callable[[Day], None], ...] = (
    *(install, run_an_app, add_a_worker, remove_a_worker, replace_a_manager, give_a_machine_another_address),
    *(upgrade, restore_elsewhere, take_it_off),
)


def _status(day: Day) -> str:
    status = day.admin.json("status")
    ready = sum(m["state"] == "ready" for m in status["managers"])
    return f"{ready} managers and {status['nodes']['ready']} nodes are ready"


def _replicas(day: Day) -> str:
    running = day.admin.running("web")
    nodes = sorted({node for node, _ in running.values()})
    return f"{len(running)} of {_REPLICAS} tasks run, on {', '.join(nodes)}"


def _kept(day: Day, before: dict[str, tuple[str, str]]) -> str:
    after = day.admin.running("web")
    assert after == before, (before, after)
    return f"the same {len(after)} containers"


def _versions(day: Day) -> set[str]:
    managers = {m["software"] for m in day.admin.json("status")["managers"]}
    return managers | {node["software"] for node in day.admin.json("nodes")}


def _last_line(done: Finished) -> str:
    lines = [line.strip() for line in done.out.splitlines() if line.strip()] or ["done"]
    return next((line.partition(":")[0] for line in lines if line.startswith("nothing to do")), lines[-1])
