"""The agent's survey of the network, on virtual time."""

import asyncio
import random

from okube.model.errors import Unreachable
from okube.model.network import Coordinate
from okube.model.wire import NetworkReport, ProbePeer, Probing, RoundTrip
from okube.network.coordinates import DIMENSIONS, ORIGIN
from okube.worker.probes import MOST_UNTOLD, TRIES, Survey
from tests.simulation.loop import run_virtual, virtual_loop
from tests.unit.worker.machine import VirtualClock

ELSEWHERE = Coordinate((0.02, *[0.0] * (DIMENSIONS - 1)), 0.0001, 0.1)


class Meter:
    """Round trips that the test sets, and when each was measured."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = {f"{node}:7201": value for node, value in seconds.items()}
        self.measured: list[tuple[float, str]] = []

    async def measure(self, address: str) -> float:
        self.measured.append((virtual_loop().now, address))
        if address not in self.seconds:
            raise Unreachable(f"no round trip to {address} was measured: nobody answers")
        return self.seconds[address]


def a_survey(meter: Meter) -> Survey:
    return Survey(meter, VirtualClock(), random.Random(1))


def peers(*nodes: str, within_s: float = 2.0, own: Coordinate | None = None) -> Probing:
    return Probing(tuple(ProbePeer(node, f"{node}:7201", ELSEWHERE) for node in nodes), within_s, own)


async def _over(survey: Survey, seconds: float) -> None:
    running = asyncio.ensure_future(survey.run())
    await asyncio.sleep(seconds)
    running.cancel()
    await asyncio.wait([running])


def test_it_measures_nothing_that_nobody_wants() -> None:
    async def scenario() -> None:
        meter = Meter(w2=0.01)
        survey = a_survey(meter)
        await _over(survey, 60)
        assert meter.measured == []
        assert survey.report() == NetworkReport()

    run_virtual(scenario())


def test_each_peer_is_measured_a_few_times_within_the_time_there_is() -> None:
    async def scenario() -> None:
        meter = Meter(w2=0.01, w3=0.02, w4=0.03)
        survey = a_survey(meter)
        began = virtual_loop().now
        survey.take(peers("w2", "w3", "w4", within_s=3.0))
        await _over(survey, 3.1)
        assert sorted(address for _, address in meter.measured) == sorted(
            f"w{n}:7201" for n in (2, 3, 4) for _ in range(TRIES)
        )
        moments = sorted({moment for moment, _ in meter.measured})
        assert [int(moment - began) for moment in moments] == [0, 1, 2]
        assert {found.peer: found.rtt_s for found in survey.report().round_trips} == {
            "w2": 0.01,
            "w3": 0.02,
            "w4": 0.03,
        }

    run_virtual(scenario())


def test_what_it_measures_moves_it_towards_where_its_node_is() -> None:
    async def scenario() -> None:
        survey = a_survey(Meter(w2=0.005))
        for _ in range(60):
            survey.take(peers("w2", within_s=0.0))
            await _over(survey, 0.1)
        assert survey.coordinate is not None
        assert 0.004 < abs(survey.coordinate.position[0] - 0.02) + survey.coordinate.height < 0.006

    run_virtual(scenario())


def test_one_that_does_not_answer_does_not_keep_it_from_the_others() -> None:
    async def scenario() -> None:
        survey = a_survey(Meter(w3=0.02))
        survey.take(peers("w2", "w3", "w4"))
        await _over(survey, 3)
        assert [found.peer for found in survey.report().round_trips] == ["w3"]

    run_virtual(scenario())


def test_what_was_told_is_told_once_and_what_came_meanwhile_is_told_next() -> None:
    async def scenario() -> None:
        survey = a_survey(Meter(w2=0.01, w3=0.02))
        survey.take(peers("w2", within_s=0.0))
        await _over(survey, 1)
        report = survey.report()
        survey.take(peers("w3", within_s=0.0))
        await _over(survey, 1)
        survey.confirm(report)
        assert survey.report().round_trips == (RoundTrip("w3", 0.02),)

    run_virtual(scenario())


def test_while_no_manager_hears_it_only_so_much_is_kept() -> None:
    async def scenario() -> None:
        survey = a_survey(Meter(w2=0.01))
        for _ in range(MOST_UNTOLD + 10):
            survey.take(peers("w2", within_s=0.0))
            await _over(survey, 0.1)
        assert len(survey.report().round_trips) == MOST_UNTOLD

    run_virtual(scenario())


def test_an_agent_that_forgot_where_it_was_begins_where_the_leader_knew_it() -> None:
    async def scenario() -> None:
        survey = a_survey(Meter())
        survey.take(peers("w2", own=ELSEWHERE))
        assert survey.coordinate == ELSEWHERE
        survey.take(peers("w2", own=ORIGIN))
        assert survey.coordinate == ELSEWHERE

    run_virtual(scenario())


def test_a_new_round_ends_the_one_before() -> None:
    async def scenario() -> None:
        meter = Meter(w2=0.01, w3=0.01)
        survey = a_survey(meter)
        running = asyncio.ensure_future(survey.run())
        survey.take(peers("w2", within_s=60.0))
        await asyncio.sleep(0)
        survey.take(peers("w3", within_s=0.0))
        await asyncio.sleep(61)
        running.cancel()
        await asyncio.wait([running])
        assert {address for _, address in meter.measured} == {"w3:7201"}

    run_virtual(scenario())
