"""A change goes on until nothing is left to do, and says so where it gets nowhere."""

import asyncio

import msgspec
import pytest

from okube.install.nodes import Done, InCluster, OnMachine, Step
from okube.install.nodes_add import next_to_add
from okube.install.nodes_change import NoEffect, see_through
from okube.install.nodes_plan import Standing, foreseen
from okube.model.errors import Unreachable


class Joining:
    """A machine on which each step does what it should, unless it is to fail, or to do nothing."""

    def __init__(self, *, fails: str = "", idle: str = "") -> None:
        self.standing = Standing(machine=OnMachine(), known=None)
        self.fails, self.idle = fails, idle
        self.done: list[str] = []

    async def look(self) -> Standing:
        return self.standing

    def decide(self, standing: Standing) -> Step | Done:
        return next_to_add("w4", "worker", "", standing.machine, standing.known)

    async def carry_out(self, step: Step) -> None:
        if step.verb == self.fails:
            self.fails = ""
            raise Unreachable("the disk is full")
        if step.verb != self.idle:
            self.standing = foreseen(self.standing, step, "worker", "192.0.2.24")
        self.done.append(step.verb)


def run(change: Joining) -> Done:
    told: list[str] = []
    done = asyncio.run(
        see_through(change, begins=lambda step: told.append(step.verb), ended=lambda step, s: told.append(step.verb))
    )
    assert told == [verb for verb in told[::2] for _ in range(2)]
    return done


def test_every_step_is_done_in_its_order() -> None:
    change = Joining()
    assert run(change) == Done("worker w4 takes part")
    assert change.done == ["install", "join", "start", "wait"]


def test_what_failed_is_done_by_the_next_call_and_nothing_twice() -> None:
    change = Joining(fails="start")
    with pytest.raises(Unreachable, match="the disk is full"):
        run(change)
    assert run(change) == Done("worker w4 takes part")
    assert change.done == ["install", "join", "start", "wait"]


def test_one_that_is_done_has_no_steps() -> None:
    change = Joining()
    change.standing = Standing(
        machine=OnMachine(laid_out=True, instance="i1", serves=True), known=InCluster(instance="i1", host="192.0.2.24")
    )
    assert run(change) == Done("worker w4 takes part")
    assert change.done == []


def test_a_step_without_effect_is_not_repeated_for_ever() -> None:
    change = Joining(idle="start")
    with pytest.raises(NoEffect, match="is started, and that was done 3 times"):
        run(change)


def test_how_things_stand_is_plain_data() -> None:
    standing = Joining().standing
    assert msgspec.json.decode(msgspec.json.encode(standing), type=Standing) == standing
