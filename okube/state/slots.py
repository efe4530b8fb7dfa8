"""Which tasks of each slot have not ended: most slots have one, so that one is kept without anything around it."""

__all__ = ["LivingSlots"]


class LivingSlots:
    """Slots by service and number; what has no task is not there."""

    __slots__ = ("_of_service",)

    def __init__(self) -> None:
        self._of_service: dict[str, dict[int, str | tuple[str, ...]]] = {}

    def __bool__(self) -> bool:
        return bool(self._of_service)

    def tasks(self, service_id: str, slot: int) -> tuple[str, ...]:
        """The tasks of a slot that have not ended, in the order in which they came."""
        found = self._of_service.get(service_id, {}).get(slot, ())
        return (found,) if isinstance(found, str) else found

    def add(self, service_id: str, slot: int, task_id: str) -> None:
        """A task is there."""
        slots = self._of_service.get(service_id)
        if slots is None:
            slots = self._of_service[service_id] = {}
        slots[slot] = task_id if slot not in slots else (*self.tasks(service_id, slot), task_id)

    def remove(self, service_id: str, slot: int, task_id: str) -> None:
        """A task has ended, or is gone."""
        slots = self._of_service[service_id]
        left = tuple(each for each in self.tasks(service_id, slot) if each != task_id)
        if left:
            slots[slot] = left[0] if len(left) == 1 else left
            return
        del slots[slot]
        if not slots:
            del self._of_service[service_id]
