"""What a manager tells Prometheus: what happened is counted, what stands is shown, and every name is documented."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from prometheus_client import ProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from okube.manager.metrics.document import markdown
from okube.manager.metrics.lag import sample_lag
from okube.model.wire import Papers
from okube.seams.clock import SystemClock
from okube.worker.metrics import AgentMetrics
from tests.unit.manager.conftest import Api

PAGE = Path(__file__).parents[4] / "docs" / "metrics.md"
WEB = {"name": "web", "image": "example/web:1", "replicas": 2}
Shown = dict[str, float]


async def _shown(api: Api) -> Shown:
    """Samples by name and labels, as a Prometheus server would read them."""
    text = (await api("GET", "/metrics")).body.decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


async def _shown_once(api: Api, condition: Callable[[Shown], bool]) -> Shown:
    async with asyncio.timeout(10):
        while True:
            shown = await _shown(api)
            if condition(shown):
                return shown
            await asyncio.sleep(0.01)


async def test_what_stands_is_shown(api: Api) -> None:
    await api.node("w1")
    await api("POST", "/v1/services", WEB)
    shown = await _shown(api)
    assert shown["okube_raft_role{role=leader}"] == 1
    assert shown["okube_raft_quorum"] == 1
    assert shown["okube_raft_term"] >= 1
    assert shown["okube_state_rows{table=services}"] == 1
    assert shown["okube_nodes{state=ready}"] == 1
    assert shown["okube_raft_elections_won_total"] == 1
    assert shown["okube_state_revision"] > 0
    assert shown["okube_certificate_end_timestamp_seconds{whose=own}"] == 4_102_444_800


async def test_what_happens_is_counted(api: Api) -> None:
    before = await _shown(api)
    await api("POST", "/v1/services", WEB)
    await api("POST", "/v1/services", WEB)
    await api("GET", "/v1/no/such/route")
    after = await _shown(api)
    route = "okube_api_requests_total{method=POST,route=/v1/services,status=%d}"
    assert (after[route % 201], after[route % 409]) == (1, 1)
    assert after["okube_api_requests_total{method=GET,route=unknown,status=404}"] == 1
    assert after["okube_api_request_seconds_count{route=/v1/services}"] == 2
    name = "okube_raft_proposal_seconds_count"
    assert after[name] >= before[name] + 2
    assert after["okube_raft_sync_seconds_count"] > before["okube_raft_sync_seconds_count"]
    assert after["okube_api_requests_in_flight"] == 1  # the one that asks


async def test_a_task_without_a_place_is_seen(api: Api) -> None:
    await api("POST", "/v1/services", WEB)
    # The document is made in turns, while the leader goes on: what is at its beginning may be older than the rest.
    shown = await _shown_once(
        api,
        lambda found: found["okube_scheduling_rejected_total"] == 2 and found["okube_scheduling_seconds_count"] >= 1,
    )
    assert shown["okube_scheduling_pending_tasks"] == 2


async def test_assignments_are_counted_by_their_outcome(api: Api) -> None:
    api.agents.dead.add("w2")
    await api.node("w1")
    await api.node("w2")
    accepted = "okube_dispatch_assignments_total{outcome=accepted}"
    unreachable = "okube_dispatch_assignments_total{outcome=unreachable}"
    shown = await _shown_once(api, lambda found: bool(found[accepted] and found[unreachable]))
    assert shown["okube_dispatch_seconds_count"] >= 1


async def test_no_name_that_a_client_makes_up_becomes_a_label(api: Api) -> None:
    for path in ("/v1/services/first-one", "/v1/services/first-two", "/first-three", "/v1/tasks/first.4"):
        await api("GET", path)
    assert not [key for key in await _shown(api) if "first" in key]


async def test_two_managers_in_one_process_count_for_themselves(api: Api) -> None:
    type(api.core.metrics)().heartbeats.inc(5)
    assert (await _shown(api))["okube_agents_heartbeats_total"] == 0


async def test_the_lag_of_the_loop_is_sampled() -> None:
    seen: list[float] = []
    enough = asyncio.Event()

    def observe(lag_s: float) -> None:
        seen.append(lag_s)
        if len(seen) == 3:
            enough.set()

    sampling = asyncio.ensure_future(sample_lag(observe, interval_s=0.001))
    async with asyncio.timeout(10):
        await enough.wait()
    sampling.cancel()
    await asyncio.wait({sampling})
    assert all(lag_s >= 0 for lag_s in seen)


async def test_the_page_in_the_docs_names_every_metric(api: Api) -> None:
    await api("GET", "/v1/services")
    api.core.metrics.streams.labels("/v1/services")
    manager = api.core.metrics.registry
    ProcessCollector(registry=manager)
    agent = AgentMetrics(SystemClock())
    agent.tell_tasks(tuple)
    agent.tell_papers(lambda: Papers("mark", 0, 1000))
    agent.engine_seconds.labels("list")
    ProcessCollector(registry=agent.registry)
    page = markdown(manager.collect(), agent.registry.collect())
    if os.environ.get("OKUBE_WRITE_DOCS"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "run it again with OKUBE_WRITE_DOCS=1"
