"""What a machine is and has, as ``onsite/probe.py`` tells it, and the question that it is asked."""

from typing import Literal

import msgspec

__all__ = [
    "Cgroups",
    "Disk",
    "Engine",
    "Facts",
    "InitKind",
    "Output",
    "Path",
    "Port",
    "Python",
    "Question",
    "System",
]

InitKind = Literal["systemd", "lab", "none"]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a machine.

    Args:
        ports: hosts and ports at which something is to listen.
        addresses: hosts of which one wants to know whether they are the machine's.
        folders: where files are to be; the nearest that is there is measured.
        syncs: how often to sync a little to each of them; 0: not at all.
        engine: where Docker listens; empty where nobody needs it.
        users: which of these accounts are there.
        files: paths that are to be looked at.
        listed: folders whose entries are listed.
        contents: files, as text, that hold nothing secret.
        commands: commands that only tell, by any name.
    """

    ports: tuple[tuple[str, int], ...] = ()
    addresses: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    syncs: int = 15
    engine: str = ""
    users: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    commands: dict[str, tuple[str, ...]] = {}


class System(msgspec.Struct, frozen=True):
    """The operating system: its name for people, its id, and what it is like (os-release(5))."""

    name: str = ""
    id: str = ""
    like: tuple[str, ...] = ()

    @property
    def has_apt(self) -> bool:
        """Whether it is Debian, Ubuntu or one of their kin."""
        return not {"debian", "ubuntu"}.isdisjoint({self.id, *self.like})


class Python(msgspec.Struct, frozen=True):
    """A Python: where, which, and for which wheels (``linux-x86_64``; ``libc`` is glibc's version, or empty)."""

    path: str
    version: tuple[int, int, int]
    implementation: str = "CPython"
    platform: str = ""
    libc: str = ""


class Disk(msgspec.Struct, frozen=True):
    """Bytes of the disk below a folder, its kind, and the median time of a small sync; ``problem``: no file there."""

    total: int
    free: int
    free_files: int = -1
    kind: str = ""
    sync_ms: float | None = None
    problem: str = ""


class Port(msgspec.Struct, frozen=True):
    """Whether something could listen; where it is taken, the command line of who has it, as far as it can be seen."""

    host: str
    port: int
    problem: str = ""
    taken: bool = False
    holder: str = ""


class Engine(msgspec.Struct, frozen=True):
    """What a Docker Engine says of itself, or why it does not."""

    problem: str = ""
    version: str = ""
    api: str = ""
    storage: str = ""
    root: str = ""
    cgroup_driver: str = ""
    memory_limit: bool = True
    security: tuple[str, ...] = ()


class Cgroups(msgspec.Struct, frozen=True):
    """The version of control groups (0: none), and which of their controllers there are."""

    version: int = 0
    controllers: tuple[str, ...] = ()


class Path(msgspec.Struct, frozen=True):
    """What is at a path."""

    kind: Literal["file", "folder", "link", "other"]
    mode: int = 0
    owner: str = "root"
    sha256: str = ""
    target: str = ""


class Output(msgspec.Struct, frozen=True):
    """How a command ended, and what it wrote."""

    status: int
    out: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. ``began`` and ``now`` are its clock, in seconds since 1970; ``entries`` are those of folders."""

    hostname: str = ""
    machine_id: str = ""
    boot_id: str = ""
    kernel: str = ""
    arch: str = ""
    system: System = System()
    is_root: bool = True
    cores: int = 1
    memory: int = 0
    pythons: tuple[Python, ...] = ()
    init: InitKind = "none"
    programs: dict[str, str | None] = {}
    users: tuple[str, ...] = ()
    disks: dict[str, Disk] = {}
    ports: tuple[Port, ...] = ()
    addresses: tuple[str, ...] = ()
    engine: Engine | None = None
    apparmor: bool = False
    cgroups: Cgroups = Cgroups()
    files: dict[str, Path | None] = {}
    entries: dict[str, tuple[str, ...]] = {}
    contents: dict[str, str | None] = {}
    commands: dict[str, Output] = {}
    began: float = 0.0
    now: float = 0.0

    def has(self, program: str) -> bool:
        """Whether a program is there."""
        return self.programs.get(program) is not None
