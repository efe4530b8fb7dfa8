"""Beside which services tasks should be: from the names in specs to the ids and counts of the scheduler. Pure."""

from collections import Counter
from collections.abc import Iterable

from okube.model.placing import Company
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.scheduler import CallRule, CompanyRule
from okube.state import Tables
from okube.state.siblings import called
from okube.state.tasks import is_lost

__all__ = ["Companies", "in_order", "waits_for_company"]


def in_order(alike: list[tuple[list[Task], ServiceSpec]]) -> list[tuple[list[Task], ServiceSpec]]:
    """The higher priority first. Then those that must be near others come last: these may be placed in the same go."""
    return sorted(alike, key=lambda each: (-each[1].level, _must_be_near(each[1])))


def waits_for_company(tables: Tables) -> bool:
    """Whether a pending task may have waited for what was just placed."""
    if not any(_must_be_near(spec) for spec in tables.specs.values()):
        return False
    pending = (tables.tasks[task_id] for task_id in tables.tasks_in_state.get("pending", ()))
    return any(_must_be_near(spec) or spec.dependencies for spec in map(tables.spec_of, pending))


def _must_be_near(spec: ServiceSpec) -> bool:
    return any(each.is_hard for each in spec.near)


class Companies:
    """The rules of one go of placing; what is looked up once is not looked up again."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._placed: dict[str, Counter[str]] = {}
        self._kept_off: dict[str, list[CompanyRule]] | None = None

    def rules(self, service_id: str, spec: ServiceSpec) -> tuple[CompanyRule, ...]:
        """All rules for tasks of a service: its own, and those of others that must be apart from it."""
        own = [*self._own(spec, spec.near, apart=False), *self._own(spec, spec.apart, apart=True)]
        return (*own, *self._theirs(service_id))

    def others(self, rules: Iterable[CompanyRule | CallRule]) -> dict[str, Counter[str]]:
        """How many tasks of the services in these rules each node has."""
        return {rule.service: self._counts(rule.service) for rule in rules if rule.service}

    def _own(self, spec: ServiceSpec, companies: Iterable[Company], *, apart: bool) -> Iterable[CompanyRule]:
        for each in companies:
            found = called(self._tables, each.service, spec.app)
            if found is not None or not apart:
                yield CompanyRule(found or "", each.service, each.within, apart, each.weight)

    def _theirs(self, service_id: str) -> Iterable[CompanyRule]:
        if self._kept_off is None:
            self._kept_off = {}
            for service in self._tables.services.values():
                for each in service.spec.apart:
                    target = called(self._tables, each.service, service.spec.app)
                    if target is not None and target != service.id and each.is_hard:
                        rule = CompanyRule(service.id, service.name, each.within, apart=True, theirs=True)
                        self._kept_off.setdefault(target, []).append(rule)
        return self._kept_off.get(service_id, ())

    def _counts(self, service_id: str) -> Counter[str]:
        if service_id not in self._placed:
            there = (task for task in self._tables.tasks_of(service_id) if not task.ended)
            # One on a node that is down serves nobody, and is about to be replaced.
            self._placed[service_id] = Counter(
                task.node for task in there if task.node is not None and not is_lost(self._tables, task)
            )
        return self._placed[service_id]
