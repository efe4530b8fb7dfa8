"""Starting one command of a unit: its environment, user, limits, folders and control group."""

import contextlib
import grp
import os
import pwd
import re
import resource
import shlex
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from .confining import confine, forbid_new_privileges
from .unitfile import Unit

__all__ = ["LOGS", "Command", "ControlGroup", "commands", "environment_of", "make_folders", "spawn"]

#: Where the output of each unit goes; it outlives a power cut.
LOGS = Path("/var/log/lab-init")
_GROUPS = (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LIMITS = {"NOFILE": resource.RLIMIT_NOFILE, "NPROC": resource.RLIMIT_NPROC, "CORE": resource.RLIMIT_CORE}
_CANNOT_EXECUTE = 203


@dataclass(frozen=True)
class Command:
    """Words to run, whether their failure is none, and whether root runs them whoever the unit's user is."""

    words: list[str]
    may_fail: bool
    as_root: bool


class ControlGroup:
    """The control group of a unit: what it started, and what that started."""

    def __init__(self, unit: str) -> None:
        top = next((folder for folder in _GROUPS if (folder / "cgroup.procs").exists()), None)
        self.folder = None if top is None else top / "lab.slice" / unit

    def make(self) -> None:
        """Have it before the first process."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)

    def enter(self) -> None:
        """Put this process in."""
        if self.folder is not None:
            (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def processes(self) -> list[int]:
        """Those that are in it, below it too."""
        if self.folder is None or not self.folder.is_dir():
            return []
        found: list[int] = []
        for listing in self.folder.rglob("cgroup.procs"):
            try:
                found += [int(line) for line in listing.read_text().split()]
            except OSError:
                continue  # gone meanwhile
        return found

    def signal(self, number: int, *, but: int | None = None) -> None:
        """Send a signal to each but one."""
        for pid in self.processes():
            if pid != but:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue


def commands(unit: Unit, key: str, environment: Mapping[str, str]) -> list[Command]:
    """What ``ExecStart=`` and its like say, with the variables filled in."""
    found = []
    for line in unit.all("Service", key):
        prefix, bare = re.match(r"([-@:+!]*)(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]  # always matches
        words: list[str] = []
        for word in shlex.split(bare):
            if re.fullmatch(r"\$\w+", word):
                words += environment.get(word[1:], "").split()
            else:
                words.append(re.sub(r"\$(?:\$|\{(\w+)\})", lambda m: environment.get(m[1], "") if m[1] else "$", word))
        found.append(Command(words, "-" in prefix, "+" in prefix))
    return found


def environment_of(unit: Unit) -> dict[str, str]:
    """The environment of a unit's processes: systemd's few, and what the file says."""
    found = {"PATH": _PATH, "LANG": "C.UTF-8"}
    user = unit.service("User")
    if user:
        entry = pwd.getpwnam(user)
        found |= {"USER": user, "LOGNAME": user, "HOME": entry.pw_dir, "SHELL": entry.pw_shell}
    for key, top in (("RuntimeDirectory", "/run"), ("StateDirectory", "/var/lib"), ("LogsDirectory", "/var/log")):
        names = unit.words("Service", key)
        if names:
            found[re.sub(r"(?<!^)(?=[A-Z])", "_", key).upper()] = ":".join(f"{top}/{name}" for name in names)
    for word in unit.words("Service", "Environment"):
        name, _, value = word.partition("=")
        found[name] = value
    for place in unit.all("Service", "EnvironmentFile"):
        found |= _environment_file(place)
    return found


def make_folders(unit: Unit) -> None:
    """The folders that a unit asks for, owned by its user."""
    owner = _ids(unit)
    for key, top in (
        *(("RuntimeDirectory", "/run"), ("StateDirectory", "/var/lib"), ("LogsDirectory", "/var/log")),
        *(("CacheDirectory", "/var/cache"), ("ConfigurationDirectory", "/etc")),
    ):
        for name in unit.words("Service", key):
            folder = Path(top, name)
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(int(unit.service(f"{key}Mode", "0755"), 8))
            if owner is not None and key != "ConfigurationDirectory":
                os.chown(folder, owner[0], owner[1])


def spawn(unit: Unit, command: Command, environment: Mapping[str, str], group: ControlGroup) -> int:
    """Start a command of a unit and answer its process id."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = os.open(LOGS / f"{unit.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    group.make()
    pid = os.fork()
    if pid:
        os.close(log)
        return pid
    _become(unit, command, {**environment}, group, log)


def _become(unit: Unit, command: Command, environment: dict[str, str], group: ControlGroup, log: int) -> NoReturn:
    """In the child: put everything in place, and be the command."""
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        group.enter()
        nothing = os.open("/dev/null", os.O_RDONLY)
        for old, new in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(old, new)
        os.closerange(3, 65536)
        _limit(unit)
        os.umask(int(unit.service("UMask", "0022"), 8))
        os.chdir(unit.service("WorkingDirectory", "/").removeprefix("-"))
        if not command.as_root:
            confine(unit)
            _take_user(unit)
            forbid_new_privileges(unit)
        if environment.get("WATCHDOG_PID") == "self":
            environment["WATCHDOG_PID"] = str(os.getpid())
        os.execvpe(command.words[0], command.words, environment)
    except Exception as error:  # whatever it was, this process must end here, and say why
        os.write(2, f"{unit.name}: {command.words[0]} cannot be started: {error}\n".encode())
    os._exit(_CANNOT_EXECUTE)


def _limit(unit: Unit) -> None:
    """As near to what is asked as this machine allows; so does systemd in a container."""
    if unit.service("OOMScoreAdjust"):
        with contextlib.suppress(PermissionError):
            Path("/proc/self/oom_score_adj").write_text(unit.service("OOMScoreAdjust"))
    if unit.service("Nice"):
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, int(unit.service("Nice")))
    for name, kind in _LIMITS.items():
        value = unit.service(f"Limit{name}")
        if value:
            soft, _, hard = value.partition(":")
            _limit_one(kind, _bound(soft), _bound(hard or soft))


def _limit_one(kind: int, soft: int, hard: int) -> None:
    try:
        resource.setrlimit(kind, (soft, hard))
    except (ValueError, PermissionError):
        _, most = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if soft == resource.RLIM_INFINITY else min(soft, most), most))


def _bound(text: str) -> int:
    return resource.RLIM_INFINITY if text == "infinity" else int(text)


def _take_user(unit: Unit) -> None:
    owner = _ids(unit)
    if owner is None:
        return
    user = unit.service("User")
    more = [grp.getgrnam(name).gr_gid for name in unit.words("Service", "SupplementaryGroups")]
    os.setgroups([*os.getgrouplist(user, owner[1]), *more] if user else more)
    os.setgid(owner[1])
    os.setuid(owner[0])


def _ids(unit: Unit) -> tuple[int, int] | None:
    user, group = unit.service("User"), unit.service("Group")
    if not user and not group:
        return None
    entry = pwd.getpwnam(user) if user else pwd.getpwuid(0)
    return entry.pw_uid, grp.getgrnam(group).gr_gid if group else entry.pw_gid


def _environment_file(place: str) -> dict[str, str]:
    path = Path(place.removeprefix("-"))
    if place.startswith("-") and not path.exists():
        return {}
    found = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            found[name] = " ".join(shlex.split(value))
    return found
