"""Unit files as systemd reads them: where they lie, their lines, templates, drop-ins and specifiers."""

import re
import shlex
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["FOLDERS", "BadUnit", "Unit", "UnitMissing", "enabled_units", "read_unit", "seconds"]

#: Where unit files lie, the first that has one wins. The first is where `enable` makes its links.
FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
_BOOT_TARGETS = ("multi-user.target", "default.target", "graphical.target")
_UNITS_OF_TIME = {
    **dict.fromkeys(("us", "usec", "µs"), 1e-6),
    **dict.fromkeys(("ms", "msec"), 1e-3),
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}


class UnitMissing(Exception):
    """There is no such unit file."""


class BadUnit(Exception):
    """A unit file says something that cannot be read."""


@dataclass(frozen=True)
class Unit:
    """One service's file, with its drop-ins laid over it."""

    name: str
    path: Path
    settings: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def last(self, section: str, key: str, default: str = "") -> str:
        """The value that counts where only one can."""
        values = self.settings.get((section, key))
        return values[-1] if values else default

    def all(self, section: str, key: str) -> list[str]:
        """All values, in order."""
        return self.settings.get((section, key), [])

    def words(self, section: str, key: str) -> list[str]:
        """All values of a list that may stand on one line or on several."""
        return [word for value in self.all(section, key) for word in _split(value, self.name)]

    def service(self, key: str, default: str = "") -> str:
        """The last value of a key of ``[Service]``."""
        return self.last("Service", key, default)

    def time(self, key: str, default: float) -> float:
        """A time of ``[Service]`` in seconds; infinite where it says so."""
        value = self.service(key)
        return seconds(value) if value else default

    def flag(self, key: str, *, default: bool = False) -> bool:
        """A yes or no of ``[Service]``."""
        value = self.service(key)
        return value.lower() in ("yes", "true", "on", "1") if value else default


def seconds(text: str) -> float:
    """A span of time as systemd writes it: ``90``, ``1min 30s``, ``500ms``, ``infinity``."""
    if text.strip() == "infinity":
        return float("inf")
    found = re.findall(r"([0-9.]+)\s*([a-zµ]*)", text)
    if not found or any(unit not in _UNITS_OF_TIME for _, unit in found):
        raise BadUnit(f"{text!r} is no span of time")
    return sum(float(number) * _UNITS_OF_TIME[unit] for number, unit in found)


def read_unit(name: str, folders: Iterable[str] = FOLDERS) -> Unit:
    """The unit of that name, from its own file or its template's; raises `UnitMissing`."""
    folders = tuple(folders)
    template = re.sub(r"@.*(?=\.)", "@", name)
    path = _first(name, folders) or _first(template, folders)
    if path is None:
        raise UnitMissing(f"Unit {name} not found.")
    if path.resolve() == Path("/dev/null"):
        raise UnitMissing(f"Unit {name} is masked.")
    settings: dict[tuple[str, str], list[str]] = {}
    for part in (path, *_drop_ins(name, template, folders)):
        _read_into(settings, part, name)
    return Unit(name, path, settings)


def enabled_units(folder: str = FOLDERS[0]) -> list[str]:
    """The units that the boot starts: those that somebody has linked to the wants of its targets."""
    found = {link.name for target in _BOOT_TARGETS for link in Path(folder, f"{target}.wants").glob("*.service")}
    return sorted(found)


def _first(name: str, folders: tuple[str, ...]) -> Path | None:
    paths = (Path(folder, name) for folder in folders)
    return next((path for path in paths if path.is_symlink() or path.is_file()), None)


def _drop_ins(name: str, template: str, folders: tuple[str, ...]) -> list[Path]:
    found: dict[str, Path] = {}
    for folder in reversed(folders):
        for of in dict.fromkeys((template, name)):
            found.update({path.name: path for path in Path(folder, f"{of}.d").glob("*.conf")})
    return [found[key] for key in sorted(found)]


def _read_into(settings: dict[tuple[str, str], list[str]], path: Path, name: str) -> None:
    section = ""
    text = path.read_text().replace("\\\n", " ")
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            continue
        key, equals, value = line.partition("=")
        if not equals or not section:
            raise BadUnit(f"{path}:{number}: neither a section nor KEY=VALUE: {line}")
        values = settings.setdefault((section, key.strip()), [])
        if value.strip():
            values.append(_specifiers(value.strip(), name))
        else:
            values.clear()


def _specifiers(value: str, name: str) -> str:
    full = name.rpartition(".")[0]
    prefix, _, instance = full.partition("@")
    known = {
        **{
            "n": name,
            "N": full,
            "p": prefix,
            "i": instance,
            "I": instance.replace("-", "/"),
            "H": socket.gethostname(),
        },
        **{"t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc", "%": "%"},
    }
    return re.sub(r"%(.)", lambda found: known.get(found[1], found[0]), value)


def _split(value: str, name: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError as error:
        raise BadUnit(f"{name}: {value!r}: {error}") from error
