"""What tasks use, from two looks at what they have used."""

import asyncio

from okube.model.wire import TaskUsage
from okube.worker.runtime.accounting import Consumption
from okube.worker.usage import TaskMeter
from tests.simulation.loop import run_virtual
from tests.unit.worker.fake_runtime import FakeEngine, FakeRuntime
from tests.unit.worker.machine import VirtualClock, a_task


class Place:
    """A task that runs, and a meter."""

    def __init__(self) -> None:
        self.engine = FakeEngine(VirtualClock())
        self.engine.run(self.engine.create(a_task("t1")).id)
        self.meter = TaskMeter(FakeRuntime(self.engine), self.engine.clock)

    def used(self, cpu_s: float, memory: int = 100) -> None:
        self.engine.consumed["t1"] = Consumption(cpu_s, memory)

    @property
    def looks(self) -> int:
        return sum(call == "usage" for call, _ in self.engine.calls)


def test_the_first_answer_is_of_a_short_interval_and_the_next_of_the_time_between() -> None:
    async def play() -> None:
        place = Place()
        place.used(10.0)
        asyncio.get_running_loop().call_later(0.1, place.used, 10.05)
        (first,) = await place.meter.read()
        assert (first.id, first.memory) == ("t1", 100)
        assert 0.15 < first.cpus < 0.25
        await asyncio.sleep(4)
        place.used(12.05, 300)
        (second,) = await place.meter.read()
        assert second == TaskUsage("t1", second.cpus, 300)
        assert 0.45 < second.cpus < 0.55

    run_virtual(play())


def test_who_ask_at_the_same_time_share_a_look() -> None:
    async def play() -> None:
        place = Place()
        place.used(1.0)
        answers = await asyncio.gather(*(place.meter.read() for _ in range(10)))
        assert all(answer == answers[0] for answer in answers)
        assert place.looks == 2

    run_virtual(play())


def test_an_old_look_is_no_measure_and_a_counter_that_began_anew_is_not_negative() -> None:
    async def play() -> None:
        place = Place()
        place.used(50.0)
        await place.meter.read()
        await asyncio.sleep(3600)
        place.used(0.2)
        (usage,) = await place.meter.read()
        assert usage.cpus == 0.0
        await asyncio.sleep(5)
        place.used(0.1)
        (usage,) = await place.meter.read()
        assert usage.cpus == 0.0

    run_virtual(play())
