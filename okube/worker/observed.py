"""The containers as they were seen last, and which of two looks is the newer one."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from okube.worker.runtime.base import Container

__all__ = ["Observed"]


class Observed:
    """A cache of containers by task.

    A slow look at the engine may end after a step has changed what it looked at. So each look starts with ``moment``,
    and what changed after that moment is not overwritten by what the look brings.
    """

    def __init__(self) -> None:
        self._by_task: dict[str, dict[str, Container]] = {}
        self._changed_at: dict[str, int] = {}
        self._moment = 0

    def moment(self) -> int:
        """The start of a look."""
        return self._moment

    def of(self, task_id: str) -> Sequence[Container]:
        """The containers of one task: none or one, unless somebody else made another."""
        return tuple(self._by_task.get(task_id, {}).values())

    def by_task(self) -> Mapping[str, Sequence[Container]]:
        """All containers."""
        return {task_id: tuple(containers.values()) for task_id, containers in self._by_task.items()}

    def tasks(self) -> set[str]:
        """The tasks that have a container."""
        return set(self._by_task)

    def put(self, container: Container) -> None:
        """A step made or changed a container."""
        self._touch(container.task_id)
        self._by_task.setdefault(container.task_id, {})[container.id] = container

    def drop(self, task_id: str, container_id: str) -> None:
        """A container is gone."""
        self._touch(task_id)
        containers = self._by_task.get(task_id, {})
        containers.pop(container_id, None)
        if not containers:
            self._by_task.pop(task_id, None)

    def unchanged_since(self, task_id: str, moment: int) -> bool:
        """Whether a look that started at ``moment`` is the newest there is of the task."""
        return self._changed_at.get(task_id, 0) <= moment

    def replace(self, containers: Iterable[Container], moment: int, *, trusted: Callable[[str], bool]) -> set[str]:
        """Take in a look at everything; answers the tasks for which it brought something new.

        ``trusted`` is False for tasks about which nothing seen from outside counts now.
        """
        seen: dict[str, dict[str, Container]] = {}
        for container in containers:
            seen.setdefault(container.task_id, {})[container.id] = container
        changed: set[str] = set()
        for task_id in seen.keys() | self._by_task.keys():
            if not self.unchanged_since(task_id, moment) or not trusted(task_id):
                continue
            if seen.get(task_id, {}) == self._by_task.get(task_id, {}):
                continue
            changed.add(task_id)
            self._touch(task_id)
            if task_id in seen:
                self._by_task[task_id] = seen[task_id]
            else:
                del self._by_task[task_id]
        self._changed_at = {task_id: at for task_id, at in self._changed_at.items() if at > moment}
        return changed

    def _touch(self, task_id: str) -> None:
        self._moment += 1
        self._changed_at[task_id] = self._moment
