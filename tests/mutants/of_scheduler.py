"""Guards of placing: what no node may hold, whom no task may push out, and what is believed of the network."""

import numpy as np
import pytest

from okube.manager import nodetable, survey
from okube.model.network import Coordinate
from okube.model.scheduling import Scheduling
from okube.scheduler import filters, preemption, scores
from okube.scheduler.calls import NetworkFilter
from okube.scheduler.company import CompanyFilter
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.ports import UNLIMITED, HostPorts
from okube.scheduler.spread import Spread
from okube.scheduler.topology import Topology
from okube.state import preempting, workload_story

__all__ = [
    "all_coordinates_are_taken",
    "equals_push_each_other_out",
    "factors_promise_nothing",
    "freed_ports_are_anybodys",
    "liars_are_believed",
    "limits_of_the_network_are_wishes",
    "nobody_says_who_gave_way",
    "nodes_hold_any_number",
    "rules_of_company_are_wishes",
    "the_greatest_harm_is_done",
    "what_was_planned_gives_way",
    "zones_are_not_looked_at",
]


def liars_are_believed(patch: pytest.MonkeyPatch) -> None:
    """A node is where it says that it is, whatever the others measure to it."""

    def believed(self: survey.Place, _now_s: float) -> Coordinate | None:
        return self.coordinate

    patch.setattr(survey.Place, "believed", believed)


def all_coordinates_are_taken(patch: pytest.MonkeyPatch) -> None:
    """A coordinate of NaN, or light years away, counts like any other."""
    true_init = Topology.__init__

    def init(self: Topology, *args: object, coordinates: FloatArray | None = None, **rest: object) -> None:
        true_init(self, *args, coordinates=coordinates, **rest)  # type: ignore[arg-type]  # passed on as they came
        if coordinates is not None:
            self._coordinates = np.nan_to_num(coordinates, posinf=0.0, neginf=0.0)
            *self._axes, self._heights = np.ascontiguousarray(self._coordinates.T)

    patch.setattr(Topology, "__init__", init)


def limits_of_the_network_are_wishes(patch: pytest.MonkeyPatch) -> None:
    """A task goes to a node that is too far from what it calls."""
    patch.setattr(NetworkFilter, "room", _any_number)


def rules_of_company_are_wishes(patch: pytest.MonkeyPatch) -> None:
    """A task goes beside what it must be apart from."""
    patch.setattr(CompanyFilter, "room", _any_number)


def nodes_hold_any_number(patch: pytest.MonkeyPatch) -> None:
    """A node is planned to get more than it has left."""
    true_room = filters.room_of_shape

    def room_of_shape(book: Ledger, demand: Demand, rows: IntArray) -> IntArray:
        return np.where(true_room(book, demand, rows) > 0, UNLIMITED, 0)

    patch.setattr(filters, "room_of_shape", room_of_shape)


def factors_promise_nothing(patch: pytest.MonkeyPatch) -> None:
    """A cluster that promises twice what there is, or a half, places as if it did not."""
    patch.setattr(nodetable, "scheduling_in", lambda _: Scheduling())


def zones_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    """Tasks are spread over nodes alone, and one zone may get all of them."""

    def order_by_score(book: Ledger, demand: Demand, _spread: Spread, level: IntArray) -> IntArray:
        return level[np.lexsort(scores.balance(book, demand, level)[::-1])]

    patch.setattr("okube.scheduler.filling.order_by_score", order_by_score)


def equals_push_each_other_out(patch: pytest.MonkeyPatch) -> None:
    """A task takes the place of one that matters as much, and that one takes it back."""
    patch.setattr(preemption, "_may_go", lambda holder, priority, _service: holder.priority <= priority)


def what_was_planned_gives_way(patch: pytest.MonkeyPatch) -> None:
    """A task gives way because it was planned so, although it matters more by now."""
    patch.setattr(preempting, "_may", lambda *_: True)


def the_greatest_harm_is_done(patch: pytest.MonkeyPatch) -> None:
    """Of those that could give way the most important do."""
    true_harm = preemption._harm

    def harm(victims: tuple[preemption.Holder, ...]) -> tuple[float, int, int]:
        highest, many, much = true_harm(victims)
        return -highest, -many, -much

    patch.setattr(preemption, "_harm", harm)


def nobody_says_who_gave_way(patch: pytest.MonkeyPatch) -> None:
    """A task stops, and neither its history nor the other's says for whom."""
    true_story = workload_story.of_task

    def of_task(command: object, *tasks: object) -> object:
        told = true_story(command, *tasks)  # type: ignore[arg-type]  # passed on as they came
        return (event for event in told if event.kind not in ("task-preempted", "task-preempts"))

    patch.setattr(workload_story, "of_task", of_task)
    patch.setattr("okube.state.story.of_task", of_task, raising=False)


def freed_ports_are_anybodys(patch: pytest.MonkeyPatch) -> None:
    """The port that one task gave up for another is taken by a third."""
    patch.setattr(HostPorts, "hold_back", lambda *_: None)


def _any_number(_self: object, book: Ledger, _demand: Demand) -> IntArray:
    return np.full(len(book.nodes), UNLIMITED, dtype=np.int64)
