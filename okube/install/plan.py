"""What has to be done on a machine to have it as it should be: a plain function of both.

A plan has three parts. *Laying out* touches nothing that runs: software, settings, folders, units. Then units that do
not run are *started*, and those that run with other settings than they should are *restarted*, which whoever carries
the plan out does one at a time. What a process was started with last is remembered beside its settings, so that an
interruption between a change and the restart for it is found the next time.
"""

import hashlib
from collections.abc import Iterator, Mapping

import msgspec

from okube.config import ClusterConfig, EntrySsh, ManagerConfig, WorkerConfig
from okube.install.facts import Facts
from okube.install.init import Init, init_of
from okube.install.installed import Entry, Installed, entries_of, installed_of, seed_in, seed_on, started_file
from okube.install.inventory import Machine
from okube.install.layout import LAYOUT, SYSTEM_USER, Layout
from okube.install.steps import Account, File, Folder, Link, Packages, Run, Step, Tree
from okube.install.units import installed_process, unit_text

__all__ = ["ENGINE_PACKAGES", "Desired", "Plan", "Start", "plan_machine", "settings_sum"]

ENGINE_PACKAGES = ("docker.io", "apparmor", "iptables", "ca-certificates")
_LOG_LINES = 3
_FILE_OF_CLUSTER = "cluster.json"


class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """What machines should have.

    Args:
        config: cluster.yaml.
        cluster_file: its text for machines.
        seed: ``cluster.json``, for machines that have none, or one from before the cluster was restored.
        release: the release that processes run.
        trees: folders of processes that are to be sent, as tar archives; a process that has no folder there, and none
            here, gets everything but its start: it is to join by itself.
        authority: the CA's certificate and key (PEM), for the machine of the manager that is named.
        unlock_key: the file of the unlock key, for machines whose managers' folders are sent: they begin with a state
            that is sealed with it. None where the cluster begins with nothing.
    """

    config: ClusterConfig
    cluster_file: bytes
    seed: bytes | None
    release: str
    trees: Mapping[str, bytes] = {}
    authority: tuple[str, bytes, bytes] | None = None
    unlock_key: bytes | None = None
    layout: Layout = LAYOUT


class Start(msgspec.Struct, frozen=True):
    """A process that is to be started, or started again; ``logs`` are the words that show what it said last."""

    entry: Entry
    steps: tuple[Step, ...]
    logs: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done on one machine.

    Args:
        machine: which.
        before: what comes before the software.
        engine: where Docker is to answer after that; empty where nothing of it is installed.
        release: the release that is to be brought there; None where it is there.
        layout: all else that touches nothing that runs.
        sent: processes whose folders are among it: their places here are to be given up before they are started.
        starts: what does not run.
        restarts: what runs with other settings.
    """

    machine: Machine
    before: tuple[Step, ...] = ()
    engine: str = ""
    release: str | None = None
    layout: tuple[Step, ...] = ()
    sent: tuple[str, ...] = ()
    starts: tuple[Start, ...] = ()
    restarts: tuple[Start, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether the machine is as it should be."""
        return not (self.before or self.release or self.layout or self.starts or self.restarts)

    @property
    def sentences(self) -> list[str]:
        """What it does, for people."""
        steps = [*self.before, *self.layout]
        software = [f"brings Okube {self.release}"] if self.release else []
        started = [f"starts {each.entry.name}" for each in self.starts]
        restarted = [f"restarts {each.entry.name}: its settings have changed" for each in self.restarts]
        before = [step.why for step in self.before]
        after = [step.why for step in steps[len(before) :] if not isinstance(step, Run)]
        return [*before, *software, *after, *started, *restarted]


def plan_machine(machine: Machine, facts: Facts, desired: Desired) -> Plan:
    """What differs on a machine, as steps.

    Raises:
        NotFound: nothing there starts services.
        BadFile: a file there is damaged.
    """
    layout, init = desired.layout, init_of(facts.init)
    entries = entries_of(machine)
    there = {entry: installed_of(facts, entry, layout) for entry in entries}
    units = {entry: _unit(entry, desired) for entry in entries}
    laid = [
        *_folders(machine, facts, desired),
        *_settings(machine, facts, desired),
        *_trees(entries, there, desired),
        *_units(units, there, facts, desired, init),
        *_links(facts, desired),
    ]
    startable = [entry for entry in entries if there[entry].identity is not None or entry.name in desired.trees]
    wanted = {entry: settings_sum(entry, units[entry], desired.config) for entry in startable}
    starts = [entry for entry in startable if not there[entry].unit.runs and not there[entry].was_removed]
    restarts = [entry for entry in startable if there[entry].unit.runs and there[entry].started != wanted[entry]]
    before = tuple(_before(machine, facts, desired))
    return Plan(
        machine=machine,
        before=before,
        engine=desired.config.docker.host if any(isinstance(step, Packages) for step in before) else "",
        release=None if desired.release in facts.entries.get(str(layout.versions), ()) else desired.release,
        layout=tuple(laid),
        sent=tuple(entry.name for entry in entries if there[entry].identity is None and entry.name in desired.trees),
        starts=tuple(_start(entry, there[entry], wanted[entry], init, layout) for entry in starts),
        restarts=tuple(_restart(entry, wanted[entry], init, layout) for entry in restarts),
    )


def _before(machine: Machine, facts: Facts, desired: Desired) -> Iterator[Step]:
    config = desired.config
    no_engine = facts.engine is not None and bool(facts.engine.problem) and not facts.has("dockerd")
    if machine.workers and no_engine and config.install.docker == "distribution":
        yield Packages(why="installs Docker of the distribution", names=ENGINE_PACKAGES)
    if SYSTEM_USER not in facts.users and machine.managers:
        # Without a home: a data_dir that is somebody's home would be refused, for a purge removes it.
        yield Account(why=f"makes the user {SYSTEM_USER}", name=SYSTEM_USER, home="/nonexistent")


def _folders(machine: Machine, facts: Facts, desired: Desired) -> Iterator[Step]:
    layout = desired.layout
    owner = SYSTEM_USER if machine.managers else "root"
    for path, mode, whose in (
        (layout.settings, 0o755, "root"),
        (layout.settings / "started", 0o755, "root"),
        (layout.keys, 0o700, owner),
        (layout.data, 0o755, owner),
    ):
        found = facts.files.get(str(path))
        right = found is not None and (found.kind, found.mode, found.owner) == ("folder", mode, whose)
        if not right:
            yield Folder(why=f"makes {path}", path=str(path), mode=mode, owner=whose)


def _settings(machine: Machine, facts: Facts, desired: Desired) -> Iterator[Step]:
    layout = desired.layout
    yield from _file(facts, str(layout.cluster_file), desired.cluster_file)
    yield from _seed(machine, facts, desired)
    if desired.unlock_key is not None and any(manager.name in desired.trees for manager in machine.managers):
        path = str(layout.keys / "unlock.key")
        yield File(why="brings the unlock key", path=path, content=desired.unlock_key, mode=0o600, owner=SYSTEM_USER)
    if desired.authority is None or desired.authority[0] not in machine.names:
        return
    _, certificate, key = desired.authority
    authority, key_file = layout.data / "ca", layout.keys / "ca.key"
    yield Folder(why=f"makes {authority}", path=str(authority), mode=0o700, owner=SYSTEM_USER)
    yield File(
        why="brings the certificate of the CA", path=str(authority / "ca.crt"), content=certificate, owner=SYSTEM_USER
    )
    yield File(why="brings the key of the CA", path=str(key_file), content=key, mode=0o600, owner=SYSTEM_USER)


def _seed(machine: Machine, facts: Facts, desired: Desired) -> Iterator[Step]:
    """The cluster as it was made, or restored; what it learnt since then is in its state."""
    path = str(desired.layout.data / _FILE_OF_CLUSTER)
    owner = SYSTEM_USER if machine.managers else "root"
    if desired.seed is None:
        return
    if facts.contents.get(path) is None:
        yield File(why=f"writes {path}", path=path, content=desired.seed, owner=owner)
        return
    there, wanted = seed_on(facts, desired.layout), seed_in(desired.seed)
    if there is not None and wanted is not None and there.incarnation < wanted.incarnation:
        yield File(why=f"changes {path}: the cluster was restored", path=path, content=desired.seed, owner=owner)


def _trees(entries: tuple[Entry, ...], there: Mapping[Entry, Installed], desired: Desired) -> Iterator[Step]:
    for entry in entries:
        if there[entry].identity is None and entry.name in desired.trees:
            yield Tree(
                why=f"brings {entry.role} {entry.name} with its certificate",
                path=str(desired.layout.data / entry.name),
                archive=desired.trees[entry.name],
                owner=SYSTEM_USER if entry.role == "manager" else "root",
            )


def _units(
    units: Mapping[Entry, bytes],
    there: Mapping[Entry, Installed],
    facts: Facts,
    desired: Desired,
    init: Init,
) -> Iterator[Step]:
    written = [
        step for entry, text in units.items() for step in _file(facts, str(desired.layout.units / entry.unit), text)
    ]
    yield from written
    if written:
        yield Run(why="has the units read", words=init.reload())
    to_enable = [entry.unit for entry in units if there[entry].unit.runs and not there[entry].unit.is_enabled]
    if to_enable:
        yield Run(why=f"has {', '.join(to_enable)} start at boot", words=init.enable(to_enable))


def _links(facts: Facts, desired: Desired) -> Iterator[Step]:
    layout = desired.layout
    for path, target in (
        (layout.current, str(layout.release(desired.release))),
        (layout.command, str(layout.current / "bin/okube")),
    ):
        found = facts.files.get(str(path))
        if found is None or found.target != target:
            yield Link(why=f"points {path} to {target}", path=str(path), target=target)


def _file(facts: Facts, path: str, content: bytes) -> Iterator[Step]:
    found = facts.files.get(path)
    if found is None:
        yield File(why=f"writes {path}", path=path, content=content)
    elif found.sha256 != hashlib.sha256(content).hexdigest():
        yield File(why=f"changes {path}", path=path, content=content)
    elif (found.mode, found.owner) != (0o644, "root"):
        yield File(why=f"gives {path} to root, with mode 644", path=path, content=content)


def _unit(entry: Entry, desired: Desired) -> bytes:
    process = installed_process(desired.config, entry.role, entry.name, desired.release, layout=desired.layout)
    return unit_text(process).encode()


def settings_sum(entry: Entry, unit: bytes, config: ClusterConfig) -> str:
    """A sum of what a process reads at its start: its unit, and its own part of cluster.yaml."""
    own: ManagerConfig | WorkerConfig
    shared: tuple[object, ...]
    if entry.role == "manager":
        own = next(each for each in config.managers if each.name == entry.name)
        shared = (config.timing, config.snapshots, config.certificates)
    else:
        own = next(each for each in config.workers if each.name == entry.name)
        shared = (config.timing, config.runtime, config.docker, config.reserve)
    plain = msgspec.structs.replace(own, ssh=EntrySsh())
    return hashlib.sha256(msgspec.json.encode((unit, plain, shared))).hexdigest()


def _start(entry: Entry, there: Installed, wanted: str, init: Init, layout: Layout) -> Start:
    """What it is started with is remembered before: where it does not start, the next installation starts it anew.

    It is to start at boot from now on and not before, for until now its folder may be in two places.
    """
    enable = Run(why=f"has {entry.name} start at boot", words=init.enable([entry.unit]))
    start = Run(why=f"starts {entry.name}", words=init.start([entry.unit]))
    steps = (_remember(entry, wanted, layout), enable, start)
    logs = init.logs(entry.unit, _LOG_LINES)
    return Start(entry, steps if not there.unit.is_enabled else (steps[0], steps[2]), logs)


def _restart(entry: Entry, wanted: str, init: Init, layout: Layout) -> Start:
    """What it is started with is remembered afterwards: an interruption before costs a second restart, and no less."""
    remember = _remember(entry, wanted, layout)
    restart = Run(why=f"restarts {entry.name}", words=init.restart([entry.unit]))
    return Start(entry, (restart, remember), init.logs(entry.unit, _LOG_LINES))


def _remember(entry: Entry, wanted: str, layout: Layout) -> Step:
    return File(
        why=f"remembers what {entry.name} was started with",
        path=started_file(entry.name, layout),
        content=f"{wanted}\n".encode(),
    )
