"""Quotas: the table, what is asked for of each, and what is let in. Checked as commands are applied, so nobody races.

What counts is what services ask for, whatever of it runs now: each slot of a service that is not stopped, times what
one task is promised; of a global service, the nodes that it is for as of now. A job counts until it is stopped or gone.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec

from okube.model.commands import PutQuota, RemoveQuota
from okube.model.errors import Conflict, NotFound
from okube.model.quota import MAX_QUOTAS, Amounts, Quota, QuotaKind, quota_view, write_amount
from okube.model.service import Service
from okube.state.asked import Owner, amounts_of, owners_of
from okube.state.tables import Tables

__all__ = ["Change", "check_quotas", "put", "remove", "used_of"]

Change = tuple[Service | None, Service | None]
"""A service before and after; None: it is not there."""

_json = msgspec.json.Encoder()


def put(tables: Tables, command: PutQuota, now_ms: int) -> bytes:
    """Set a quota, be it below what is asked for already: nothing is stopped for it. Answers the view."""
    old = tables.quotas.get((command.kind, command.name))
    if old is None and command.if_match is not None:
        raise NotFound(f"{command.kind} {command.name} has no quota")
    _check_revision(old, command.if_match)
    if old is None and len(tables.quotas) >= MAX_QUOTAS:
        raise Conflict(f"there are {MAX_QUOTAS} quotas already: remove some that are not needed")
    new = Quota(kind=command.kind, name=command.name, limits=command.limits, by=command.by, changed_ms=now_ms)
    if old is None or old.limits != new.limits:
        old = tables.put_quota(new)
    return _json.encode(quota_view(old, used_of(tables, old.kind, old.name)))


def remove(tables: Tables, command: RemoveQuota, now_ms: int) -> bytes:
    """There is no such quota any more. Answers the view as it was."""
    del now_ms
    old = tables.quotas.get((command.kind, command.name))
    if old is None:
        raise NotFound(f"{command.kind} {command.name} has no quota")
    _check_revision(old, command.if_match)
    tables.delete_quota(old)
    return _json.encode(quota_view(old, used_of(tables, old.kind, old.name)))


def used_of(tables: Tables, kind: QuotaKind, name: str) -> Amounts:
    """What counts for the quota of an app or a user now; an amount of none is left out."""
    owner = (kind, name)
    used = Counter(tables.asked.of(owner))
    for service_id in tables.asked.globals_of(owner):
        service = tables.services[service_id]
        used.update(amounts_of(service, _slots(tables, service)))
    return +used


def check_quotas(tables: Tables, changes: Iterable[Change]) -> None:
    """Refuse what one command changes where it asks for more than a quota allows, and for more than before.

    Raises:
        Conflict: says whose quota, and of what.
    """
    if not tables.quotas:
        return
    more: dict[Owner, Counter[str]] = {}
    for old, new in changes:
        for service, sign in ((old, -1), (new, 1)):
            if service is not None:
                _count(tables, service, sign, more)
    for (kind, name), change in more.items():
        raised = {amount: by for amount, by in change.items() if by > 0}
        if raised:
            _check(tables, tables.quotas[kind, name], raised)


def _count(tables: Tables, service: Service, sign: int, more: dict[Owner, Counter[str]]) -> None:
    asked: Amounts | None = None
    for owner in owners_of(service):
        if owner in tables.quotas:
            asked = amounts_of(service, _slots(tables, service)) if asked is None else asked
            change = more.setdefault(owner, Counter())
            for name, amount in asked.items():
                change[name] += sign * amount


def _check(tables: Tables, quota: Quota, raised: Amounts) -> None:
    limited = {name: by for name, by in raised.items() if name in quota.limits}
    used = used_of(tables, quota.kind, quota.name) if limited else {}
    wrong = []
    for name, by in limited.items():
        most, now = quota.limits[name], used.get(name, 0)
        if now + by > most:
            shown = [write_amount(name, amount, apart=(now, most)) for amount in (by, now, most)]
            wrong.append(f"{name} {shown[0]} more asked, {shown[1]} of {shown[2]} in use")
    if wrong:
        raise Conflict(
            f"this goes beyond the quota of {quota.kind} {quota.name}: {'; '.join(wrong)}: ask for less, or have the "
            f"quota raised with `okube quota set {quota.kind}:{quota.name}`"
        )


def _slots(tables: Tables, service: Service) -> int:
    if service.spec.mode != "global" or service.stopped:
        return service.wanted
    there = tables.services.get(service.id)
    if there is not None and there.spec.constraints == service.spec.constraints:
        return tables.targets.count(service.id)
    return tables.targets.count_for(service.spec.constraints)


def _check_revision(quota: Quota | None, if_match: int | None) -> None:
    if quota is not None and if_match is not None and quota.revision != if_match:
        raise Conflict(
            f"the quota of {quota.kind} {quota.name} is at revision {quota.revision}, not {if_match}: read it again "
            "and retry"
        )
