"""The two questions of kube-scheduler, answered by the network scores of the scheduler. No I/O."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from math import inf
from typing import NamedTuple

import msgspec
import numpy as np

from okube.kube.account import Account
from okube.kube.machines import Machines
from okube.kube.protocol import Args, FilterAnswer, HostPriority, Node, NodeList, Pod
from okube.kube.workload import Service, dependencies_of, service_of
from okube.model.dependency import Dependency
from okube.model.errors import InvalidInput
from okube.scheduler.network import Hearing, Neighbour, Verdict
from okube.scheduler.nodes import BoolArray, IntArray

__all__ = ["Extender"]

_BEST = 10
_KEPT = 16
_AS_NODE = msgspec.json.Decoder(Node)
_NOTHING = np.zeros(0, dtype=np.int64)
_Question = tuple[Service, tuple[Dependency, ...], tuple[int, ...], int]


class _Asked(NamedTuple):
    """The nodes of one call: their names, and whole, as they came, where they came whole."""

    names: list[str]
    whole: list[msgspec.Raw] | None


class Extender:
    """Filters and scores nodes by how near they are to what a pod talks with.

    A pod that depends on nothing and that nothing depends on may go anywhere and is wanted alike everywhere.
    """

    def __init__(self, machines: Machines, account: Account) -> None:
        self.machines = machines
        self.account = account
        self._heard: OrderedDict[_Question, Hearing] = OrderedDict()

    def filter(self, args: Args) -> FilterAnswer:
        """Which of the nodes are near enough. More room on one that is not would not help, so none is to be made."""
        asked = self._asked(args)
        try:
            verdict = self._verdict(args.pod)
        except InvalidInput as error:
            return FilterAnswer(error=f"pod {args.pod.metadata.namespace}/{args.pod.metadata.name}: {error.detail}")
        if not verdict.refusals:
            return _kept(asked, _all_of(asked), {})
        rows = self._rows(asked)
        kept = _all_of(asked)
        failed: dict[str, str] = {}
        for neighbour, refused in verdict.refusals:  # the first that refuses a node has the word
            fallen = kept & _with_unknown(refused)[rows]
            failed |= dict.fromkeys(compress(asked.names, fallen.tolist()), neighbour.complaint)
            kept &= ~fallen
        return _kept(asked, kept, failed)

    def prioritize(self, args: Args) -> list[HostPriority]:
        """How much each node is wanted, 0 to 10; alike where the pod's annotation cannot be read."""
        asked = self._asked(args)
        try:
            scaled = self._verdict(args.pod).scaled
        except InvalidInput:
            return [HostPriority(name, 0) for name in asked.names]
        with_unknown = np.append(scaled, scaled.max(initial=0.0))  # who is not known is as bad as the worst
        costs = with_unknown[self._rows(asked)]
        scores = np.rint(_BEST * (1 - costs)).astype(np.int64)
        return list(map(HostPriority, asked.names, scores.tolist()))

    def _asked(self, args: Args) -> _Asked:
        if args.nodes is None or args.nodes.items is None:
            return _Asked(args.node_names or [], None)
        nodes = [_AS_NODE.decode(item).metadata for item in args.nodes.items]
        for node in nodes:
            self.machines.put(node)
        return _Asked([node.name for node in nodes], args.nodes.items)

    def _rows(self, asked: _Asked) -> IntArray:
        return np.array(self.machines.rows_of(asked.names, otherwise=len(self.machines)), dtype=np.int64)

    def _verdict(self, pod: Pod) -> Verdict:
        """What was found for a pod of the same kind goes on while those that it talks with stay where they are.

        Raises:
            InvalidInput: the pod's dependencies cannot be read.
        """
        service, dependencies = service_of(pod.metadata), dependencies_of(pod.metadata)
        view = self.machines.view
        called = [service.sibling(each.service) for each in dependencies]
        question = (service, dependencies, self.account.standing(service, called), self.machines.version)
        own = self.machines.known(self.account.nodes_of(service))[0] if service.name else _NOTHING
        hearing = self._heard.pop(question, None)
        if hearing is None or not hearing.knows_no_more_than(own):
            hearing = Hearing(view, list(self._neighbours(service, dependencies)))
        self._heard[question] = hearing
        if len(self._heard) > _KEPT:
            self._heard.popitem(last=False)
        return hearing.judge(own)

    def _neighbours(self, service: Service, dependencies: Sequence[Dependency]) -> Iterator[Neighbour]:
        for each in dependencies:
            yield self._neighbour(each, each.service, self.account.nodes_of(service.sibling(each.service)))
        if service.name:
            for call, nodes in self.account.calls_to(service).items():
                yield self._neighbour(call.dependency, call.caller.name, nodes, depends=True)

    def _neighbour(self, limits: Dependency, name: str, nodes: Mapping[str, int], depends: bool = False) -> Neighbour:
        rows, tasks = self.machines.known(nodes)
        return Neighbour(
            service=name,
            rows=rows,
            tasks=tasks,
            max_latency_s=inf if limits.max_latency is None else limits.max_latency,
            min_bandwidth_bps=limits.min_bandwidth,
            traffic_bps=limits.traffic,
            depends=depends,
        )


def _with_unknown(refused: BoolArray) -> BoolArray:
    """Whom a limit refuses, and in one more row, which stands for every node that is not known: that one too."""
    return np.append(refused, True)


def _all_of(asked: _Asked) -> BoolArray:
    return np.ones(len(asked.names), dtype=np.bool_)


def _kept(asked: _Asked, kept: BoolArray, failed: dict[str, str]) -> FilterAnswer:
    if asked.whole is not None:
        whole = list(compress(asked.whole, kept.tolist()))
        return FilterAnswer(nodes=NodeList(whole), failed_and_unresolvable_nodes=failed)
    names = list(compress(asked.names, kept.tolist()))
    return FilterAnswer(node_names=names, failed_and_unresolvable_nodes=failed)
