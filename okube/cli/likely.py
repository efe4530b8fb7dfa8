"""Names that are not there: the one that was likely meant goes into the refusal."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from okube.client.api import OkubeClient
from okube.model.errors import NotFound, OkubeError

__all__ = ["Kind", "close_to", "hint_of", "hinting"]

Kind = Literal["service", "task", "node", "app", "manager", "secret", "config"]


_LISTS: dict[Kind, Callable[[OkubeClient], list[dict[str, Any]]]] = {
    "service": OkubeClient.services,
    "node": OkubeClient.nodes,
    "task": OkubeClient.tasks,
    "app": OkubeClient.apps,
    "manager": OkubeClient.managers,
    "secret": OkubeClient.secrets,
    "config": lambda client: client.secrets("config"),
}


@contextmanager
def hinting(client: OkubeClient, kind: Kind, names: Iterable[str]) -> Iterator[None]:
    """Around a call about things of that kind: its NotFound names the closest that there are.

    Args:
        client: to list what there is, only when something is not found.
        kind: of what the names are.
        names: what the user wrote.
    """
    try:
        yield
    except NotFound as error:
        raise NotFound(f"{error.detail}{hint_of(client, (kind,), names)}") from error


def hint_of(client: OkubeClient, kinds: Sequence[Kind], names: Iterable[str]) -> str:
    """What goes behind "there is no …": the closest names that there are, or how to list them."""
    known: list[str] = []
    for kind in kinds:
        try:
            known += [str(row.get("name")) for row in _LISTS[kind](client)]
        except OkubeError:
            return ""  # the refusal is what matters
    return close_to(names, known, *kinds)


def close_to(names: Iterable[str], known: Sequence[str], *kinds: str) -> str:
    """The same for names that are known already."""
    if not known:
        return f"; there are no {kinds[0]}s"
    missing = [name for name in names if name not in known]
    close = [found for name in missing for found in difflib.get_close_matches(name, known, n=1, cutoff=0.6)]
    if close:
        return f"; did you mean {', '.join(dict.fromkeys(close))}?"
    return f"; {' and '.join(f'`okube {kind}s`' for kind in kinds)} {'lists' if len(kinds) == 1 else 'list'} them"
