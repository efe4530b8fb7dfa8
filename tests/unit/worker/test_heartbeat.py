"""The agent's talk with the managers, on virtual time."""

import asyncio
import logging
import random
from itertools import pairwise

import msgspec
import pytest

from okube.model.commands import TaskReport
from okube.model.epoch import Epoch
from okube.model.wire import HeartbeatAnswer, Papers, Registration, Usage
from okube.worker.assignments import Holdings
from okube.worker.heartbeat import Heart
from okube.worker.outbox import Outbox
from tests.simulation.loop import run_virtual, virtual_loop
from tests.unit.worker.machine import FakeManagers

REGISTRATION = Registration("w1", "i1", "192.0.2.1:7201", {}, "", 4.0, 8 << 30, 50 << 30, "fake", "0")


class Ear:
    def __init__(self) -> None:
        self.holdings = Holdings(epoch=Epoch(1, 1), revision=5)
        self.epochs: list[Epoch] = []
        self.managers: list[tuple[str, ...]] = []
        self.addresses: list[str] = []
        self.left: list[tuple[str, ...]] = []

    async def observe_epoch(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)

    async def learn_managers(self, managers: object) -> None:
        self.managers.append(tuple(managers))  # type: ignore[arg-type]  # a sequence of addresses

    async def learn_address(self, address: str) -> None:
        self.addresses.append(address)

    async def learn_left(self, instances: object) -> None:
        self.left.append(tuple(instances))  # type: ignore[arg-type]  # a sequence of names


class Certificate:
    """The agent's, as the heart sees it."""

    papers = Papers("mark-1", 1, 2)

    def __init__(self) -> None:
        self.expected: list[str] = []

    def expect(self, mark: str) -> None:
        self.expected.append(mark)


class Talk:
    """A heart that beats to managers of the test."""

    def __init__(self) -> None:
        self.managers = FakeManagers()
        self.outbox = Outbox()
        self.ear = Ear()
        self.certificate = Certificate()
        self.heart = Heart(
            registration=REGISTRATION,
            calls=self.managers,
            ear=self.ear,
            outbox=self.outbox,
            usage=Usage,
            conditions=lambda: None,
            rng=random.Random(1),
            heartbeat_s=1.0,
            renewing=self.certificate,
        )

    async def __aenter__(self) -> "Talk":
        self.task = asyncio.ensure_future(self.heart.run())
        await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])

    @property
    def times(self) -> list[float]:
        return [round(at - self.managers.heartbeats[0][0], 3) for at, _ in self.managers.heartbeats]

    def sent(self) -> list[str]:
        return [report.id for _, beat in self.managers.heartbeats for report in beat.reports]


def a_report(task_id: str = "t1", **fields: object) -> TaskReport:
    return TaskReport(task_id, "running", **fields)  # type: ignore[arg-type]  # a test's fields


def test_it_registers_once_and_then_beats_each_second_with_what_it_holds() -> None:
    async def main() -> None:
        async with Talk() as talk:
            await asyncio.sleep(3.5)
            (registered,) = talk.managers.registrations
            assert msgspec.structs.replace(registered, run="") == REGISTRATION
            assert all(0.9 <= later - one <= 1.0 for one, later in pairwise(talk.times))
            assert len(talk.times) == 4
            beat = talk.managers.heartbeats[-1][1]
            assert (beat.node, beat.instance, beat.epoch, beat.revision) == ("w1", "i1", Epoch(1, 1), 5)

    run_virtual(main())


def test_it_tells_what_it_shows_and_hears_what_it_should() -> None:
    async def main() -> None:
        async with Talk() as talk:
            await asyncio.sleep(1.5)
            assert {beat.papers for _, beat in talk.managers.heartbeats} == {Papers("mark-1", 1, 2)}
            assert set(talk.certificate.expected) == {""}, "these managers do not say"

    run_virtual(main())


def test_a_change_after_quiet_is_reported_at_once_and_those_that_follow_it_go_together() -> None:
    async def main() -> None:
        async with Talk() as talk:
            await asyncio.sleep(0.1)
            for n in range(5):
                talk.outbox.put(a_report(f"t{n}"))
                await asyncio.sleep(0.003)
            await asyncio.sleep(0.02)
            assert [len(beat.reports) for _, beat in talk.managers.heartbeats] == [0, 1, 4]

    run_virtual(main())


def test_a_report_is_sent_again_until_a_manager_confirms_it() -> None:
    async def main() -> None:
        async with Talk() as talk:
            talk.managers.up = False
            talk.outbox.put(a_report())
            await asyncio.sleep(10)
            talk.managers.up = True
            await asyncio.sleep(5)
            assert talk.sent() == ["t1"]

    run_virtual(main())


def test_silent_managers_are_not_hammered(caplog: pytest.LogCaptureFixture) -> None:
    class Counting(FakeManagers):
        tries = 0

        async def heartbeat(self, heartbeat: object) -> HeartbeatAnswer:
            self.tries += 1
            return await super().heartbeat(heartbeat)  # type: ignore[arg-type]  # passed on

    async def main() -> None:
        talk = Talk()
        managers = talk.heart._calls = Counting()
        async with talk:
            managers.up = False
            talk.outbox.put(a_report())
            managers.tries = 0
            await asyncio.sleep(60)
            assert 60 <= managers.tries <= 121

    run_virtual(main())
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1


def test_another_epoch_gets_all_reports_again() -> None:
    async def main() -> None:
        async with Talk() as talk:
            talk.outbox.put(a_report("t1"))
            talk.outbox.put(a_report("t2"))
            await asyncio.sleep(3)
            assert sorted(talk.sent()) == ["t1", "t2"]
            talk.managers.epoch = Epoch(1, 2)
            await asyncio.sleep(3)
            assert sorted(talk.sent()) == ["t1", "t1", "t2", "t2"]
            assert talk.ear.epochs[-1] == Epoch(1, 2)

    run_virtual(main())


def test_an_answer_of_an_older_epoch_makes_no_new_leader() -> None:
    async def main() -> None:
        async with Talk() as talk:
            talk.outbox.put(a_report("t1"))
            talk.managers.epoch = Epoch(1, 2)
            await asyncio.sleep(3)
            sent = len(talk.sent())
            for epoch in (Epoch(1, 1), Epoch(1, 2)):
                talk.managers.epoch = epoch
                await asyncio.sleep(3)
            assert len(talk.sent()) == sent

    run_virtual(main())


def test_who_is_not_known_registers_again_and_reports_everything() -> None:
    async def main() -> None:
        async with Talk() as talk:
            talk.outbox.put(a_report())
            await asyncio.sleep(3)
            talk.managers.knows = False
            talk.managers.reports.clear()
            await asyncio.sleep(3)
            assert len(talk.managers.registrations) == 2
            assert set(talk.managers.reports) == {"t1"}

    run_virtual(main())


def test_a_refusal_is_told_once_and_tried_again_every_few_seconds(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        talk = Talk()
        talk.managers.accepts = False
        async with talk:
            await asyncio.sleep(60)
            assert 10 < len(talk.managers.registrations) < 30
            assert talk.managers.heartbeats == []
            talk.managers.refusal = "the name is taken by a manager"
            await asyncio.sleep(10)
            talk.managers.accepts = True
            await asyncio.sleep(10)
            assert talk.managers.heartbeats

    run_virtual(main())
    refusals = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert refusals == [
        "The cluster refuses this node: another instance has this name",
        "The cluster refuses this node: the name is taken by a manager",
    ]


def test_reports_go_in_batches_of_500() -> None:
    async def main() -> None:
        async with Talk() as talk:
            for n in range(1200):
                talk.outbox.put(a_report(f"t{n}"))
            await asyncio.sleep(0.2)
            assert [len(beat.reports) for _, beat in talk.managers.heartbeats] == [0, 500, 500, 200]
            assert sorted(talk.sent()) == sorted(f"t{n}" for n in range(1200))

    run_virtual(main())


def test_managers_name_the_interval_and_each_other_and_who_left() -> None:
    class Slower(FakeManagers):
        async def heartbeat(self, heartbeat: object) -> HeartbeatAnswer:
            await super().heartbeat(heartbeat)  # type: ignore[arg-type]  # passed on
            return HeartbeatAnswer(
                Epoch(1, 1), heartbeat_ms=5000, managers=("192.0.2.7:7101",), left_managers=("i-m3",)
            )

    async def main() -> None:
        talk = Talk()
        talk.managers = talk.heart._calls = Slower()
        async with talk:
            await asyncio.sleep(11)
            assert all(4.5 <= later - one <= 5.0 for one, later in pairwise(talk.times))
            assert len(talk.times) == 3
            assert talk.ear.managers[-1] == ("192.0.2.7:7101",)
            assert talk.ear.left[-1] == ("i-m3",)

    run_virtual(main())


def test_the_goodbye_announces_an_absence_and_brings_the_last_reports() -> None:
    async def main() -> None:
        async with Talk() as talk:
            await asyncio.sleep(1)
        talk.outbox.put(a_report())
        await talk.heart.say_goodbye(3.0)
        beat = talk.managers.heartbeats[-1][1]
        assert (beat.absence_s, [r.id for r in beat.reports]) == (60.0, ["t1"])

    run_virtual(main())


def test_who_never_registered_says_no_goodbye() -> None:
    async def main() -> None:
        talk = Talk()
        await talk.heart.say_goodbye(3.0)
        assert talk.managers.heartbeats == []

    run_virtual(main())


def test_a_goodbye_does_not_wait_for_ever() -> None:
    class Mute(FakeManagers):
        async def heartbeat(self, heartbeat: object) -> HeartbeatAnswer:
            return await asyncio.Future()

    async def main() -> None:
        async with Talk() as talk:
            await asyncio.sleep(1)
        talk.heart._calls = Mute()
        began = virtual_loop().now
        await talk.heart.say_goodbye(3.0)
        assert virtual_loop().now - began == pytest.approx(3.0)

    run_virtual(main())
