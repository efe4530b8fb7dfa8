"""``okube stop``, ``start``, ``restart``, ``rollback`` and ``rm``: what is done to services as a whole."""

from collections.abc import Callable
from typing import TypeVar

import click

from okube.cli.likely import hinting
from okube.cli.options import connects, examples, formats, waits
from okube.cli.outcome import finish
from okube.cli.output import note, show_results
from okube.cli.session import Session, session
from okube.cli.wait import Waiter
from okube.client.api import OkubeClient, Verb
from okube.model.errors import OkubeError

__all__ = ["restart", "rm", "rollback", "start", "stop"]

T = TypeVar("T")
_names = click.argument("names", nargs=-1, required=True, metavar="SERVICE…")


@click.command(epilog=examples("okube stop web\nokube start web    brings its number back"))
@_names
@waits
@connects
@formats
def stop(names: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Stop all tasks of services and keep the services; `start` brings them back."""
    _act(session(), names, "stop", wait, timeout)


@click.command(epilog=examples("okube start web"))
@_names
@waits
@connects
@formats
def start(names: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Start stopped services again, with as many tasks as before."""
    _act(session(), names, "start", wait, timeout)


@click.command(epilog=examples("okube restart web\nokube restart web worker --timeout 5m"))
@_names
@waits
@connects
@formats
def restart(names: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Replace the tasks of services by new ones of the same kind, one slot at a time."""
    _act(session(), names, "restart", wait, timeout)


@click.command(epilog=examples("okube rollback web    called twice, it is back where it was"))
@_names
@waits
@connects
@formats
def rollback(names: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Bring services back to the version before, one slot at a time."""
    _act(session(), names, "rollback", wait, timeout)


@click.command(epilog=examples("okube rm web\nokube rm web worker --no-wait"))
@_names
@waits
@connects
@formats
def rm(names: tuple[str, ...], wait: bool, timeout: float) -> None:
    """Remove services; their tasks are stopped. Volumes stay."""
    here = session()
    client = here.client()

    def remove(name: str) -> str:
        client.delete_service(name)
        return name

    removed, refusal = _each(client, names, remove)
    if wait and removed:
        Waiter(client, timeout).until_gone(removed)
    show_results(here, "actions", [{"name": name, "action": "removed"} for name in removed], of=names)
    if refusal is not None:
        raise refusal


def _act(here: Session, names: tuple[str, ...], verb: Verb, wait: bool, timeout_s: float) -> None:
    client = here.client()
    services, refusal = _each(client, names, lambda name: client.act_on_service(name, verb))
    if services:
        finish(here, services, of=names, wait=wait, timeout_s=timeout_s)
    if refusal is not None:
        raise refusal


def _each(client: OkubeClient, names: tuple[str, ...], act: Callable[[str], T]) -> tuple[list[T], OkubeError | None]:
    """Do it to each; one that is refused does not keep the others from it. The first refusal is returned."""
    done: list[T] = []
    refusals: list[OkubeError] = []
    for name in dict.fromkeys(names):
        try:
            with hinting(client, "service", [name]):
                done.append(act(name))
        except OkubeError as error:
            refusals.append(error)
    for refusal in refusals[1:]:
        note(f"okube: {refusal.detail}")
    return done, refusals[0] if refusals else None
