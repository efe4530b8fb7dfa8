"""What is counted and timed as it happens. One registry a manager; nothing is global, so a process may hold several."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["Metrics"]

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_CALLS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The instruments of one manager. Seconds everywhere; names end in their unit, counters in ``_total``."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        # Raft
        self.sync_seconds = Histogram(
            "okube_raft_sync_seconds", "Time of one sync of the journal to disk.", buckets=_FAST, registry=registry
        )
        self.proposal_seconds = Histogram(
            "okube_raft_proposal_seconds",
            "Time from the submission of a command to its being committed and applied here.",
            buckets=_CALLS,
            registry=registry,
        )
        self.elections_won = Counter(
            "okube_raft_elections_won_total", "How often this manager became leader.", registry=registry
        )
        # Snapshots
        self.snapshot_time = Gauge(
            "okube_snapshot_timestamp_seconds",
            "When this manager last kept a snapshot of the state: seconds since 1970, 0 where it never did.",
            registry=registry,
        )
        # Loop
        self.loop_lag = Histogram(
            "okube_loop_lag_seconds", "How late the event loop ran a timer.", buckets=_FAST, registry=registry
        )
        # Scheduling
        self.placement_seconds = Histogram(
            "okube_scheduling_seconds", "Time of one pass of placement.", buckets=_FAST, registry=registry
        )
        self.placed = Counter("okube_scheduling_placed_total", "Tasks for which a node was found.", registry=registry)
        self.rejected = Counter(
            "okube_scheduling_rejected_total",
            "Tasks that fit on no node, once for each reason.",
            registry=registry,
        )
        # Dispatch
        self.assignments = Counter(
            "okube_dispatch_assignments_total",
            "Assignments sent to agents, by outcome: accepted, refused, unreachable.",
            ["outcome"],
            registry=registry,
        )
        self.dispatch_seconds = Histogram(
            "okube_dispatch_seconds", "Time until an agent answered an assignment.", buckets=_CALLS, registry=registry
        )
        self.dispatch_in_flight = Gauge(
            "okube_dispatch_in_flight", "Assignments that are on their way now.", registry=registry
        )
        # API
        self.requests = Counter(
            "okube_api_requests_total", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self.request_seconds = Histogram(
            "okube_api_request_seconds",
            "Time from a request to the beginning of its answer.",
            ["route"],
            buckets=_CALLS,
            registry=registry,
        )
        self.requests_in_flight = Gauge(
            "okube_api_requests_in_flight", "Requests under way now, streams included.", registry=registry
        )
        self.streams = Gauge(
            "okube_api_streams", "Streams open now, by route: watchers, followed logs.", ["route"], registry=registry
        )
        # Agents
        self.heartbeats = Counter("okube_agents_heartbeats_total", "Heartbeats taken as leader.", registry=registry)
        self.registrations = Counter(
            "okube_agents_registrations_total", "Registrations taken as leader.", registry=registry
        )
        # Defects
        self.defects = Counter(
            "okube_defects_total",
            "Bugs of Okube that were caught, by where: api, leader, snapshots. Each is in the log with its trace.",
            ["where"],
            registry=registry,
        )
        self._answers: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        for outcome in ("accepted", "refused", "unreachable"):
            self.assignments.labels(outcome)
        for where in ("api", "leader", "snapshots"):
            self.defects.labels(where)

    def answers_of(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """What counts and times such answers; looked up by labels once, for that takes longer than to count."""
        key = (route, method, status)
        found = self._answers.get(key)
        if found is None:
            counter = self.requests.labels(route, method, str(status))
            found = self._answers[key] = counter, self.request_seconds.labels(route)
        return found
