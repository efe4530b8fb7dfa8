"""``okube stop``, ``start``, ``restart``, ``rollback`` and ``rm``: what is done to services as a whole."""

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

import click

from okube.cli import complete
from okube.cli.apps import app_option
from okube.cli.likely import Kind, hinting
from okube.cli.options import connects, examples, formats, waits
from okube.cli.outcome import finish
from okube.cli.output import note, show_results
from okube.cli.session import Session, session
from okube.cli.wait import Waiter
from okube.client.api import OkubeClient
from okube.client.workloads import Verb
from okube.model.errors import NotFound, OkubeError

__all__ = ["restart", "rm", "rollback", "start", "stop"]

Row = dict[str, Any]
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def _names(command: F) -> F:
    """The services, and those of an app."""
    return click.argument("names", nargs=-1, metavar="[SERVICE]…", shell_complete=complete.SERVICES)(
        app_option(command)
    )


@click.command(epilog=examples("okube stop web\nokube stop --app shop\nokube start web    brings its number back"))
@_names
@waits
@connects
@formats
def stop(names: tuple[str, ...], app: str | None, wait: bool, timeout: float) -> None:
    """Stop all tasks of services and keep the services; `start` brings them back."""
    _act(session(), names, app, "stop", wait, timeout)


@click.command(epilog=examples("okube start web\nokube start --app shop"))
@_names
@waits
@connects
@formats
def start(names: tuple[str, ...], app: str | None, wait: bool, timeout: float) -> None:
    """Start stopped services again, with as many tasks as before."""
    _act(session(), names, app, "start", wait, timeout)


@click.command(
    epilog=examples("""
okube restart web
okube restart web worker --timeout 5m
okube restart web.2             one task: another takes its slot
okube restart --app shop
""")
)
@_names
@waits
@connects
@formats
def restart(names: tuple[str, ...], app: str | None, wait: bool, timeout: float) -> None:
    """Replace the tasks of services by new ones of the same kind, one slot at a time; or one task, SERVICE.SLOT."""
    _act(session(), names, app, "restart", wait, timeout)


@click.command(epilog=examples("okube rollback web    called twice, it is back where it was"))
@_names
@waits
@connects
@formats
def rollback(names: tuple[str, ...], app: str | None, wait: bool, timeout: float) -> None:
    """Bring services back to the version before, one slot at a time."""
    _act(session(), names, app, "rollback", wait, timeout)


@click.command(epilog=examples("okube rm web\nokube rm web worker --no-wait\nokube rm --app shop"))
@_names
@waits
@connects
@formats
def rm(names: tuple[str, ...], app: str | None, wait: bool, timeout: float) -> None:
    """Remove services; their tasks are stopped. Volumes stay."""
    here = session()
    client = here.client()
    _check_named(names, app)

    def remove(name: str) -> str:
        client.delete_service(name)
        return name

    of_app = _whole_app(client, app, client.delete_app)
    removed, refusal = _each(client, names, remove)
    removed = [*(str(service["name"]) for service in of_app), *removed]
    if wait and removed:
        Waiter(client, timeout).until_gone(removed)
    show_results(here, "actions", [{"name": name, "action": "removed"} for name in removed], of=() if app else names)
    if refusal is not None:
        raise refusal


def _act(here: Session, names: tuple[str, ...], app: str | None, verb: Verb, wait: bool, timeout_s: float) -> None:
    client = here.client()
    _check_named(names, app)
    of_app = _whole_app(client, app, lambda name: client.act_on_app(name, verb))
    if verb == "restart":
        services, refusal = _each(client, names, lambda name: _restart(client, name), _service_or_task)
    else:
        services, refusal = _each(client, names, lambda name: client.act_on_service(name, verb))
    services = [*of_app, *services]
    if services:
        finish(here, services, of=() if app else names, wait=wait, timeout_s=timeout_s)
    if refusal is not None:
        raise refusal


def _restart(client: OkubeClient, name: str) -> Row:
    """A service, slot by slot; a single task ends, and its service makes another."""
    if _service_or_task(name) == "service":
        return client.act_on_service(name, "restart")
    client.delete_task(name)
    return client.service(name.rpartition(".")[0])


def _service(_name: str) -> Kind:
    return "service"


def _service_or_task(name: str) -> Kind:
    """Names of services have no dots, those of tasks have one."""
    return "task" if "." in name else "service"


def _check_named(names: tuple[str, ...], app: str | None) -> None:
    if not names and app is None:
        raise click.UsageError("nothing is named: write a service, or --app NAME")


def _whole_app(client: OkubeClient, app: str | None, act: Callable[[str], list[Row]]) -> list[Row]:
    """Do it to all services of an app at once: all or none."""
    if app is None:
        return []
    with hinting(client, "app", [app]):
        return act(app)


def _each(
    client: OkubeClient, names: tuple[str, ...], act: Callable[[str], T], kind_of: Callable[[str], Kind] = _service
) -> tuple[list[T], OkubeError | None]:
    """Do it to each; one that is refused does not keep the others from it. The first refusal is returned."""
    done: list[T] = []
    refusals: list[OkubeError] = []
    for name in dict.fromkeys(names):
        try:
            with hinting(client, kind_of(name), [name]):
                done.append(act(name))
        except OkubeError as error:
            refusals.append(_or_app(client, name, error))
    for refusal in refusals[1:]:
        note(f"okube: {refusal.detail}")
    return done, refusals[0] if refusals else None


def _or_app(client: OkubeClient, name: str, error: OkubeError) -> OkubeError:
    """Where there is no service of that name and an app, the refusal says how apps are named."""
    with contextlib.suppress(OkubeError):
        if isinstance(error, NotFound) and client.services(app=name):
            return NotFound(f"there is no service {name}, but an app: write --app {name}")
    return error
