"""How commands that change services end: wait, then print the services as they have become."""

from collections.abc import Sequence
from typing import Any

from okube.cli.exits import Ended
from okube.cli.output import show_results
from okube.cli.session import Session
from okube.cli.wait import Waiter

__all__ = ["finish"]

Row = dict[str, Any]


def finish(session: Session, services: Sequence[Row], *, of: Sequence[str], wait: bool, timeout_s: float) -> None:
    """Wait for services and print them.

    Args:
        session: how to ask and to print.
        services: as the write answered them.
        of: what the user named: one name is answered with one object, several with a list.
        wait: whether to wait at all.
        timeout_s: how long.
    """
    if not wait or not services:
        show_results(session, "services", services, of=of)
        return
    try:
        settled = Waiter(session.client(), timeout_s).until_settled([str(s["name"]) for s in services])
    except Ended:
        # The write stands, so a script gets what it made; a person reads why it is not so yet.
        if session.output in ("json", "yaml"):
            show_results(session, "services", services, of=of)
        raise
    show_results(session, "services", settled, of=of)
