"""What services ask for, summed up for each app and for each user who made some: kept as services come and go."""

from collections import Counter
from collections.abc import Iterator, Mapping

from okube.model.quota import QuotaKind
from okube.model.service import Service

__all__ = ["Asked", "Owner", "amounts_of", "owners_of"]

Owner = tuple[QuotaKind, str]


class Asked:
    """Sums over the services that fill slots; a global one fills one a node, so of these only the names are kept."""

    def __init__(self) -> None:
        self._sums: dict[Owner, Counter[str]] = {}
        self._globals: dict[Owner, dict[str, None]] = {}

    def of(self, owner: Owner) -> Mapping[str, int]:
        """What those services of an owner ask for that are not global."""
        return self._sums.get(owner, {})

    def globals_of(self, owner: Owner) -> Iterator[str]:
        """The ids of an owner's global services."""
        return iter(self._globals.get(owner, ()))

    def changed(self, old: Service | None, new: Service | None) -> None:
        """A service came, changed or went."""
        if old is not None:
            self._count(old, -1)
        if new is not None:
            self._count(new, 1)

    def _count(self, service: Service, sign: int) -> None:
        amounts = None if service.spec.mode == "global" else amounts_of(service, service.wanted)
        for owner in owners_of(service):
            if amounts is None:
                self._count_global(owner, service.id, sign)
            else:
                self._add(owner, amounts, sign)

    def _add(self, owner: Owner, amounts: Mapping[str, int], sign: int) -> None:
        sums = self._sums.setdefault(owner, Counter())
        for name, amount in amounts.items():
            if amount:
                sums[name] += sign * amount
                if not sums[name]:
                    del sums[name]
        if not sums:
            del self._sums[owner]

    def _count_global(self, owner: Owner, service_id: str, sign: int) -> None:
        ids = self._globals.setdefault(owner, {})
        if sign > 0:
            ids[service_id] = None
        else:
            ids.pop(service_id, None)
        if not ids:
            del self._globals[owner]


def owners_of(service: Service) -> Iterator[Owner]:
    """For whose quotas a service counts."""
    if service.spec.app is not None:
        yield "app", service.spec.app
    if service.created_by:
        yield "user", service.created_by


def amounts_of(service: Service, slots: int) -> dict[str, int]:
    """What a service asks for with so many slots, and the service itself; amounts as quotas have them."""
    asked = service.spec.resources
    return {
        "cpus": round(asked.cpus * 1000) * slots,
        "memory": asked.memory * slots,
        "disk": asked.disk * slots,
        "tasks": slots,
        "services": 1,
        **{name: count * slots for name, count in asked.counts.items()},
    }
