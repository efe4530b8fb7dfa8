"""How orders come to agents: as they come up, and those of a bulk together."""

import msgspec

from okube.manager import intake
from okube.model import commands as c
from tests.builders import a_spec
from tests.unit.manager.conftest import Api
from tests.unit.manager.people import until
from tests.unit.manager.test_intake import REGISTRATION


async def _three_nodes(api: Api) -> None:
    await until(lambda: api.reign.leader is not None)
    for number in (1, 2, 3):
        one = {"node": f"w{number}", "instance": f"i{number}", "address": f"192.0.2.{number}:7201", "cores": 64.0}
        await intake.register(api.core, api.reign.leader, msgspec.structs.replace(REGISTRATION, **one))
    await until(lambda: len(api.agents.assigned) >= 3)
    api.agents.assigned.clear()


async def test_of_a_bulk_every_node_gets_its_tasks_in_one_request(api: Api) -> None:
    await _three_nodes(api)
    await api.core.submit(c.PutServices((a_spec(replicas=600),), ("s1",), "create"))
    await until(lambda: sum(len(order.tasks) for order in api.agents.assigned) >= 600)
    assert sorted((order.node, len(order.tasks)) for order in api.agents.assigned if order.tasks) == [
        ("w1", 200),
        ("w2", 200),
        ("w3", 200),
    ]


async def test_an_order_for_one_task_says_nothing_of_the_others(api: Api) -> None:
    await _three_nodes(api)
    await api.core.submit(c.PutServices((a_spec(replicas=30),), ("s1",), "create"))
    await until(lambda: sum(len(order.tasks) for order in api.agents.assigned) >= 30)
    api.agents.assigned.clear()
    await api.core.submit(c.StopTask("web.7"))
    await until(lambda: bool(api.agents.assigned))
    (task,) = api.agents.assigned[0].tasks
    assert (task.slot, task.desired) == (7, "stop")
