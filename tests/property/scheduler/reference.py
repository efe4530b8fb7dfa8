"""The rules of placement told the slow way: one task after another, every node looked at, exact fractions."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from okube.scheduler import PortRequest, TaskGroup
from tests.unit.scheduler.builders import Node


@dataclass
class Machine:
    """A node with what is left on it."""

    name: str
    zone: str
    usable: bool
    attributes: Mapping[str, str]
    total: tuple[Fraction, ...]
    used: tuple[Fraction, ...]
    ports: set[tuple[int, str]]
    tasks: int
    services: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, node: Node) -> "Machine":
        return cls(
            name=node.name,
            zone=node.zone,
            usable=node.ready and node.availability == "active",
            attributes=node.attributes,
            total=(cores(node.cores), Fraction(node.memory), Fraction(node.disk)),
            used=(
                cores(node.cores) - cores(node.cores - node.cores_used),
                Fraction(node.memory_used),
                Fraction(node.disk_used),
            ),
            ports=set(node.ports),
            tasks=node.tasks,
        )

    def host_ports(self, requests: Iterable[PortRequest], port_range: tuple[int, int]) -> tuple[int, ...] | None:
        """The host port of each request, or nothing where they do not fit."""
        requests = list(requests)
        taken = set(self.ports)
        for request in requests:
            if request.host and (request.host, request.protocol) in taken:
                return None
            if request.host:
                taken.add((request.host, request.protocol))
        given = []
        for request in requests:
            candidates = range(port_range[0], port_range[1] + 1)
            port = request.host or next((port for port in candidates if (port, request.protocol) not in taken), None)
            if port is None:
                return None
            taken.add((port, request.protocol))
            given.append(port)
        return tuple(given)

    def fits(self, group: TaskGroup, port_range: tuple[int, int]) -> bool:
        enough = all(
            asked == 0 or used + asked <= total
            for asked, used, total in zip(asked_by(group), self.used, self.total, strict=True)
        )
        allowed = all(meets(self.attributes, constraint) for constraint in group.constraints)
        return self.usable and enough and allowed and self.host_ports(group.ports, port_range) is not None

    def load_with(self, group: TaskGroup) -> Fraction:
        shares = zip(asked_by(group), self.used, self.total, strict=True)
        return max((used + asked) / total if total else Fraction(0) for asked, used, total in shares)

    def take(self, group: TaskGroup, port_range: tuple[int, int]) -> tuple[int, ...]:
        host_ports = self.host_ports(group.ports, port_range)
        assert host_ports is not None
        self.used = tuple(used + asked for used, asked in zip(self.used, asked_by(group), strict=True))
        self.ports |= {(port, request.protocol) for port, request in zip(host_ports, group.ports, strict=True)}
        self.tasks += 1
        self.services[group.service] += 1
        return host_ports


def cores(amount: float) -> Fraction:
    return Fraction(round(amount * 10**9), 10**9)


def asked_by(group: TaskGroup) -> tuple[Fraction, ...]:
    return cores(group.cpus), Fraction(group.memory), Fraction(group.disk)


def meets(attributes: Mapping[str, str], constraint: str) -> bool:
    attribute, operator, value = constraint.split(" ")
    return (attributes.get(attribute, "") == value) == (operator == "==")


def choose(
    machines: list[Machine], group: TaskGroup, task: str, counts: Counter[str], port_range: tuple[int, int]
) -> Machine | None:
    """The node for one task of the group."""
    fitting = [machine for machine in machines if machine.fits(group, port_range)]
    if task in group.pinned:
        return next((machine for machine in fitting if machine.name == group.pinned[task]), None)
    avoided = group.avoid.get(task, frozenset())
    fitting = [machine for machine in fitting if machine.name not in avoided] or fitting
    zones: Counter[str] = Counter()
    for machine in machines:
        zones[machine.zone] += counts[machine.name]

    def score(machine: Machine) -> tuple[object, ...]:
        load = machine.load_with(group)
        balance = (load, machine.tasks) if any(asked_by(group)) else (machine.tasks, load)
        return (counts[machine.name], zones[machine.zone], *balance, machine.name)

    return min(fitting, key=score, default=None)


def place_slowly(
    nodes: Sequence[Node], groups: Sequence[TaskGroup], port_range: tuple[int, int]
) -> tuple[list[tuple[str, str, tuple[int, ...]]], list[str]]:
    """The (task, node, host ports) of all tasks that are placed, and those that are not, in the order given."""
    machines = [Machine.of(node) for node in nodes]
    placed, rejected = [], []
    for group in groups:
        for task in group.tasks:
            counts = Counter({m.name: group.placed.get(m.name, 0) + m.services[group.service] for m in machines})
            machine = choose(machines, group, task, counts, port_range)
            if machine is None:
                rejected.append(task)
                continue
            placed.append((task, machine.name, machine.take(group, port_range)))
    return placed, rejected
