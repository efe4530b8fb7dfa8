"""``okube status``: the cluster at a glance."""

from typing import Any

import click

from okube.cli.cells import text
from okube.cli.columns import columns_of
from okube.cli.options import connects, examples, shows, watched
from okube.cli.output import emit, terminal_width
from okube.cli.session import session
from okube.cli.table import render
from okube.client.api import OkubeClient

__all__ = ["status"]

Row = dict[str, Any]
_ELECTION_S = 5.0  # an election that takes longer is held up by something


@click.command(
    epilog=examples("""
okube status
okube status --watch
okube status -o json | jq .quorum
""")
)
@watched
@connects
@shows
def status(watch: bool) -> None:
    """Managers with leader, epoch and lag; nodes and tasks by state; quorum or not.

    Any living manager answers, also without quorum; then it says how old its knowledge is.
    """
    here = session()
    if watch:
        from okube.cli.watching import watch as go_on

        def draw(found: Row, columns: int, rows: int) -> list[str]:
            return page(found, wide=here.output == "wide", width=columns)[:rows]

        go_on(here, OkubeClient.status, draw, one_line, every_s=1.0)
        return
    found = here.client().status()
    if here.output in ("json", "yaml"):
        emit(here, found)
        return
    for line in page(found, wide=here.output == "wide", width=terminal_width()):
        click.echo(line)


def page(found: Row, *, wide: bool, width: int | None) -> list[str]:
    """The lines of the cluster's state: what counts, then the managers."""
    said = found.get("managers")
    managers = [m for m in said if isinstance(m, dict)] if isinstance(said, list) else []
    table = render(managers, columns_of("managers", 0), wide=wide, width=width) if managers else []
    return [*headline(found), *([""] if table else []), *table]


def one_line(found: Row) -> str:
    """The same in one line, for a pipe; what changes all the time is left out."""
    said = found.get("managers")
    ready = sum(m.get("state") == "ready" for m in said if isinstance(m, dict)) if isinstance(said, list) else 0
    quorum = "no quorum" if found.get("quorum") is False else "quorum"
    leader = text(found.get("leader")) or "no one"
    parts = [f"{kind} {_counts(found.get(kind))}" for kind in ("nodes", "tasks")]
    return "; ".join([quorum, f"{leader} leads in epoch {text(found.get('epoch'))}", f"{ready} managers ready", *parts])


def headline(found: Row) -> list[str]:
    """The lines above the table of managers."""
    rows = [("cluster", text(found.get("cluster")))]
    rows.append(("quorum", _no_quorum(found) if found.get("quorum") is False else "yes"))
    rows.append(("leader", text(found.get("leader")) or "none"))
    rows.append(("epoch", text(found.get("epoch"))))
    rows.append(("revision", text(found.get("revision"))))
    rows += [("commands", said) for said in (_commands(found),) if said]
    rows += [(kind, _counts(found.get(kind))) for kind in ("nodes", "tasks")]
    rows += [("scheduler", said) for said in (_scheduler(found),) if said]
    rows += [("certs", said) for said in (_certificates(found),) if said]
    return [f"{name:<9} {value}".rstrip() for name, value in rows]


def _commands(found: Row) -> str:
    """The command version that is enabled; and where some managers know a newer one, who keeps it from being."""
    enabled, said = found.get("command_version"), found.get("managers")
    if not isinstance(enabled, int):
        return ""  # a manager from before versions were told
    known = {text(m.get("name")): m.get("command_version") for m in said or () if isinstance(m, dict)}
    newest = max((version for version in known.values() if isinstance(version, int)), default=enabled)
    older = [name for name, version in known.items() if isinstance(version, int) and version < newest]
    silent = [name for name, version in known.items() if not isinstance(version, int)]
    if newest <= enabled or not (older or silent):
        return f"version {enabled}"
    waits = [*(f"{name} is upgraded" for name in older), *(f"{name} is back" for name in silent)]
    return f"version {enabled}; {newest} is enabled when {' and '.join(waits)}"


def _scheduler(found: Row) -> str:
    """How nodes are chosen, where that is not as it is by default: ``binpack (spread 10)``."""
    said = found.get("scheduler")
    if not isinstance(said, dict):
        return ""
    policy, weights = text(said.get("policy")), said.get("weights")
    if not isinstance(weights, dict) or not weights:
        return "" if policy == "spread" else policy
    return f"{policy} ({', '.join(f'{name} {weight:g}' for name, weight in sorted(weights.items()))})"


def _certificates(found: Row) -> str:
    """Until when all certificates are good, and the CA; empty where that is not known."""
    said = found.get("certificates")
    if not isinstance(said, dict):
        return ""
    first, ca = said.get("next_end"), text(said.get("ca_ends"))[:10]
    parts = []
    if isinstance(first, dict):
        parts.append(f"good until {_minute(text(first.get('ends')))} ({text(first.get('whose'))})")
    if ca:
        parts.append(f"the CA until {ca}")
    return ", ".join(parts)


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _no_quorum(found: Row) -> str:
    """Why nothing can be changed now: too few managers, or enough of them that have no leader at this moment."""
    said, age = found.get("managers"), found.get("age_s")
    rows = [m for m in said if isinstance(m, dict)] if isinstance(said, list) else []
    states = [m.get("state") for m in rows if m.get("voter") is not False]  # one that joins does not count yet
    since = f"; what follows is {age:.1f} s old" if isinstance(age, int | float) else ""
    if 2 * states.count("ready") <= len(states):
        if "disk-full" in states:
            return f"no: nothing can be changed until a majority of the managers runs and has room on its disk{since}"
        return f"no: nothing can be changed until a majority of the managers is back{since}"
    if isinstance(age, int | float) and age > _ELECTION_S:
        return f"no: most managers answer, and none of them leads; their logs say why{since}"
    return f"not now: the managers elect a leader, look again in a second{since}"


def _counts(counts: object) -> str:
    if not isinstance(counts, dict):
        return ""
    shown = [f"{text(count)} {state}" for state, count in counts.items() if count]
    return ", ".join(shown) or "none"
