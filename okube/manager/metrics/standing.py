"""What stands at the moment a Prometheus server asks: Raft's place, rows, nodes, ages."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from okube.manager.api.gate import REASONS, Gate
from okube.manager.core import ManagerCore
from okube.manager.leader import Leader
from okube.model.wire import Papers
from okube.seams.doorman import TURNED
from okube.state.queries import count_nodes

__all__ = ["Standing"]

_ROLES = ("leader", "candidate", "follower")
_STATES = ("pending", "scheduled", "running", "completed", "failed")


class Standing(Collector):
    """Reads the manager when it is asked.

    Args:
        core: the manager.
        leader: its loops, while it leads.
        gate: what its API lets in.
        papers: what it shows itself.
    """

    def __init__(
        self,
        core: ManagerCore,
        leader: Callable[[], Leader | None],
        gate: Gate,
        papers: Callable[[], Papers | None] = lambda: None,
    ) -> None:
        self._core = core
        self._leader = leader
        self._gate = gate
        self._papers = papers

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: the registry asks for it before Raft has started."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All of it, now."""
        yield from self._raft()
        yield from self._state()
        yield from self._agents()
        yield from self._api()
        yield from self._certificates()

    def _raft(self) -> Iterator[Metric]:
        raft = self._core.raft
        role = "leader" if self._core.leads else str(raft.role) if str(raft.role) != "leader" else "candidate"
        roles = {name: float(name == role) for name in _ROLES}
        yield _labelled("okube_raft_role", "What this manager is: 1 for its role.", "role", roles)
        yield _gauge("okube_raft_quorum", "Whether a leader is heard, or this is one that is.", float(raft.has_quorum))
        yield _gauge("okube_raft_term", "The highest term seen.", raft.term)
        yield _gauge(
            "okube_epoch_incarnation", "The first part of the epoch; restores raise it.", self._core.epoch.incarnation
        )
        yield _gauge("okube_raft_commit_index", "Entries up to here are committed.", raft.commit_index)
        yield _gauge("okube_raft_applied_index", "Entries up to here are applied.", raft.applied_index)
        yield _gauge("okube_raft_last_index", "Where the log ends.", raft.last_index)
        yield _gauge(
            "okube_raft_snapshot_index", "The log begins after this entry; a snapshot has the rest.", raft.base_index
        )
        yield _gauge("okube_raft_journal_bytes", "Size of the entries that the log holds.", raft.log_bytes)
        contact = "Seconds since a leader was heard; 0 for the leader."
        yield _gauge("okube_raft_contact_age_seconds", contact, raft.last_contact_s)
        sidelined = "Whether this manager takes no part, because its disk is full."
        yield _gauge("okube_raft_disk_full", sidelined, float(raft.is_sidelined))
        tables = self._core.tables
        locked = "Whether this manager lacks the unlock key, and so serves no secrets."
        yield _gauge("okube_locked", locked, float(tables.ring is not None and self._core.vault.locked))
        peers = raft.peer_status()
        yield _labelled(
            "okube_raft_peer_connected",
            "Whether the link to a manager is up.",
            "peer",
            {name: float(peer.connected) for name, peer in peers.items()},
        )
        behind = {
            name: float(max(0, raft.last_index - peer.match_index))
            for name, peer in peers.items()
            if peer.match_index is not None
        }
        yield _labelled(
            "okube_raft_peer_lag_entries", "Entries that a manager lacks; the leader knows.", "peer", behind
        )

    def _state(self) -> Iterator[Metric]:
        tables = self._core.tables
        rows = {
            "nodes": len(tables.nodes),
            "services": len(tables.services),
            "tasks": len(tables.tasks),
            "requests": len(tables.requests),
            "events": len(tables.events),
        }
        yield _labelled("okube_state_rows", "Rows of the replicated state, by table.", "table", rows)
        yield _gauge("okube_state_revision", "Changes of rows so far.", tables.revision)
        oldest_ms = tables.requests.oldest_ms()
        kept_s = 0.0 if oldest_ms is None else max(0, tables.time_ms - oldest_ms) / 1000
        yield _gauge("okube_state_requests_age_seconds", "How far back a repeated write is recognized.", kept_s)
        tasks = {state: len(tables.tasks_in_state.get(state, ())) for state in _STATES}
        yield _labelled("okube_tasks", "Tasks by state; ended ones as far as they are remembered.", "state", tasks)
        yield _gauge("okube_scheduling_pending_tasks", "Tasks that have no node yet.", tasks["pending"])
        defects = "Bugs of Okube that were caught in applying a command."
        yield _counter("okube_state_defects", defects, self._core.machine.defects)
        failures = "Entries on which the state machine raised."
        yield _counter("okube_raft_apply_failures", failures, self._core.raft.apply_failures)

    def _agents(self) -> Iterator[Metric]:
        counts = count_nodes(self._core.tables)
        text = "Nodes that are ready or down, and how many are cordoned, draining or drained."
        yield _labelled("okube_nodes", text, "state", counts)
        leader = self._leader()
        if leader is None:
            return
        now_ms = self._core.clock.time_ms()
        heard = (leader.liveness.last_seen_ms(name) for name in self._core.tables.nodes)
        ages = [max(0, now_ms - seen) / 1000 for seen in heard if seen is not None]
        age = "Seconds since the heartbeat of the node that was heard longest ago; the leader knows."
        yield _gauge("okube_agents_heartbeat_age_seconds", age, max(ages, default=0.0))

    def _certificates(self) -> Iterator[Metric]:
        own, ca_ends_ms, leader = self._papers(), self._core.authority.ends_ms, self._leader()
        nodes = self._core.tables.nodes
        known = {} if leader is None else leader.papers.nodes
        of_nodes = [papers.ends_ms for name, papers in known.items() if name in nodes]
        ends_ms = {"own": None if own is None else own.ends_ms, "ca": ca_ends_ms, "nodes": min(of_nodes, default=None)}
        text = "When certificates end: its own, the CA's, and the first one of all nodes, which the leader knows."
        ends = {whose: end / 1000 for whose, end in ends_ms.items() if end is not None}
        yield _labelled("okube_certificate_end_timestamp_seconds", text, "whose", ends)

    def _api(self) -> Iterator[Metric]:
        yield _gauge("okube_api_connections", "Connections of clients that are open now.", self._gate.connections)
        refused = CounterMetricFamily(
            "okube_api_refused", "What was not let in or not read, by reason.", labels=["reason"]
        )
        for reason in REASONS:
            refused.add_metric([reason], self._gate.refused[reason])
        for why in TURNED:
            refused.add_metric([f"handshake-{why}"], self._gate.handshakes[why])
        yield refused


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=float(value))


def _labelled(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value_of_label, value in values.items():
        family.add_metric([value_of_label], float(value))
    return family
