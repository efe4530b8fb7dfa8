"""However often a change is cut off, the next call goes on; and on the way nothing happens that must not."""

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.install.nodes import Done, InCluster, OnMachine, Role, Step
from okube.install.nodes_add import next_to_add
from okube.install.nodes_plan import Standing, plan
from okube.install.nodes_remove import next_to_remove
from okube.install.replace import next_to_replace
from okube.model.errors import OkubeError

CLUSTER, OLD, NEW = "c1", "192.0.2.12", "192.0.2.22"
_MOST = 60


class World:
    """Machines and a cluster as they really behave, as far as matters here: a step may be cut off half-way."""

    def __init__(self, data: st.DataObject, role: Role, standing: Standing, members: dict[str, InCluster]) -> None:
        self.data = data
        self.role = role
        self.machine, self.former, self.known = standing.machine, standing.former, standing.known
        self.members = members
        self.drawn = 0
        self.cuts = data.draw(st.integers(0, 6), label="cuts")

    def standing(self) -> Standing:
        return Standing(machine=self.machine, known=self.known, former=self.former)

    def everybody(self) -> dict[str, InCluster]:
        return {**self.members, **({} if self.known is None else {"x": self.known})}

    def carry_out(self, step: Step, host: str) -> None:
        """Do a step; a cut leaves it undone, or half done, or done and not known to be."""
        how = "whole"
        if self.cuts and self.data.draw(st.booleans(), label=f"cut {step.verb}"):
            self.cuts -= 1
            how = self.data.draw(st.sampled_from(["not", "half", "whole"]), label="how far")
        if how == "not":
            return
        self.guard(step)
        if step.former:
            assert self.former is not None
            self.former = self.on(self.former, step, how)
            return
        getattr(self, "do_" + step.verb.replace("-", "_"))(how, host)

    def guard(self, step: Step) -> None:
        at = self.former if step.former else self.machine
        assert at is not None
        assert at.reachable or step.verb in ("forget", "drain", "wait")
        if step.verb in ("set-aside", "clear"):
            assert not at.runs, "a folder is taken from under a process"
        if step.verb == "clear":
            assert step.former or self.known is None, "it goes while the cluster counts on it"
        if step.verb == "stop" and self.role == "worker" and self.known is not None:
            assert self.known.empty or not self.known.answers, "tasks are ended with their agent"
        if (
            step.verb == "forget"
            and self.role == "manager"
            and self.members
            and self.known is not None
            and self.known.voter
        ):
            voters = [member for member in self.members.values() if member.voter]
            answering = [member for member in voters if member.answers]
            assert len(answering) > len(voters) // 2, "a majority is given up"

    def on(self, machine: OnMachine, step: Step, how: str) -> OnMachine:
        replace = msgspec.structs.replace
        if step.verb == "stop":
            still = machine.enabled and how == "half"
            return replace(machine, runs=False, serves=False, enabled=still, laid_out=machine.laid_out and still)
        assert step.verb == "clear"
        if how == "half":
            return replace(machine, unit=False, laid_out=False)
        return OnMachine()

    def do_install(self, how: str, host: str) -> None:
        whole = how == "whole"
        self.machine = msgspec.structs.replace(self.machine, laid_out=whole, unit=True, enabled=whole)

    def do_set_aside(self, how: str, host: str) -> None:
        if how == "whole":
            self.machine = msgspec.structs.replace(self.machine, instance="", cluster_id="", damaged=False)

    def do_join(self, how: str, host: str) -> None:
        assert not self.machine.instance
        drawn = self.machine.drawn
        if not drawn:
            self.drawn += 1
            drawn = f"n{self.drawn}"
        self.machine = msgspec.structs.replace(self.machine, drawn=drawn)
        if how == "half" and self.data.draw(st.booleans(), label="before the cluster knew"):
            return
        if self.known is None:
            self.known = InCluster(instance=drawn, host=host, answers=False, voter=self.role == "worker")
        assert self.known.instance == drawn
        if how == "whole":
            self.machine = msgspec.structs.replace(self.machine, drawn="", instance=drawn, cluster_id=CLUSTER)

    def do_start(self, how: str, host: str) -> None:
        self.machine = msgspec.structs.replace(self.machine, runs=True, serves=how == "whole")

    def do_wait(self, how: str, host: str) -> None:
        assert self.known is not None
        assert self.machine.serves
        self.known = msgspec.structs.replace(self.known, answers=True, voter=self.known.voter or how == "whole")

    def do_drain(self, how: str, host: str) -> None:
        assert self.known is not None
        self.known = msgspec.structs.replace(self.known, empty=how == "whole")

    def do_stop(self, how: str, host: str) -> None:
        self.machine = self.on(self.machine, Step("stop", ""), how)
        if self.known is not None and self.data.draw(st.booleans(), label="seen to be down"):
            self.known = msgspec.structs.replace(self.known, answers=False)

    def do_forget(self, how: str, host: str) -> None:
        self.known = None

    def do_clear(self, how: str, host: str) -> None:
        self.machine = self.on(self.machine, Step("clear", ""), how)


def run(world: World, decide: Callable[[Standing], Step | Done], host: str) -> str:
    """Look, do, look again; returns why it ended."""
    for _ in range(_MOST):
        try:
            step = decide(world.standing())
        except OkubeError as error:
            return error.detail
        if isinstance(step, Done):
            assert plan(world.standing(), decide, world.role, host) == ()
            return ""
        foreseen = plan(world.standing(), decide, world.role, host)
        assert foreseen[0] == step
        assert len(foreseen) < 20
        world.carry_out(step, host)
    raise AssertionError("it never ends")


folders: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {},
        {"instance": "i2", "cluster_id": CLUSTER},
        {"instance": "i0", "cluster_id": CLUSTER},
        {"damaged": True},
        {"drawn": "i2"},
        {"instance": "i2", "cluster_id": "c9"},
    ]
)


@st.composite
def machines(draw: st.DrawFn, always: bool = True) -> OnMachine:
    unit = draw(st.booleans())
    enabled = unit and draw(st.booleans())
    folder: dict[str, Any] = draw(folders)
    runs = unit and draw(st.booleans())
    return OnMachine(
        reachable=always or draw(st.booleans()),
        laid_out=enabled and draw(st.booleans()),
        unit=unit,
        enabled=enabled,
        runs=runs,
        serves=runs and "instance" in folder and draw(st.booleans()),
        **folder,
    )


def known(host: str) -> st.SearchStrategy[InCluster | None]:
    return st.none() | st.builds(
        InCluster,
        instance=st.just("i2"),
        host=st.just(host),
        answers=st.booleans(),
        voter=st.booleans(),
        empty=st.booleans(),
    )


roles: st.SearchStrategy[Role] = st.sampled_from(["manager", "worker"])


@settings(max_examples=100, deadline=None)
@given(st.data(), roles, machines(), known(NEW), st.booleans())
def test_whoever_is_added_takes_part_in_the_end(
    data: st.DataObject, role: Role, machine: OnMachine, there: InCluster | None, anew: bool
) -> None:
    if role == "worker" and there is not None:
        there = msgspec.structs.replace(there, voter=True)
    world = World(data, role, Standing(machine=machine, known=there), {})
    before = world.standing()

    def decide(standing: Standing) -> Step | Done:
        return next_to_add("x", role, CLUSTER, standing.machine, standing.known, anew=anew)

    problem = run(world, decide, NEW)
    if problem:
        assert world.standing() == before, "what is refused was begun"
        is_other = there is not None and "has another" in problem and (there.answers or not anew)
        assert machine.cluster_id == "c9" or is_other
        return
    assert world.known is not None
    assert world.known.answers
    assert world.known.voter
    assert world.machine.instance == world.known.instance


@settings(max_examples=100, deadline=None)
@given(st.data(), roles, machines(always=False), known(NEW), st.booleans())
def test_whoever_is_removed_is_gone_in_the_end(
    data: st.DataObject, role: Role, machine: OnMachine, there: InCluster | None, force: bool
) -> None:
    others = {"m1": InCluster(instance="i1", host="192.0.2.11")}
    world = World(data, role, Standing(machine=machine, known=there), others)

    def decide(standing: Standing) -> Step | Done:
        return next_to_remove("x", role, standing.machine, standing.known, force=force)

    problem = run(world, decide, NEW)
    if problem:
        assert there is not None
        assert there.answers
        assert not machine.reachable
        assert not force
        return
    assert world.known is None
    assert not (world.machine.reachable and (world.machine.has_remains or world.machine.is_alive))


@settings(max_examples=150, deadline=None)
@given(st.data(), machines(), st.none() | machines(always=False), known(OLD), st.lists(st.booleans(), max_size=4))
def test_a_manager_is_replaced_in_the_end_or_nothing_is_begun(
    data: st.DataObject, machine: OnMachine, former: OnMachine | None, there: InCluster | None, answering: list[bool]
) -> None:
    host = OLD if former is None else NEW
    if there is not None and machine.drawn:
        there = msgspec.structs.replace(there, voter=False, answers=False)  # it never ran
    others = {
        f"m{n}": InCluster(instance=f"j{n}", host=f"192.0.2.10{n}", answers=answers)
        for n, answers in enumerate(answering)
    }
    world = World(data, "manager", Standing(machine=machine, known=there, former=former), others)
    before = world.standing()

    def decide(standing: Standing) -> Step | Done:
        members = {**others, **({} if standing.known is None else {"x": standing.known})}
        return next_to_replace("x", host, CLUSTER, standing.machine, members, former=standing.former, begun=True)

    problem = run(world, decide, host)
    if problem:
        assert world.standing() == before, "what is refused was begun"
        return
    assert world.known is not None
    assert world.known.host == host
    assert world.known.answers
    assert world.known.voter
    assert world.known.instance == world.machine.instance
    if world.former is not None and world.former.reachable:
        assert not world.former.is_alive
        assert not world.former.has_remains
