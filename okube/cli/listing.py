"""A list as commands show it: once, or with every change of it."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from okube.cli.output import note, show_list
from okube.cli.session import Session
from okube.client.api import OkubeClient
from okube.model.errors import NotFound

if TYPE_CHECKING:
    from okube.client.watch import WatchKind

__all__ = ["Wanted", "show"]

Row = dict[str, Any]
Wanted = Callable[[Row], bool]


def show(
    here: Session,
    kind: "WatchKind",
    query: Sequence[tuple[str, str]],
    *,
    watch: bool,
    wanted: Callable[[OkubeClient], Wanted] | None = None,
    order: Callable[[Row], Any] | None = None,
    key: str = "name",
) -> None:
    """Show ``services``, ``tasks``, ``nodes`` or ``apps``.

    Args:
        here: how to show it.
        kind: which list: its path and its table.
        query: the filters that managers heed.
        watch: go on and show every change.
        wanted: makes the filter that is heeded here.
        order: how rows are sorted; as the managers have it unless given.
        key: the field that tells rows apart.
    """
    path = f"/v1/{kind}"
    if not watch:
        client = here.client()
        keep = wanted(client) if wanted else _everything
        rows = [row for row in client.rows(path, query) if keep(row)]
        show_list(here, kind, sorted(rows, key=order) if order else rows)
        if not rows and here.output in ("table", "wide"):
            _hint(client, dict(query))
        return
    from okube.cli.feed import News, Tell, follow
    from okube.cli.watching import watch_list

    def source(client: OkubeClient, tell: Tell) -> Iterator[News]:
        return follow(client, kind, query, tell=tell, wanted=wanted(client) if wanted else _everything)

    watch_list(here, kind, source, key=key, order=order)


def _hint(client: OkubeClient, query: dict[str, str]) -> None:
    """A list may be empty because its filter names what is not there."""
    from okube.cli.likely import hinting

    for key, look in (("service", client.service), ("node", client.node), ("app", client.app)):
        try:
            if key in query:
                with hinting(client, key, [query[key]]):  # type: ignore[arg-type]  # one of three kinds
                    look(query[key])
        except NotFound as error:
            note(f"okube: {error.detail}")


def _everything(_: Row) -> bool:
    return True
