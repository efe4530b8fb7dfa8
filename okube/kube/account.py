"""The account of what runs where: an extender is asked about one pod at a time and told nothing of the others."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from okube.kube.protocol import Pod
from okube.kube.workload import Service, dependencies_of, service_of
from okube.model.dependency import Dependency
from okube.model.errors import InvalidInput

__all__ = ["Account", "Call"]

Key = TypeVar("Key")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """That the pods of one service call another, with the limits they gave."""

    caller: Service
    dependency: Dependency

    @property
    def callee(self) -> Service:
        """Whom they call."""
        return self.caller.sibling(self.dependency.service)


@dataclass(frozen=True, slots=True)
class _Bound:
    node: str
    service: Service
    calls: tuple[Call, ...]


@dataclass(slots=True)
class Account:
    """Pods that are on a node, counted by service and node; only pods of a named service are kept."""

    _version: int = 0
    _pods: dict[str, _Bound] = field(default_factory=dict)
    _where: dict[Service, Counter[str]] = field(default_factory=dict)
    _calls: dict[Service, dict[Call, Counter[str]]] = field(default_factory=dict)
    _moved: dict[Service, int] = field(default_factory=dict)
    _called: dict[Service, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._pods)

    def put(self, pod: Pod) -> None:
        """A pod as it is now: counted where it is bound and goes on, and not where it has ended."""
        bound = None if pod.gone else _bound(pod)
        if self._pods.get(pod.key) == bound:
            return
        self.remove(pod.key)
        if bound is not None:
            self._pods[pod.key] = bound
            self._count(bound, 1)

    def remove(self, key: str) -> None:
        """A pod that is there no more."""
        bound = self._pods.pop(key, None)
        if bound is not None:
            self._count(bound, -1)

    def replace(self, pods: Iterable[Pod]) -> None:
        """All pods there are: those that are not among them are gone."""
        listed = set()
        for pod in pods:
            listed.add(pod.key)
            self.put(pod)
        for key in [key for key in self._pods if key not in listed]:
            self.remove(key)

    def nodes_of(self, service: Service) -> Mapping[str, int]:
        """How many pods of a service each node has."""
        return self._where.get(service, {})

    def calls_to(self, service: Service) -> Mapping[Call, Mapping[str, int]]:
        """Who calls a service, and how many pods of each such caller a node has."""
        return self._calls.get(service, {})

    def standing(self, service: Service, called: Iterable[Service]) -> tuple[int, ...]:
        """Another one than before, once a pod of a service that this one calls, or one that calls it, came or went."""
        return (self._called.get(service, 0), *(self._moved.get(each, 0) for each in called))

    def _count(self, bound: _Bound, times: int) -> None:
        self._version += 1
        _add(self._where, bound.service, bound.node, times)
        _note(self._moved, bound.service, self._version, self._where)
        for call in bound.calls:
            callers = self._calls.setdefault(call.callee, {})
            _add(callers, call, bound.node, times)
            if not callers:
                del self._calls[call.callee]
            _note(self._called, call.callee, self._version, self._calls)


def _add(counters: dict[Key, Counter[str]], key: Key, node: str, times: int) -> None:
    counter = counters.setdefault(key, Counter())
    counter[node] += times
    if counter[node] <= 0:
        del counter[node]
    if not counter:
        del counters[key]


def _note(changes: dict[Service, int], service: Service, version: int, there: Mapping[Service, object]) -> None:
    """When something of a service has changed last; nothing is kept of one that has nothing."""
    if service in there:
        changes[service] = version
    else:
        changes.pop(service, None)


def _bound(pod: Pod) -> _Bound | None:
    service = service_of(pod.metadata)
    if not pod.spec.node_name or not service.name:
        return None
    try:
        dependencies = dependencies_of(pod.metadata)
    except InvalidInput as error:
        _log.warning("pod %s/%s: %s; it counts as one without", service.namespace, pod.metadata.name, error.detail)
        dependencies = ()
    return _Bound(pod.spec.node_name, service, tuple(Call(service, each) for each in dependencies))
