from typing import Any

import pytest
from msgspec.structs import replace

from okube.model.versions import COMMAND_VERSION
from okube.state.tables import Settings
from tests.unit.manager.conftest import Api
from tests.unit.manager.people import until

M2 = {"name": "m2", "address": "192.0.2.12:7101", "raft_address": "192.0.2.12:8101"}


def _members(body: dict[str, Any]) -> dict[str, bool]:
    return {member["name"]: member["voter"] for member in body["members"]}


async def test_a_manager_that_may_join_learns_and_is_listed_and_can_be_taken_out_again(api: Api) -> None:
    answer = await api("POST", "/v1/managers", M2)
    assert (answer.status, _members(answer.body)) == (201, {"m1": True, "m2": False})
    new = answer.body["members"][1]
    assert (new["address"], new["raft_address"]) == (M2["address"], M2["raft_address"])
    listed = (await api("GET", "/v1/managers")).body[1]
    assert (listed["role"], listed["state"], listed["voter"], listed["instance"]) == (
        "unknown",
        "down",
        False,
        new["instance"],
    )
    again = await api("POST", "/v1/managers", M2)
    assert again.body == answer.body  # the same instance: a repeat changes nothing
    gone = await api("DELETE", f"/v1/managers/m2?instance={new['instance']}")
    assert (gone.status, _members(gone.body)) == (200, {"m1": True})
    assert gone.body["index"] > answer.body["index"]
    repeated = await api("DELETE", f"/v1/managers/m2?instance={new['instance']}")
    assert (repeated.status, repeated.body) == (200, gone.body)
    assert (await api("DELETE", "/v1/managers/m2")).status == 404
    assert (await api("DELETE", f"/v1/managers/no%20name?instance={new['instance']}")).status == 404


async def test_the_story_tells_who_came_and_went_and_who_wanted_it(api: Api) -> None:
    for _ in range(2):
        await api("POST", "/v1/managers", M2)
    await api("DELETE", "/v1/managers/m2")
    events = [(await api("GET", f"/v1/events?kind=manager-{what}")).body for what in ("added", "removed")]
    assert [[(e["subject"], e["by"], e["count"]) for e in found] for found in events] == [[("m2", "admin", 1)]] * 2
    assert "192.0.2.12:7101" in events[0][0]["message"]


async def test_a_second_one_of_the_name_gets_another_instance(api: Api) -> None:
    first = (await api("POST", "/v1/managers", M2)).body["members"][1]["instance"]
    await api("DELETE", "/v1/managers/m2")
    assert (await api("POST", "/v1/managers", M2)).body["members"][1]["instance"] != first
    assert (await api("DELETE", f"/v1/managers/m2?instance={first}")).status == 409


async def test_of_a_manager_that_left_the_state_knows_its_instance_so_that_agents_hear_of_it(api: Api) -> None:
    def settings() -> Settings:
        return api.core.tables.settings

    await until(lambda: settings().command_version == COMMAND_VERSION)
    joined = (await api("POST", "/v1/managers", M2)).body["members"][1]["instance"]
    assert (settings().managers, settings().left_managers) == (tuple(sorted(("i1", joined))), ())
    api.core.tables.put_settings(replace(settings(), managers=()))  # as where nobody was noted yet
    await api("DELETE", "/v1/managers/m2")
    assert (settings().managers, settings().left_managers) == (("i1",), (joined,))


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({**M2, "name": "m1"}, 409, "m1 is a manager of this cluster already"),
        ({**M2, "address": "127.0.0.1:2"}, 409, "is the address of m1"),
        ({**M2, "address": "192.0.2.12"}, 422, "is no address: host:port"),
        ({**M2, "address": "192.0.2.12:70000"}, 422, "is no address: host:port"),
        ({**M2, "address": "0.0.0.0:7101"}, 422, "means every address"),
        ({**M2, "raft_address": "a..b:7101"}, 422, "is no host"),
        ({**M2, "raft_address": "[1:2:3:]:7101"}, 422, "is no host"),
        ({**M2, "name": "ca"}, 422, "take another"),
        ({**M2, "name": "M2"}, 422, "is not a name"),
        ({"name": "m2"}, 422, "address"),
    ],
)
async def test_what_cannot_join_is_refused_with_a_sentence(
    api: Api, body: dict[str, str], status: int, sentence: str
) -> None:
    answer = await api("POST", "/v1/managers", body)
    assert answer.status == status
    assert sentence in answer.body["detail"]


async def test_the_only_manager_stays_and_has_nobody_to_hand_over_to(api: Api) -> None:
    refused = await api("DELETE", "/v1/managers/m1")
    assert (refused.status, "the only manager" in refused.body["detail"]) == (409, True)
    assert (await api("POST", "/v1/managers/transfer", {"to": "m1"})).body == {"to": "m1"}
    assert (await api("POST", "/v1/managers/transfer", {"to": "m2"})).status == 404


async def test_a_manager_is_reached_elsewhere_and_is_the_same(api: Api) -> None:
    new = (await api("POST", "/v1/managers", M2)).body["members"][1]
    answer = await api("PATCH", "/v1/managers/m2", {"address": "192.0.2.62:7101"})
    assert answer.status == 200, answer.body
    moved = answer.body["members"][1]
    assert moved == {**new, "address": "192.0.2.62:7101"}
    again = await api("PATCH", "/v1/managers/m2", {"address": "192.0.2.62:7101"})
    assert again.body == answer.body
    events = (await api("GET", "/v1/events?kind=manager-readdressed")).body
    assert [(e["subject"], e["message"], e["count"]) for e in events] == [
        ("m2", "is reached at 192.0.2.62:7101 now; it was at 192.0.2.12:7101", 1)
    ]
    await api("DELETE", "/v1/managers/m2")


async def test_an_address_that_cannot_be_is_refused(api: Api) -> None:
    assert (await api("PATCH", "/v1/managers/m9", {"address": "192.0.2.9:1"})).status == 404
    for address in ("0.0.0.0:7101", "192.0.2.9", "x y:1"):
        assert (await api("PATCH", "/v1/managers/m1", {"address": address})).status == 422


async def test_a_node_is_reached_elsewhere(api: Api) -> None:
    await api.node("w1")
    answer = await api("PATCH", "/v1/nodes/w1", {"address": "192.0.2.71:7201"})
    assert (answer.status, answer.body["address"]) == (200, "192.0.2.71:7201")
    assert (await api("PATCH", "/v1/nodes/w1", {"address": "0.0.0.0:7201"})).status == 422
