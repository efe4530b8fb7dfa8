"""All services of a host: which are known, which are to be started and in what order."""

from collections.abc import Callable, Iterable

from .service import Service
from .unitfile import BadUnit, Unit, UnitMissing, enabled_units, read_unit

__all__ = ["Board"]

_SHOWN = (
    *("Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID", "NRestarts"),
    *("Result", "ExecMainStatus", "StatusText"),
)


class Board:
    """Units by name; those that wait for their turn are started by `advance`."""

    def __init__(self, say: Callable[[str], None], on_new: Callable[[Service], None]) -> None:
        self.services: dict[str, Service] = {}
        self._say = say
        self._on_new = on_new
        self._waiting: set[str] = set()

    def boot(self) -> None:
        """Start what is enabled."""
        for name in enabled_units():
            try:
                self.want(name)
            except (UnitMissing, BadUnit) as error:
                self._say(str(error))

    def get(self, name: str) -> Service:
        """The service of that name; its file is read anew while it does not run. Raises `UnitMissing`."""
        known = self.services.get(name)
        if known is not None and known.state != "inactive":
            return known
        unit = read_unit(name)
        if known is None:
            known = self.services[name] = Service(unit, self._say)
            self._on_new(known)
        known.unit = unit
        return known

    def reload(self) -> None:
        """Read the files of those that run."""
        for name, service in self.services.items():
            try:
                service.unit = read_unit(name)
            except UnitMissing:
                continue  # it runs on as it was started

    def want(self, name: str) -> None:
        """Have a unit started, after those that it needs and that exist."""
        service = self.get(name)
        if name in self._waiting or (service.state in ("active", "activating") and service.sub != "auto-restart"):
            return
        self._waiting.add(name)
        for other in _needed(service.unit):
            try:
                self.want(other)
            except UnitMissing:
                continue

    def stop(self, name: str) -> None:
        """Have a unit stopped, or not started."""
        self._waiting.discard(name)
        if name in self.services:
            self.services[name].stop()

    def advance(self) -> None:
        """Start those for whom nothing that comes before is still under way."""
        for name in sorted(self._waiting):
            service = self.services[name]
            before = service.unit.words("Unit", "After")
            if not any(self._under_way(other) for other in before if other != name):
                self._waiting.discard(name)
                service.start()

    def settled(self, names: Iterable[str]) -> bool:
        """Whether all that was asked of these is done."""
        return all(not self._under_way(name) for name in names)

    def show(self, name: str, enabled: str) -> dict[str, str]:
        """What is known of a unit, in systemd's words."""
        try:
            service = self.get(name)
        except UnitMissing:
            return {**dict.fromkeys(_SHOWN, ""), "Id": name, "LoadState": "not-found", "ActiveState": "inactive"}
        values = (
            *(name, "loaded", service.state, service.sub, enabled, str(service.main_pid), str(service.restart_count)),
            *(service.result, str(service.status >> 8 or service.status), service.status_text),
        )
        return dict(zip(_SHOWN, values, strict=True))

    def _under_way(self, name: str) -> bool:
        service = self.services.get(name)
        return name in self._waiting or (service is not None and not service.settled)


def _needed(unit: Unit) -> list[str]:
    names = [*unit.words("Unit", "Requires"), *unit.words("Unit", "Wants"), *unit.words("Unit", "BindsTo")]
    return [name for name in names if name.endswith(".service")]
