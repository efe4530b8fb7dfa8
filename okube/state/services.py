"""Commands about services: put, delete, scale, stop, start, restart, roll back."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from okube.model.commands import DeleteServices, PutServices, RefreshServices, ScaleServices
from okube.model.errors import Conflict, FieldError, InvalidInput, NotFound
from okube.model.secret import SecretKind
from okube.model.service import KEPT_VERSIONS, Service, SpecVersion
from okube.model.shown import service_answer
from okube.model.spec import MAX_REPLICAS, ServiceSpec
from okube.model.workload_views import Action, ServiceAnswer, ServiceView
from okube.state.apps import names_of_app
from okube.state.dependencies import refuse_circles, stop_later
from okube.state.mounts import lacking, to_restart
from okube.state.queries import view_of_service
from okube.state.quotas import check_quotas
from okube.state.tables import Tables
from okube.state.tasks import stop_tasks
from okube.state.within import check_spec_within, check_within

__all__ = ["change_of", "check_put_quotas", "delete", "put", "refresh", "restart_for", "scale", "to_prune"]

_json = msgspec.json.Encoder()
_ROWS_AT_ONCE = 1000


def put(tables: Tables, command: PutServices, now_ms: int) -> bytes:
    """Make, change or prune services: all or none. Answers ``[{service view, plus action}]``, what is removed last."""
    names = [spec.name for spec in command.specs]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InvalidInput.of([FieldError("name", f"{name} is given twice") for name in twice], what="services")
    for spec in command.specs:
        _check_put(tables, spec, command)
    refuse_circles(tables, command.specs)
    pruned = to_prune(tables, command.specs) if command.prune else []
    changes = list(_put_changes(tables, command, now_ms))
    check_quotas(tables, [*changes, *((service, None) for service in pruned)])
    answer = []
    for old, new in changes:
        action = change_of(old, new.spec)
        if action != "unchanged":
            tables.put_service(new)
        answer.append(_answer(tables, new.name, action))
    answer += [_answer(tables, service.name, "removed") for service in pruned]
    _forget(tables, pruned, now_ms)
    return _json.encode(answer)


def check_put_quotas(tables: Tables, command: PutServices) -> None:
    """Refuse what goes beyond a quota as ``put`` would, and change nothing. Raises Conflict."""
    pruned = to_prune(tables, command.specs) if command.prune else []
    check_quotas(tables, [*_put_changes(tables, command, 0), *((service, None) for service in pruned)])


def _put_changes(tables: Tables, command: PutServices, now_ms: int) -> Iterator[tuple[Service | None, Service]]:
    """Each service before and as it would be then."""
    for service_id, spec in zip(command.ids, command.specs, strict=True):
        old = tables.service_named(spec.name)
        if old is None:
            by = command.created_by
            yield None, Service(id=service_id, spec=spec, created_by=by, created_ms=now_ms, updated_ms=now_ms)
        else:
            yield old, old if old.spec == spec else _with_spec(old, spec, now_ms, stopped=old.stopped)


def to_prune(tables: Tables, specs: Sequence[ServiceSpec]) -> list[Service]:
    """The services, by name, of the apps that ``specs`` name, that are not among these."""
    apps = {spec.app for spec in specs if spec.app is not None}
    named = {spec.name for spec in specs}
    found = (one for one in tables.services.values() if one.spec.app in apps and one.name not in named)
    return sorted(found, key=lambda service: service.name)


def change_of(old: Service | None, spec: ServiceSpec) -> Action:
    """What putting ``spec`` in the place of ``old`` would be: created, changed or unchanged."""
    if old is None:
        return "created"
    return "unchanged" if old.spec == spec else "changed"


def delete(tables: Tables, command: DeleteServices, now_ms: int) -> bytes:
    """Forget services and stop their tasks. Answers the views as they were."""
    if command.app:
        check_within(command.within, command.app, f"app {command.app}")
    names = names_of_app(tables, command.app) if command.app else dict.fromkeys(command.names)
    found = [_named(tables, name, command) for name in names]
    answer = [_view(tables, service.name) for service in found]
    _forget(tables, found, now_ms)
    return _json.encode(answer)


def _forget(tables: Tables, found: Iterable[Service], now_ms: int) -> None:
    """Of many tasks only the first are seen to here, so that nobody waits for long: the leader sees to the rest.

    And to those of services that others of these depend on, once these have stopped.
    """
    room = _ROWS_AT_ONCE
    removed = [*found]
    later = stop_later(tables, [service.id for service in removed])
    for service in removed:
        tables.delete_service(service.id)
        first = tables.tasks_of(service.id, most=room)
        room -= len(first)
        stopping = [task for task in first if not task.ended and (service.id not in later or task.node is None)]
        stop_tasks(tables, [task.id for task in stopping], "stopped", now_ms)
        for task in first:
            if task.ended:
                tables.delete_task(task.id)


def scale(tables: Tables, command: ScaleServices, now_ms: int) -> bytes:
    """Set how many tasks services should have: all or none. Answers the views."""
    found = [_named(tables, name, command) for name in command.names]
    for service, replicas in zip(found, command.replicas, strict=True):
        if service.spec.mode == "global":
            raise Conflict(f"{service.name} is global: it has one task on each node and is not scaled")
        if not 0 <= replicas <= MAX_REPLICAS:
            raise InvalidInput.of([FieldError("replicas", f"{replicas} is out of range: 0 to {MAX_REPLICAS}")])
    changes = []
    for service, replicas in zip(found, command.replicas, strict=True):
        if service.spec.replicas != replicas or service.stopped:
            spec = msgspec.structs.replace(service.spec, replicas=replicas)
            changes.append((service, _with_spec(service, spec, now_ms, stopped=False)))
    check_quotas(tables, changes)
    for _, new in changes:
        tables.put_service(new)
    return _json.encode([_view(tables, service.name) for service in found])


def refresh(tables: Tables, command: RefreshServices, now_ms: int) -> bytes:
    """Stop, start, restart or roll back services: all or none. Answers the views."""
    if command.app:
        found, changed = _refreshed_of_app(tables, command, now_ms)
    else:
        found = [_named(tables, name, command) for name in command.names]
        changed = [_REFRESH[command.how](service, now_ms) for service in found]
    for old, new in zip(found, changed, strict=True):
        if old.spec != new.spec:
            _check_mounts(tables, old, new.spec)
    refuse_circles(tables, [new.spec for old, new in zip(found, changed, strict=True) if old.spec != new.spec])
    for new in changed:
        check_within(command.within, new.spec.app, f"{new.name}, as it would be then,")
    check_quotas(tables, zip(found, changed, strict=True))
    for old, new in zip(found, changed, strict=True):
        if old != new:
            tables.put_service(new)
    return _json.encode([_view(tables, service.name) for service in found])


def _refreshed_of_app(tables: Tables, command: RefreshServices, now_ms: int) -> tuple[list[Service], list[Service]]:
    """An app's services before and after; one to which it does not apply stays as it is, and one at least must."""
    check_within(command.within, command.app, f"app {command.app}")
    found = [_service(tables, name) for name in names_of_app(tables, command.app)]
    changed = []
    refused: list[Conflict] = []
    for service in found:
        try:
            changed.append(_REFRESH[command.how](service, now_ms))
        except Conflict as error:
            refused.append(error)
            changed.append(service)
    if len(refused) == len(found):
        raise Conflict(f"nothing of app {command.app} can do that: {refused[0].detail}")
    return found, changed


def _check_put(tables: Tables, spec: ServiceSpec, command: PutServices) -> None:
    check_within(command.within, spec.app, f"{spec.name}, as you want it,")
    old = tables.service_named(spec.name)
    check_spec_within(tables, command.within, spec, None if old is None else old.spec)
    if old is None:
        if command.how == "replace" or command.if_match is not None:
            raise NotFound(f"there is no service {spec.name}")
        return
    if command.how == "create":
        raise Conflict(f"there is a service {spec.name} already; change it with apply or scale, or take another name")
    check_within(command.within, old.spec.app, spec.name)
    _check_revision(old, command.if_match)
    _check_mounts(tables, old, spec)
    if (old.spec.mode == "global") != (spec.mode == "global"):
        raise Conflict(
            f"{spec.name} is {old.spec.mode}; a service's mode is not changed to or from global: rm it first"
        )


def _check_mounts(tables: Tables, old: Service, spec: ServiceSpec) -> None:
    """A service that runs is not stopped for a version that would have to wait; a new one may wait for its own."""
    missing = lacking(tables, spec)
    if missing and not lacking(tables, old.spec):
        raise Conflict(f"{spec.name} stays as it is: {'; '.join(missing)}")


def _check_revision(service: Service, if_match: int | None) -> None:
    if if_match is not None and service.revision != if_match:
        raise Conflict(f"{service.name} is at revision {service.revision}, not {if_match}: read it again and retry")


def _named(tables: Tables, name: str, command: DeleteServices | ScaleServices | RefreshServices) -> Service:
    service = _service(tables, name)
    check_within(command.within, service.spec.app, name)
    _check_revision(service, command.if_match)
    return service


def _service(tables: Tables, name: str) -> Service:
    service = tables.service_named(name)
    if service is None:
        raise NotFound(f"there is no service {name}")
    return service


def _with_spec(old: Service, spec: ServiceSpec, now_ms: int, *, stopped: bool) -> Service:
    """The service with another spec: a new version if tasks would differ by it."""
    same_tasks = msgspec.structs.replace(spec, replicas=old.spec.replicas, update=old.spec.update) == old.spec
    if same_tasks:
        return msgspec.structs.replace(old, spec=spec, stopped=stopped, updated_ms=now_ms)
    return msgspec.structs.replace(_new_version(old, spec, now_ms), stopped=stopped)


def _new_version(old: Service, spec: ServiceSpec, now_ms: int) -> Service:
    versions = (*old.versions, SpecVersion(old.version, old.spec))[-KEPT_VERSIONS:]
    return msgspec.structs.replace(old, spec=spec, version=old.version + 1, versions=versions, updated_ms=now_ms)


def _stop(service: Service, now_ms: int) -> Service:
    if service.stopped:
        return service
    return msgspec.structs.replace(service, stopped=True, updated_ms=now_ms)


def _start(service: Service, now_ms: int) -> Service:
    if not service.stopped:
        return service
    return msgspec.structs.replace(service, stopped=False, updated_ms=now_ms)


def _restart(service: Service, now_ms: int) -> Service:
    if service.stopped:
        raise Conflict(f"{service.name} is stopped; start it")
    return _new_version(service, service.spec, now_ms)


def _roll_back(service: Service, now_ms: int) -> Service:
    """To the newest version before whose spec differs; how many there should be stays as it is."""
    for kept in reversed(service.versions):
        spec = msgspec.structs.replace(kept.spec, replicas=service.spec.replicas)
        if spec != service.spec:
            return _new_version(service, spec, now_ms)
    raise Conflict(f"{service.name} has no version before to go back to")


def restart_for(tables: Tables, kind: SecretKind, name: str, now_ms: int) -> None:
    """A secret or config was rotated: the services that ask for it get a new version, and its tasks the new value."""
    for service in list(to_restart(tables, kind, name)):
        tables.put_service(_new_version(service, service.spec, now_ms))


_REFRESH = {"stop": _stop, "start": _start, "restart": _restart, "rollback": _roll_back}


def _answer(tables: Tables, name: str, action: Action) -> ServiceAnswer:
    service = tables.service_named(name)
    assert service is not None
    return service_answer(service, action, **tables.sums_of(service)._asdict())


def _view(tables: Tables, name: str) -> ServiceView:
    service = tables.service_named(name)
    assert service is not None
    return view_of_service(tables, service)
