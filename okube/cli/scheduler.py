"""``okube scheduler``: how nodes are chosen for tasks."""

from typing import Any

import click

from okube.cli.lazy import LazyGroup
from okube.cli.options import connects, examples, formats, shows, times
from okube.cli.output import emit, note
from okube.cli.session import Session, session
from okube.model.quantities import format_seconds
from okube.model.scheduling import ORDERS, POLICIES, SCORES

__all__ = ["scheduler"]

Row = dict[str, Any]


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    epilog=examples("""
okube scheduler
okube scheduler set binpack
okube scheduler set spread --weight balance=20 --weight zones=50
okube scheduler set --order tarjan
"""),
)
@connects
@shows
@click.pass_context
def scheduler(ctx: click.Context) -> None:
    """Show how nodes are chosen for tasks: the policy, and what its scores weigh."""
    if ctx.invoked_subcommand is None:
        here = session()
        _show(here, here.client().scheduler())


@scheduler.command(
    "set",
    epilog=examples("""
okube scheduler set binpack
okube scheduler set binpack --weight spread=10
okube scheduler set spread --overcommit cpus=2 --overcommit memory=0.9
okube scheduler set --order reverse-kahn   this alone; all else stays
okube scheduler set spread                 the defaults again
"""),
)
@click.argument("policy", type=click.Choice(POLICIES), metavar="[POLICY]", required=False)
@click.option(
    "--weight",
    "weights",
    multiple=True,
    metavar="SCORE=N",
    help="What a score weighs instead of what it does in this policy; 0 takes it out. May be given several times.",
)
@click.option(
    "--overcommit",
    "factors",
    multiple=True,
    metavar="RESOURCE=N",
    help="Promise N times what nodes have of cpus, memory or disk; below 1, only that part of it.",
)
@click.option(
    "--order",
    type=click.Choice(ORDERS),
    metavar="ORDER",
    help=f"In which order services are placed that depend on each other: {', '.join(ORDERS)}.",
)
@click.option("--rebalance", type=times, metavar="TIME", help="Move tasks for balance that often; 0: never.")
@click.option("--max-moves", type=click.IntRange(1, 1000), metavar="N", help="So many at a time, with --rebalance.")
@connects
@formats
def set_policy(
    policy: str | None,
    weights: tuple[str, ...],
    factors: tuple[str, ...],
    order: str | None,
    rebalance: float | None,
    max_moves: int | None,
) -> None:
    """Choose nodes by POLICY from here on: spread, binpack, epvm, round-robin or network.

    Tasks that run stay where they are. With POLICY what was set before is gone: what counts is what you give now.
    Without it, what you do not give stays as it is.
    """
    here = session()
    given = dict(_number(each, "--weight", f"balance=20; scores are {', '.join(SCORES)}") for each in weights)
    promised = dict(_number(each, "--overcommit", "cpus=2") for each in factors)
    moved: Row = {key: value for key, value in (("every", rebalance), ("max_moves", max_moves)) if value is not None}
    client = here.client()
    if policy is None:
        if not (given or promised or order or moved):
            raise click.UsageError(f"nothing to set: name a policy ({', '.join(POLICIES)}), or give an option")
        before = client.scheduler()
        policy, order = str(before.get("policy")), order or before.get("order")
        given, promised = {**before.get("weights", {}), **given}, {**before.get("overcommit", {}), **promised}
        moved = {**before.get("rebalance", {}), **moved}
    _show(here, client.set_scheduler(policy, given, promised, order, moved or None))


def _number(text: str, option: str, example: str) -> tuple[str, float]:
    """``balance=20``."""
    name, _, number = text.partition("=")
    try:
        return name.strip(), float(number)
    except ValueError:
        raise click.UsageError(f"{option}: {text!r} is no NAME=NUMBER: write it such as {example}") from None


def _show(here: Session, found: Row) -> None:
    if here.output in ("json", "yaml"):
        emit(here, found)
        return
    said, scores = found.get("weights") or {}, found.get("scores") or {}
    click.echo(f"policy  {found.get('policy')}")
    for name, weight in scores.items():
        click.echo(f"score   {name:<14} {weight:>8g}{'   set' if name in said else ''}")
    if order := found.get("order"):
        click.echo(f"order   {order}")
    often = found.get("rebalance") or {}
    if often.get("every"):
        click.echo(f"moves   at most {often.get('max_moves')} every {format_seconds(float(often['every']))}")
    promised = found.get("overcommit") or {}
    for name, factor in promised.items():
        if factor != 1:
            click.echo(f"promise {name:<14} {factor:>8g} times what nodes have")
    for name in found.get("unknown") or ():
        note(f"no score is called {name!r} on this manager: install the package that brings it, or take the weight out")
