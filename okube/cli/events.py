"""``okube events``: what happened in the cluster."""

from collections.abc import Iterator
from typing import Any

import click

from okube.cli import complete, moments
from okube.cli.cells import moment_of
from okube.cli.filters import query_of, services_with
from okube.cli.listing import Wanted
from okube.cli.options import connects, examples, shows, watched
from okube.cli.output import show_list
from okube.cli.session import session
from okube.client.api import OkubeClient

__all__ = ["events"]

Row = dict[str, Any]
LEVELS = ("info", "warning", "error")
_BEFORE = 10  # shown before a watch goes on, unless --since or --tail says otherwise


@click.command(
    epilog=examples("""
okube events --since 10m
okube events web --watch          the story of service web, as it goes on
okube events --level warning --level error
okube events --node w1 --kind node-down -o json
""")
)
@click.argument("service", required=False, shell_complete=complete.SERVICES)
@click.option(
    "--service", "service_option", metavar="NAME", help="Only about this one.", shell_complete=complete.SERVICES
)
@click.option("--app", metavar="NAME", help="Only about services of this app.", shell_complete=complete.APPS)
@click.option("--node", metavar="NAME", help="Only about this node, and tasks on it.", shell_complete=complete.NODES)
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only of this kind, such as task-failed.")
@click.option("--level", "levels", multiple=True, type=click.Choice(LEVELS), metavar="L", help="info, warning, error.")
@click.option("--since", metavar="T", help="Only later: 10m (ago), or 2026-01-31T12:00:00Z.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N of what happened so far.")
@watched
@connects
@shows
def events(
    service: str | None,
    service_option: str | None,
    app: str | None,
    node: str | None,
    kinds: tuple[str, ...],
    levels: tuple[str, ...],
    since: str | None,
    tail: int | None,
    watch: bool,
) -> None:
    """What happened in the cluster, the newest last."""
    here = session()
    query = query_of(service=service or service_option, node=node, kind=kinds, level=levels)
    since_ms = moments.since_ms(since, moments.now_ms())

    def wanted(client: OkubeClient) -> Wanted:
        of_app = services_with(client, app=app)
        return lambda row: (app is None or row.get("service") in of_app) and _is_later(row, since_ms)

    if not watch:
        keep = wanted(here.client())
        rows = [row for row in here.client().rows("/v1/events", query) if keep(row)]
        show_list(here, "events", _last(rows, tail))
        return
    from okube.cli.feed import Listed, News, Tell, follow
    from okube.cli.watching import watch_list

    before = _BEFORE if tail is None and since is None else tail

    def source(client: OkubeClient, tell: Tell) -> Iterator[News]:
        for news in follow(client, "events", query, tell=tell, wanted=wanted(client)):
            if isinstance(news, Listed):
                yield Listed(tuple(_last(list(news.rows), before)), news.revision)
            elif news.type == "put":
                yield news  # an old event that is forgotten is no news

    watch_list(here, "events", source, key="id", order=lambda row: row.get("revision") or 0, in_place=False)


def _last(rows: list[Row], count: int | None) -> list[Row]:
    return rows if count is None else rows[max(0, len(rows) - count) :]


def _is_later(row: Row, since_ms: int | None) -> bool:
    if since_ms is None:
        return True
    moment = moment_of(row.get("time"))
    return moment is not None and moment.timestamp() * 1000 >= since_ms
