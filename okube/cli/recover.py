"""``okube managers recover``: asks the survivors, says what may be lost, wants a yes, and sees it through."""

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from okube.cli.exits import Ended, WaitedInVain
from okube.cli.locate import cluster_facts, find_cluster_file
from okube.cli.output import emit, note
from okube.cli.session import Session
from okube.client.api import OkubeClient
from okube.model.errors import OkubeError, OutcomeUnknown, Unreachable

__all__ = ["go_on_alone"]

Row = dict[str, Any]
_WAIT_S = 30.0
_POLL_S = 0.3


def go_on_alone(here: Session, yes: bool) -> None:
    """The whole of it; what cannot be is refused by the manager that would do it."""
    client = here.client()
    found = client.survivors()
    chosen = most_advanced(found)
    prepared = client.recover(chosen, prepare=True)
    for line in said_before(found, chosen, str(prepared["copy"])):
        note(line)
    if not yes and not click.confirm(f"Go on with {chosen['name']} alone?", err=True):
        raise Ended(1, "nothing was changed")
    done = {"name": chosen["name"], "copy": prepared["copy"], "incarnation": next_incarnation(chosen)}
    with contextlib.suppress(Unreachable, OutcomeUnknown):  # it may end before its answer is through; that is seen next
        done = client.recover(chosen, prepare=False)
    _wait(client, int(done["incarnation"]))
    _remember(here, found, chosen)
    if here.output in ("json", "yaml"):
        emit(here, done)
        return
    click.echo(
        f"{chosen['name']} leads alone, in incarnation {done['incarnation']}; a copy from before is in {done['copy']}"
    )
    note("one manager bears no loss: add others with `okube managers add NAME`, and save a snapshot")


def most_advanced(found: Sequence[Row]) -> Row:
    """Of those that answer and vote, the one with most.

    Raises:
        Ended: there is nothing to recover, or nobody that could.
    """
    leader = next((row["leader"] for row in found if row["answers"] and row["leader"]), None)
    if leader is not None:
        raise Ended(1, f"{leader} leads and a majority answers it: nothing needs to be recovered")
    able = [row for row in found if row["answers"] and row["voter"]]
    if not able:
        raise Ended(1, "no manager that answers could go on alone")
    return max(able, key=lambda row: (row["last_term"], row["last_index"], row["name"]))


def next_incarnation(chosen: Row) -> int:
    """The incarnation that begins when this manager goes on alone."""
    return max(1, int(str(chosen["epoch"]).partition(".")[0] or 0)) + 1


def said_before(found: Sequence[Row], chosen: Row, copy: str) -> list[str]:
    """What a person must know before a yes."""
    lines = [_line(row) for row in found]
    lost = ", ".join(row["name"] for row in found if row["name"] != chosen["name"])
    heard = chosen.get("heard_s")
    since = "since it was started" if heard is None else f"for {heard:.0f} s"
    return [
        *lines,
        f"{chosen['name']} has most of those that answer: it would go on alone, at revision {chosen['revision']}.",
        f"It has heard no leader {since}. Changes that only {lost} hold are lost, and nobody can say which. Tasks that "
        f"{chosen['name']} does not know are ended by their agents.",
        f"{lost} cannot come back, and must be added anew. If one can be brought back with its data, do that.",
        f"A copy of what {chosen['name']} has is in {copy} on its machine.",
    ]


def _line(row: Row) -> str:
    if not row["answers"]:
        return f"{row['name']:<10} {row['address']:<22} does not answer"
    has = f"term {row['last_term']}, entry {row['last_index']}, revision {row['revision']}"
    return f"{row['name']:<10} {row['address']:<22} {has}"


def _wait(client: OkubeClient, incarnation: int) -> None:
    deadline = time.monotonic() + _WAIT_S
    client.hurry(2.0)
    while time.monotonic() < deadline:
        try:
            status = client.status()
            if status["leader"] and status["quorum"] and int(status["epoch"].partition(".")[0]) >= incarnation:
                return
        except OkubeError:
            pass  # it ends and begins anew
        time.sleep(_POLL_S)
    raise WaitedInVain(f"it does not lead yet after {_WAIT_S:.0f} s: its log says what holds it up")


def _remember(here: Session, found: Sequence[Row], chosen: Row) -> None:
    """Bring what this machine knows of the managers up to date: who was left behind starts no more here."""
    file = find_cluster_file(here.config)
    if file is None:
        return
    from okube.processes.alone import leave_behind

    left = [str(row["name"]) for row in found if row["name"] != chosen["name"]]
    leave_behind(Path(cluster_facts(file).data_dir), str(chosen["name"]), left)
