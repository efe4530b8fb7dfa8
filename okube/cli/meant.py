"""What a name stands for where a command takes services and tasks alike."""

from typing import Any

from okube.cli.likely import hint_of
from okube.client.api import OkubeClient
from okube.model.errors import Conflict, NotFound

__all__ = ["one_running_task", "service_or_task"]

Row = dict[str, Any]


def service_or_task(client: OkubeClient, name: str) -> tuple[Row | None, Row | None]:
    """The service of that name, else the task (``SERVICE.SLOT``, an id or the start of one): one of the two is None.

    Raises:
        NotFound: there is neither; it names the closest that there is.
    """
    if "." not in name:
        try:
            return client.service(name), None
        except NotFound:
            pass
    try:
        return None, client.task(name)
    except NotFound as error:
        hint = hint_of(client, ("task",) if "." in name else ("service", "task"), [name])
        what = "task" if "." in name else "service and no task"
        raise NotFound(f"there is no {what} {name}{hint}") from error


def one_running_task(client: OkubeClient, name: str) -> tuple[Row, int]:
    """A task to look into, and how many there were to choose from: of a service the first one that is ready.

    Raises:
        NotFound: there is nothing of that name.
        Conflict: the service has no task that runs; it says what they are instead.
    """
    service, task = service_or_task(client, name)
    if task is not None:
        return task, 1
    assert service is not None
    tasks = client.tasks(service=name)
    running = sorted(
        (t for t in tasks if t.get("state") == "running"), key=lambda t: (not t.get("ready"), t.get("slot") or 0)
    )
    if running:
        return running[0], len(running)
    raise Conflict(f"no task of {name} runs now{_instead(service, tasks)}")


def _instead(service: Row, tasks: list[Row]) -> str:
    if service.get("stopped"):
        return f": the service is stopped; `okube start {service.get('name')}` starts it"
    said = [f"{t.get('name')} is {t.get('state')}" + (f": {t['message']}" if t.get("message") else "") for t in tasks]
    return f": {'; '.join(said[:3])}" if said else ""
