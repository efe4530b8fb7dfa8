"""What a unit may not do: the part of systemd's confinement that programs stumble over, kept as the file says it.

Read-only places, hidden homes, a /tmp of its own, capabilities, no new privileges. System calls, address families and
namespaces are not filtered here; the virtual machines with a true systemd show those.
"""

import ctypes
import os
from pathlib import Path

from .unitfile import Unit

__all__ = ["confine", "forbid_new_privileges"]

_NEW_MOUNTS = 0x20000  # CLONE_NEWNS
_READ_ONLY, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 32, 4096, 16384, 1 << 18  # mount(2)
_NO_NEW_PRIVILEGES, _DROP_CAPABILITY = 38, 24  # prctl(2)
_KEPT_FLAGS = {"nosuid": 2, "nodev": 4, "noexec": 8, "relatime": 1 << 21}
_HOMES = ("/home", "/root", "/run/user")
_OF_THE_KERNEL = ("/dev", "/proc", "/sys")
_CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
    *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
    *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"),
    *("CHECKPOINT_RESTORE",),
)
_LIBC = ctypes.CDLL(None, use_errno=True)


def confine(unit: Unit) -> None:
    """Confine this process, which is root still, before it becomes a command of the unit."""
    strict = unit.service("ProtectSystem") == "strict"
    home = unit.service("ProtectHome", "no")
    if strict or home in ("yes", "true", "read-only", "tmpfs") or unit.flag("PrivateTmp"):
        _call("unshare", _NEW_MOUNTS)
        _mount(None, "/", None, _RECURSIVE | _PRIVATE)
        if unit.flag("PrivateTmp"):
            for place in ("/tmp", "/var/tmp"):
                _mount("tmpfs", place, "tmpfs", 0, "mode=1777")
        writable = _writable(unit, strict=strict)
        for place in writable:
            _mount(place, place, None, _BIND | _RECURSIVE)
        if home in ("yes", "true", "tmpfs"):
            for place in filter(os.path.isdir, _HOMES):
                _mount("tmpfs", place, "tmpfs", _READ_ONLY, "mode=000")
        if strict:
            _freeze("/", but=(*writable, *_OF_THE_KERNEL, *(("/tmp", "/var/tmp") if unit.flag("PrivateTmp") else ())))
    _keep_capabilities(unit)


def forbid_new_privileges(unit: Unit) -> None:
    """The last step, after the user was taken."""
    if unit.flag("NoNewPrivileges"):
        _call("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _writable(unit: Unit, *, strict: bool) -> list[str]:
    if not strict:
        return []
    places = []
    for word in unit.words("Service", "ReadWritePaths"):
        path = word.lstrip("+")
        if path.startswith("-") and not Path(path[1:]).exists():
            continue
        places.append(path.lstrip("-"))
    for key, top in (("Runtime", "/run"), ("State", "/var/lib"), ("Logs", "/var/log"), ("Cache", "/var/cache")):
        places += [f"{top}/{name}" for name in unit.words("Service", f"{key}Directory")]
    return places


def _freeze(top: str, *, but: tuple[str, ...]) -> None:
    """Make every mount read-only, but those at or below some places."""
    points = [line.split()[4:6] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point, options in points:
        if point.startswith(top) and not any(point == free or point.startswith(f"{free}/") for free in but):
            kept = sum(_KEPT_FLAGS.get(option, 0) for option in options.split(","))
            _mount(None, point, None, _BIND | _REMOUNT | _READ_ONLY | kept)


def _keep_capabilities(unit: Unit) -> None:
    names = unit.words("Service", "CapabilityBoundingSet")
    if not unit.all("Service", "CapabilityBoundingSet") or any(name.startswith("~") for name in names):
        return
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    # The bounding set bites when the command is executed: until then this process can still take another user.
    for number, name in enumerate(_CAPABILITIES[: last + 1]):
        if f"CAP_{name}" not in names:
            _call("prctl", _DROP_CAPABILITY, number, 0, 0, 0)


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    words = (source, target, kind)
    _call(
        "mount", *(word and word.encode() for word in words), ctypes.c_ulong(flags), data and data.encode(), what=target
    )


def _call(name: str, *words: object, what: str = "") -> None:
    if getattr(_LIBC, name)(*words):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what or name)
