"""The table of routes: everything that a manager answers, once, for the reference, for checks and for metrics."""

from typing import Any

from okube.manager.api.nodes import NodeChange
from okube.manager.api.route import Answer, Parameter, Route
from okube.model.event import EVENT_KINDS, EVENT_LEVELS
from okube.model.names import MAX_NAME, NAME_PATTERN
from okube.model.spec import ServiceSpec
from okube.model.views import (
    ApplyAnswer,
    ApplyBody,
    AppView,
    EventView,
    Health,
    ManagerView,
    NodeView,
    OwnState,
    Readiness,
    ScaleBody,
    ServiceAnswer,
    ServiceView,
    StatusView,
    TaskView,
    UsageView,
    VersionView,
    WatchLine,
)
from okube.model.wire import LogLine

__all__ = ["ROUTES", "route_of"]

_FLAG = {"type": "boolean", "default": False}
_NAME = {"type": "string", "pattern": NAME_PATTERN, "maxLength": MAX_NAME}


def _one_of(*values: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def _number(low: int, high: int, **more: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, **more}


STALE = Parameter("stale", "answer at once, from what this manager knows; how old that is stands in `Okube-Age`", _FLAG)
_LIMIT = Parameter("limit", "how many at most", _number(1, 10_000, default=10_000))
_CONTINUE = Parameter("continue", "the next page: the `Okube-Continue` of the page before, with the same filters")
PAGES = (_LIMIT, _CONTINUE, STALE)
_SINCE = Parameter("since", "those after a revision; of a watch, the changes after it", _number(0, 10**18 - 1))
_WATCH_SINCE = Parameter(
    "since", "the changes after that revision (of a list, or of a line that was read); now", _number(0, 10**18 - 1)
)
_WATCH = Parameter(
    "watch",
    "the changes instead of the list, a JSON object a line, for as long as both sides like: `type` is `put`, `delete` "
    "(gone, or not let pass by the filters any more) or `mark` (everything up to `revision` has been told); "
    "410 where the changes after `since` are not kept any more",
    _FLAG,
)
WATCHES = (_WATCH, _WATCH_SINCE)
_WATCHED = Answer(text="with `watch`, the changes", of=WatchLine, media="application/x-ndjson", headers=())
_LABEL = Parameter("label", "`KEY=VALUE`; given several times, all must hold", repeated=True)
_KEY = Parameter(
    "Idempotency-Key",
    "names the request: repeated within ten minutes with the same key, it is done once and answered alike",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]*$"},
    "header",
)
_IF_MATCH = Parameter(
    "If-Match",
    "do it only if the thing still has this revision, else 409; `*`: only if it is there",
    {"type": "string", "pattern": '^("[0-9]{1,18}"|[0-9]{1,18}|[*])$'},
    "header",
    explained=True,
)
_SERVICE_NAME = Parameter("name", "the service", _NAME, "path")
_APP_NAME = Parameter("name", "the app", _NAME, "path")
_NODE_NAME = Parameter("name", "the node", _NAME, "path")
_AGENT = Parameter("node", "the agent's node", _NAME, "path")
_TASK_ID = Parameter(
    "id", "an id, a unique start of one, or `SERVICE.SLOT`", {"type": "string", "minLength": 1}, "path"
)
_WRITE = (_KEY, _IF_MATCH)
_PAGE_HEADERS = ("Okube-Revision", "Okube-Continue", "Okube-Age")
_READ_HEADERS = ("Okube-Revision", "Okube-Age")

_SERVICES = (
    Route(
        method="GET",
        path="/v1/services",
        name="list_services",
        group="services",
        text="All services, by name.",
        parameters=(Parameter("app", "those of an app"), _LABEL, *WATCHES, *PAGES),
        answers=(Answer(text="a page of services", of=list[ServiceView], headers=_PAGE_HEADERS), _WATCHED),
        errors=(410,),
    ),
    Route(
        method="POST",
        path="/v1/services",
        name="create_service",
        group="services",
        text="Make a service; 409 where the name is taken.",
        parameters=(_KEY,),
        body=ServiceSpec,
        answers=(Answer(status=201, text="the service", of=ServiceAnswer),),
        errors=(409,),
    ),
    Route(
        method="GET",
        path="/v1/services/{name}",
        name="get_service",
        group="services",
        text="One service; what this gives, PUT takes.",
        parameters=(_SERVICE_NAME, STALE),
        answers=(Answer(text="the service", of=ServiceView, headers=(*_READ_HEADERS, "ETag")),),
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/v1/services/{name}/versions",
        name="list_versions",
        group="services",
        text="The versions of a service that are kept, the current one last.",
        parameters=(_SERVICE_NAME, STALE),
        answers=(Answer(text="the versions", of=list[VersionView], headers=_READ_HEADERS),),
        errors=(404,),
    ),
    Route(
        method="PUT",
        path="/v1/services/{name}",
        name="put_service",
        group="services",
        text="Make or change a service. The body's name, where it has one, is that of the path.",
        parameters=(_SERVICE_NAME, *_WRITE),
        body=ServiceSpec,
        answers=(Answer(text="the service", of=ServiceAnswer),),
        errors=(404, 409),
    ),
    Route(
        method="DELETE",
        path="/v1/services/{name}",
        name="delete_service",
        group="services",
        text="Forget a service and stop its tasks.",
        parameters=(_SERVICE_NAME, *_WRITE),
        answers=(Answer(text="the service as it was", of=ServiceView),),
        errors=(404, 409),
    ),
    Route(
        method="POST",
        path="/v1/services/{name}/{how}",
        name="refresh_service",
        group="services",
        text=(
            "`restart` (rolling), `stop` (keeps the service, at none), `start` (brings its number back), "
            "or `rollback` (to the version before)."
        ),
        parameters=(
            _SERVICE_NAME,
            Parameter("how", "what to do", _one_of("restart", "stop", "start", "rollback"), "path"),
            *_WRITE,
        ),
        answers=(Answer(text="the service", of=ServiceView),),
        errors=(404, 409),
    ),
    Route(
        method="POST",
        path="/v1/scale",
        name="scale_services",
        group="services",
        text="Set how many tasks services should have: all or none.",
        parameters=_WRITE,
        body=ScaleBody,
        answers=(Answer(text="the services", of=list[ServiceView]),),
        errors=(404, 409),
    ),
    Route(
        method="POST",
        path="/v1/apply",
        name="apply",
        group="services",
        text="Make or change several services at once: all or none, with one revision to wait for.",
        parameters=(
            Parameter("dry_run", "change nothing and answer what would change", _FLAG),
            Parameter("prune", "remove the other services of the apps that these name, in the same step", _FLAG),
            *_WRITE,
        ),
        body=ApplyBody,
        answers=(Answer(text="what was done", of=ApplyAnswer),),
        errors=(404, 409),
    ),
)

_APPS = (
    Route(
        method="GET",
        path="/v1/apps",
        name="list_apps",
        group="apps",
        text="All apps, by name: an app is a set of services that name it.",
        parameters=(*WATCHES, *PAGES),
        answers=(Answer(text="a page of apps", of=list[AppView], headers=_PAGE_HEADERS), _WATCHED),
        errors=(410,),
    ),
    Route(
        method="GET",
        path="/v1/apps/{name}",
        name="get_app",
        group="apps",
        text="One app.",
        parameters=(_APP_NAME, STALE),
        answers=(Answer(text="the app", of=AppView, headers=_READ_HEADERS),),
        errors=(404,),
    ),
    Route(
        method="DELETE",
        path="/v1/apps/{name}",
        name="delete_app",
        group="apps",
        text="Forget all services of an app and stop their tasks: all or none.",
        parameters=(_APP_NAME, _KEY),
        answers=(Answer(text="the services as they were", of=list[ServiceView]),),
        errors=(404,),
    ),
    Route(
        method="POST",
        path="/v1/apps/{name}/{how}",
        name="refresh_app",
        group="apps",
        text=(
            "`restart`, `stop`, `start` or `rollback` all services of an app, all or none. Services to which it does "
            "not apply (a restart of a stopped one, say) stay as they are; 409 where it applies to none."
        ),
        parameters=(
            _APP_NAME,
            Parameter("how", "what to do", _one_of("restart", "stop", "start", "rollback"), "path"),
            _KEY,
        ),
        answers=(Answer(text="the services", of=list[ServiceView]),),
        errors=(404, 409),
    ),
)

_TASKS = (
    Route(
        method="GET",
        path="/v1/tasks",
        name="list_tasks",
        group="tasks",
        text="Tasks by service and slot; those that have ended only where `all` or `state` asks for them.",
        parameters=(
            Parameter("service", "those of a service"),
            Parameter("node", "those on a node"),
            Parameter("app", "those of an app"),
            Parameter(
                "state",
                "those in a state; given several times, in any of them",
                _one_of("pending", "scheduled", "running", "completed", "failed"),
                repeated=True,
            ),
            Parameter("all", "also those that have ended", _FLAG),
            *WATCHES,
            *PAGES,
        ),
        answers=(Answer(text="a page of tasks", of=list[TaskView], headers=_PAGE_HEADERS), _WATCHED),
        errors=(410,),
    ),
    Route(
        method="GET",
        path="/v1/tasks/{id}",
        name="get_task",
        group="tasks",
        text="One task.",
        parameters=(_TASK_ID, STALE),
        answers=(Answer(text="the task", of=TaskView, headers=_READ_HEADERS),),
        errors=(404, 409),
    ),
    Route(
        method="DELETE",
        path="/v1/tasks/{id}",
        name="end_task",
        group="tasks",
        text="End a task; its service replaces it.",
        parameters=(_TASK_ID, *_WRITE),
        answers=(Answer(text="the task", of=TaskView),),
        errors=(404, 409),
    ),
    Route(
        method="GET",
        path="/v1/tasks/{id}/logs",
        name="task_logs",
        group="tasks",
        text="A task's output, a JSON object a line, from its agent. 502 where the agent does not answer.",
        parameters=(
            _TASK_ID,
            Parameter("follow", "go on with what comes, until the task has ended", _FLAG),
            Parameter("tail", "only so many of the last lines", _number(0, 1_000_000)),
            Parameter("since", "only lines from this time on: milliseconds since 1970, UTC", _number(0, 1 << 53)),
            STALE,
        ),
        answers=(Answer(text="the lines", of=LogLine, media="application/x-ndjson", headers=()),),
        errors=(404, 409, 502),
    ),
    Route(
        method="GET",
        path="/v1/tasks/{id}/exec",
        name="exec_in_task",
        group="tasks",
        text="Run a command beside a task's own: a WebSocket of the protocol `okube.exec.v1`. Frames are binary and "
        "begin with their channel: 0 input, 1 output, 2 errors, 3 control (JSON: `resize`, `close_stdin` from the "
        "client, `exit`, `error` to it). Leaving it ends the command.",
        parameters=(
            _TASK_ID,
            Parameter("cmd", "the command, a parameter for each word", repeated=True),
            Parameter("tty", "give it a terminal", _FLAG),
            Parameter("stdin", "give it input; without, its input is empty", _FLAG),
            Parameter("cols", "the width of the terminal", _number(1, 10_000, default=80)),
            Parameter("rows", "the height of the terminal", _number(1, 10_000, default=24)),
            STALE,
        ),
        answers=(Answer(status=101, text="the session", of=None, media="", headers=()),),
        errors=(404, 409, 502),
    ),
)

_NODES = (
    Route(
        method="GET",
        path="/v1/nodes",
        name="list_nodes",
        group="nodes",
        text="All nodes, by name.",
        parameters=(
            Parameter("state", "those that are", _one_of("ready", "down")),
            Parameter("zone", "those of a zone"),
            Parameter("availability", "those that are", _one_of("active", "cordoned", "draining", "drained")),
            _LABEL,
            *WATCHES,
            *PAGES,
        ),
        answers=(Answer(text="a page of nodes", of=list[NodeView], headers=_PAGE_HEADERS), _WATCHED),
        errors=(410,),
    ),
    Route(
        method="GET",
        path="/v1/nodes/{name}",
        name="get_node",
        group="nodes",
        text="One node.",
        parameters=(_NODE_NAME, STALE),
        answers=(Answer(text="the node", of=NodeView, headers=_READ_HEADERS),),
        errors=(404,),
    ),
    Route(
        method="PATCH",
        path="/v1/nodes/{name}",
        name="change_node",
        group="nodes",
        text="Change availability (`draining` empties the node), labels or zone; what is left out stays.",
        parameters=(_NODE_NAME, *_WRITE),
        body=NodeChange,
        answers=(Answer(text="the node", of=NodeView),),
        errors=(404, 409),
    ),
    Route(
        method="DELETE",
        path="/v1/nodes/{name}",
        name="remove_node",
        group="nodes",
        text="Forget a node that is down.",
        parameters=(_NODE_NAME, *_WRITE),
        answers=(Answer(text="the node as it was", of=NodeView),),
        errors=(404, 409),
    ),
)

_EVENTS = (
    Route(
        method="GET",
        path="/v1/events",
        name="list_events",
        group="events",
        text="What happened, the newest last. What happens again within an hour is one event, counted.",
        parameters=(
            Parameter("kind", "those of a kind; several: of any", _one_of(*sorted(EVENT_KINDS)), repeated=True),
            Parameter("level", "those of a level; several: of any", _one_of(*sorted(EVENT_LEVELS)), repeated=True),
            Parameter("service", "those about a service and its tasks"),
            Parameter("node", "those about a node and what is on it"),
            Parameter("subject", "those about the thing of that name"),
            _SINCE,
            _WATCH,
            *PAGES,
        ),
        answers=(Answer(text="a page of events", of=list[EventView], headers=_PAGE_HEADERS), _WATCHED),
        errors=(410,),
    ),
)

_USAGE = (
    Route(
        method="GET",
        path="/v1/usage",
        name="usage",
        group="usage",
        text="What nodes and their tasks use now, asked of the agents; takes a second at most.",
        parameters=(
            Parameter("service", "the tasks of a service, and their nodes"),
            Parameter("node", "one node and its tasks"),
            STALE,
        ),
        answers=(Answer(text="the usage", of=UsageView, headers=_READ_HEADERS),),
        errors=(404,),
    ),
)

_CONTROL_PLANE = (
    Route(
        method="GET",
        path="/v1/status",
        name="status",
        group="control plane",
        text="The cluster at a glance, from any living manager, with or without a quorum.",
        parameters=(STALE,),
        answers=(Answer(text="the cluster", of=StatusView),),
    ),
    Route(
        method="GET",
        path="/v1/managers",
        name="managers",
        group="control plane",
        text="Every manager with what it says of itself; one that does not answer is down.",
        parameters=(STALE,),
        answers=(Answer(text="the managers", of=list[ManagerView]),),
    ),
    Route(
        method="GET",
        path="/v1/managers/self",
        name="own_state",
        group="control plane",
        text="What this manager knows of itself; managers ask each other.",
        answers=(Answer(text="the manager", of=OwnState),),
    ),
    Route(
        method="GET",
        path="/healthz",
        name="healthz",
        group="control plane",
        text="Whether the process lives.",
        role="anyone",
        answers=(Answer(text="it lives", of=Health, headers=()),),
    ),
    Route(
        method="GET",
        path="/readyz",
        name="readyz",
        group="control plane",
        text="Whether it serves and has caught up: a majority confirms a read within a second, else 503.",
        answers=(Answer(text="it is ready", of=Readiness),),
    ),
    Route(
        method="GET",
        path="/openapi.json",
        name="openapi",
        group="control plane",
        text="This reference, as OpenAPI 3.1.",
        answers=(Answer(text="the document", of=dict[str, Any], headers=()),),
    ),
    Route(
        method="GET",
        path="/metrics",
        name="metrics",
        group="control plane",
        text="What this manager counts, as Prometheus reads it.",
        answers=(Answer(text="the metrics", media="text/plain", headers=()),),
    ),
)

_AGENTS = (
    Route(
        method="POST",
        path="/v1/agents/{node}/register",
        name="register",
        group="agents",
        text="An agent asks to be let in. Bodies are msgpack; `okube/model/wire.py` has their structs.",
        role="worker",
        parameters=(_AGENT,),
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="whether it is", media="application/msgpack", headers=()),),
        errors=(409,),
    ),
    Route(
        method="POST",
        path="/v1/agents/{node}/heartbeat",
        name="heartbeat",
        group="agents",
        text="A sign of life with reports on tasks; answered once these are committed.",
        role="worker",
        parameters=(_AGENT,),
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="the epoch to obey", media="application/msgpack", headers=()),),
        errors=(409,),
    ),
)

_PEERS = (
    Route(
        method="POST",
        path="/v1/peers/reach",
        name="reach",
        group="managers",
        text="The leader asks another manager whether it reaches agents that are silent. Bodies are msgpack.",
        role="manager",
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="which it reached", media="application/msgpack", headers=()),),
    ),
    Route(
        method="POST",
        path="/v1/peers/relay",
        name="relay",
        group="managers",
        text="The leader has another manager pass an assignment on to an agent that it does not reach itself.",
        role="manager",
        body=bytes,
        body_media="application/msgpack",
        answers=(Answer(text="what the agent answered", media="application/msgpack", headers=()),),
        errors=(502,),
    ),
)

ROUTES: tuple[Route, ...] = (
    *_SERVICES,
    *_APPS,
    *_TASKS,
    *_NODES,
    *_EVENTS,
    *_USAGE,
    *_CONTROL_PLANE,
    *_AGENTS,
    *_PEERS,
)

_BY_PLACE: dict[tuple[str, str], Route] = {(route.method, route.path): route for route in ROUTES}


def route_of(method: str, path: str) -> Route | None:
    """The route of a method and a path as the table writes it (``/v1/services/{name}``)."""
    return _BY_PLACE.get(("GET" if method == "HEAD" else method, path))
