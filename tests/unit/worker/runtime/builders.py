"""Tasks as tests need them."""

from typing import Any

from okube.model.spec import ServiceSpec
from okube.model.wire import AssignedTask

__all__ = ["a_task"]


def a_task(
    task_id: str = "t1", *, host_ports: tuple[int, ...] = (), app: str | None = None, **spec: Any
) -> AssignedTask:
    made = ServiceSpec(**{"name": "web", "image": "nginx:1.27", **spec})
    return AssignedTask(task_id, "web", 2, made, app=app, host_ports=host_ports)
