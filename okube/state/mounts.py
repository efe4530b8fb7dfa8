"""What secrets and configs mean for services and tasks: which versions a task gets, who uses them, what rotation does.

A task gets the newest versions when it is placed and keeps them, whatever is rotated meanwhile; so a new value proves
itself in one slot before it goes on to the next, as a new image does.
"""

from collections.abc import Iterator

import msgspec

from okube.model.commands import RenewMounts
from okube.model.mounts import MountKind
from okube.model.secret import Secret
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.state.tables import Tables

__all__ = [
    "lacking",
    "needed_by",
    "newest",
    "renew",
    "renewed",
    "to_restart",
    "usable",
    "users_of",
    "users_of_all",
    "versions_in_use",
]


def newest(tables: Tables, spec: ServiceSpec) -> tuple[int, ...] | None:
    """The versions that a task placed now gets, or None where it has to wait for one."""
    wanted = spec.all_mounts
    if not wanted:
        return ()
    found = [usable(tables, kind, mount.name, spec.app) for kind, mount in wanted]
    return None if None in found else tuple(secret.newest.version for secret in found if secret is not None)


def lacking(tables: Tables, spec: ServiceSpec) -> list[str]:
    """A sentence for each secret and config of a service that is not there, or is another app's."""
    sentences = []
    for kind, mount in spec.all_mounts:
        secret = tables.secrets.get((kind, mount.name))
        if secret is None:
            sentences.append(f"there is no {kind} {mount.name}: make it with 'okube {kind} create {mount.name}'")
        elif not _is_for(secret, spec.app):
            sentences.append(f"{kind} {mount.name} is for app {secret.app} alone, and {spec.name} is not of that app")
    return sentences


def usable(tables: Tables, kind: MountKind, name: str, app: str | None) -> Secret | None:
    """A secret or config as far as services of ``app`` may be given it."""
    secret = tables.secrets.get((kind, name))
    return secret if secret is not None and _is_for(secret, app) else None


def users_of(tables: Tables, kind: MountKind, name: str) -> list[Service]:
    """The services that are given a secret or config, by name."""
    found = (one for one in tables.services.values() if any(mount.name == name for mount in one.spec.mounts(kind)))
    return sorted(found, key=lambda service: service.name)


def users_of_all(tables: Tables) -> dict[tuple[str, str], tuple[str, ...]]:
    """The names of those services for everything that any is given, by kind and name: one pass for a whole list."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for service in tables.services.values():
        for kind, mount in service.spec.all_mounts:
            found.setdefault((kind, mount.name), {})[service.name] = None
    return {thing: tuple(sorted(names)) for thing, names in found.items()}


def versions_in_use(tables: Tables, kind: MountKind, name: str) -> set[int]:
    """The versions that tasks which have not ended were given: they may need them again when their machine boots."""
    return {
        given.version
        for service in tables.services.values()
        if any(mount.name == name for spec in _specs(service) for mount in spec.mounts(kind))
        for task in tables.tasks_of(service.id)
        if not task.ended and task.mounted is not msgspec.UNSET
        for given in tables.spec_of(task).given(task.mounted)
        if (given.kind, given.mount.name) == (kind, name)
    }


def needed_by(tables: Tables, node: str, kind: MountKind, name: str, version: int) -> Task | None:
    """A task on this very node that is given this version and has not ended, or None where there is none."""
    there = tables.nodes.get(node)
    for task_id in tables.tasks_on_node.get(node, ()):
        task = tables.tasks[task_id]
        if there is None or task.ended or task.node_id != there.id or task.mounted is msgspec.UNSET:
            continue
        given = tables.spec_of(task).given(task.mounted)
        if any((one.kind, one.mount.name, one.version) == (kind, name, version) for one in given):
            return task
    return None


def renewed(tables: Tables, task: Task) -> tuple[int, ...] | None:
    """The versions that a task should have by now where a signal tells it of others; None where it has them."""
    if task.mounted is msgspec.UNSET or task.ended or task.desired != "run":
        return None
    spec = tables.spec_of(task)
    versions = []
    for one in spec.given(task.mounted):
        secret = usable(tables, one.kind, one.mount.name, spec.app) if one.mount.signal else None
        versions.append(one.version if secret is None else secret.newest.version)
    return None if tuple(versions) == task.mounted else tuple(versions)


def renew(tables: Tables, command: RenewMounts, now_ms: int) -> bytes:
    """Tasks get the newest versions of what a signal tells them of."""
    del now_ms
    for task_id in command.ids:
        task = tables.tasks.get(task_id)
        versions = None if task is None else renewed(tables, task)
        if task is not None and versions is not None:
            tables.put_task(msgspec.structs.replace(task, mounted=versions))
    return b"null"


def to_restart(tables: Tables, kind: MountKind, name: str) -> Iterator[Service]:
    """The services whose tasks a rotation replaces. A job is not run again for it, nor what has run to its end."""
    for service in users_of(tables, kind, name):
        restarts = any(mount.name == name and mount.on_rotate == "restart" for mount in service.spec.mounts(kind))
        if restarts and not service.stopped and service.spec.mode != "job" and _lives(tables, service):
            yield service


def _lives(tables: Tables, service: Service) -> bool:
    return any(not task.ended for task in tables.tasks_of(service.id))


def _specs(service: Service) -> Iterator[ServiceSpec]:
    yield service.spec
    for kept in service.versions:
        yield kept.spec


def _is_for(secret: Secret, app: str | None) -> bool:
    return not secret.app or secret.app == app
