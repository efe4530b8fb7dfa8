"""What many routes share: their parameters, the headers of their answers, and what bodies are made of."""

from typing import Any

from okube.manager.api.route import Answer, Parameter, Role, Route
from okube.model.names import MAX_NAME, NAME_PATTERN
from okube.model.views import WatchLine

__all__ = [
    "AGENT",
    "APP_NAME",
    "CONTINUE",
    "FLAG",
    "IF_MATCH",
    "KEY",
    "LABEL",
    "LIMIT",
    "MSGPACK",
    "NAME",
    "NODE_NAME",
    "PAGES",
    "PAGE_HEADERS",
    "READ_HEADERS",
    "SERVICE_NAME",
    "SINCE",
    "STALE",
    "TASK_ID",
    "WATCH",
    "WATCHED",
    "WATCHES",
    "WATCH_SINCE",
    "WRITE",
    "in_msgpack",
    "number",
    "one_of",
]

MSGPACK = "application/msgpack"
FLAG = {"type": "boolean", "default": False}
NAME = {"type": "string", "pattern": NAME_PATTERN, "maxLength": MAX_NAME}


def one_of(*values: str) -> dict[str, Any]:
    """The schema of a word of a list."""
    return {"type": "string", "enum": list(values)}


def number(low: int, high: int, **more: int) -> dict[str, Any]:
    """The schema of a whole number within bounds."""
    return {"type": "integer", "minimum": low, "maximum": high, **more}


STALE = Parameter("stale", "answer at once, from what this manager knows; how old that is stands in `Okube-Age`", FLAG)
LIMIT = Parameter("limit", "how many at most", number(1, 10_000, default=10_000))
CONTINUE = Parameter("continue", "the next page: the `Okube-Continue` of the page before, with the same filters")
PAGES = (LIMIT, CONTINUE, STALE)
SINCE = Parameter("since", "those after a revision; of a watch, the changes after it", number(0, 10**18 - 1))
WATCH_SINCE = Parameter(
    "since", "the changes after that revision (of a list, or of a line that was read); now", number(0, 10**18 - 1)
)
WATCH = Parameter(
    "watch",
    "the changes instead of the list, a JSON object a line, for as long as both sides like: `type` is `put`, `delete` "
    "(gone, or not let pass by the filters any more) or `mark` (everything up to `revision` has been told); "
    "410 where the changes after `since` are not kept any more",
    FLAG,
)
WATCHES = (WATCH, WATCH_SINCE)
WATCHED = Answer(text="with `watch`, the changes", of=WatchLine, media="application/x-ndjson", headers=())
LABEL = Parameter("label", "`KEY=VALUE`; given several times, all must hold", repeated=True)
KEY = Parameter(
    "Idempotency-Key",
    "names the request: repeated within ten minutes with the same key, it is done once and answered alike",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]*$"},
    "header",
)
IF_MATCH = Parameter(
    "If-Match",
    "do it only if the thing still has this revision, else 409; `*`: only if it is there",
    {"type": "string", "pattern": '^("[0-9]{1,18}"|[0-9]{1,18}|[*])$'},
    "header",
    explained=True,
)
SERVICE_NAME = Parameter("name", "the service", NAME, "path")
APP_NAME = Parameter("name", "the app", NAME, "path")
NODE_NAME = Parameter("name", "the node", NAME, "path")
AGENT = Parameter("node", "the agent's node", NAME, "path")
TASK_ID = Parameter("id", "an id, a unique start of one, or `SERVICE.SLOT`", {"type": "string", "minLength": 1}, "path")
WRITE = (KEY, IF_MATCH)
PAGE_HEADERS = ("Okube-Revision", "Okube-Continue", "Okube-Age")
READ_HEADERS = ("Okube-Revision", "Okube-Age")


def in_msgpack(
    *,
    path: str,
    name: str,
    group: str,
    role: Role,
    text: str,
    answer: str,
    parameters: tuple[Parameter, ...] = (),
    errors: tuple[int, ...] = (),
) -> Route:
    """A call between processes of Okube: it takes msgpack, and answers with it."""
    return Route(
        method="POST",
        path=path,
        name=name,
        group=group,
        role=role,
        text=text,
        parameters=parameters,
        body=bytes,
        body_media=MSGPACK,
        answers=(Answer(text=answer, media=MSGPACK, headers=()),),
        errors=errors,
    )
