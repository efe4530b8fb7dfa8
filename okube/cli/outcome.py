"""How commands that change services end: wait, then print the services as they have become."""

from collections.abc import Sequence
from typing import Any

from okube.cli.exits import Ended
from okube.cli.output import emit, show, show_list
from okube.cli.session import Session
from okube.cli.wait import Waiter

__all__ = ["finish", "finish_one"]

Row = dict[str, Any]


def finish_one(session: Session, service: Row, *, wait: bool, timeout_s: float) -> None:
    """Wait for one service and print it."""
    show(session, "services", _settled(session, [service], wait, timeout_s, single=True)[0])


def finish(session: Session, services: Sequence[Row], *, wait: bool, timeout_s: float) -> None:
    """Wait for services and print the list of them."""
    show_list(session, "services", _settled(session, services, wait, timeout_s, single=False))


def _settled(session: Session, services: Sequence[Row], wait: bool, timeout_s: float, *, single: bool) -> list[Row]:
    if not wait or not services:
        return list(services)
    try:
        return Waiter(session.client(), timeout_s).until_settled([str(s["name"]) for s in services])
    except Ended:
        # The write stands, so a script gets what it made; a person reads why it is not so yet.
        if session.output in ("json", "yaml"):
            emit(session, services[0] if single else list(services))
        raise
