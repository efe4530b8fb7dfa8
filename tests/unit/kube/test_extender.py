import msgspec
import pytest

from okube.kube.extender import Extender
from okube.kube.protocol import Args
from tests.unit.kube.builders import a_node, a_pod, about, an_extender, captured, fits, plain

ZONES = {"a1": "a", "a2": "a", "b1": "b"}
NEAR_DB = {"service": "db", "max_latency": "1ms"}


def scores(extender: Extender, args: Args) -> dict[str, int]:
    return {each.host: each.score for each in extender.prioritize(args)}


def test_a_pod_that_talks_with_nobody_may_go_anywhere_and_is_wanted_alike() -> None:
    extender = an_extender(ZONES)
    question = about(a_pod("web"), *ZONES)

    assert fits(extender.filter(question)) == list(ZONES)
    assert len(set(scores(extender, question).values())) == 1


def test_nodes_that_are_too_far_from_a_dependency_are_refused_with_a_reason() -> None:
    extender = an_extender(ZONES, a_pod("db", node="a1"))

    answer = extender.filter(about(a_pod("web", NEAR_DB), *ZONES))

    assert fits(answer) == ["a1", "a2"]
    assert answer.failed_and_unresolvable_nodes == {"b1": "no task of db is within 1 ms"}


def test_the_nearer_a_node_is_the_more_it_is_wanted() -> None:
    extender = an_extender(ZONES, a_pod("db", node="a1"))

    found = scores(extender, about(a_pod("web", {"service": "db"}), *ZONES))

    assert found["a1"] == 10
    assert found["a1"] > found["a2"] > found["b1"]


def test_a_dependency_is_wanted_near_those_that_depend_on_it() -> None:
    extender = an_extender(ZONES, a_pod("web", {"service": "db"}, node="b1"))

    found = scores(extender, about(a_pod("db"), *ZONES))

    assert found["b1"] == 10
    assert found["a1"] == found["a2"] < 5


def test_a_dependency_that_comes_back_must_be_near_those_that_have_none_near() -> None:
    extender = an_extender(ZONES, a_pod("web", NEAR_DB, node="b1"))

    answer = extender.filter(about(a_pod("db"), *ZONES))

    assert fits(answer) == ["b1"]
    assert set(answer.failed_and_unresolvable_nodes.values()) == {
        "no task of web, which depends on it and has none near, is within 1 ms"
    }


def test_a_further_task_of_a_dependency_may_be_far_where_its_dependents_have_one_near() -> None:
    extender = an_extender(ZONES, a_pod("web", NEAR_DB, node="a2"), a_pod("db", node="a1"))

    assert fits(extender.filter(about(a_pod("db", name="db-2"), *ZONES))) == list(ZONES)


@pytest.mark.parametrize("other", [{"app": "blog"}, {"namespace": "test"}])
def test_services_of_another_app_or_namespace_are_others(other: dict[str, str]) -> None:
    extender = an_extender(ZONES, a_pod("db", node="a1", **other))

    assert fits(extender.filter(about(a_pod("web", NEAR_DB), *ZONES))) == list(ZONES)


def test_a_node_that_is_not_known_fulfils_no_limit_and_is_wanted_least() -> None:
    extender = an_extender(ZONES, a_pod("db", node="a1"))
    question = about(a_pod("web", NEAR_DB), "a1", "stranger")

    assert fits(extender.filter(question)) == ["a1"]
    found = scores(extender, question)
    assert found["a1"] == 10
    assert found["stranger"] == min(scores(extender, about(a_pod("web", NEAR_DB), *ZONES)).values())


def test_an_annotation_that_cannot_be_read_fails_the_pod_and_says_why() -> None:
    extender = an_extender(ZONES)
    question = about(a_pod("web", {"service": "db", "max_latency": "-2ms"}), *ZONES)

    assert "okube.depends-on" in extender.filter(question).error
    assert "-2ms" in extender.filter(question).error
    assert set(scores(extender, question).values()) == {0}


def test_no_nodes_are_no_error() -> None:
    extender = an_extender({}, a_pod("db", node="a1"))
    question = about(a_pod("web", NEAR_DB))

    assert fits(extender.filter(question)) == []
    assert extender.prioritize(question) == []


def test_a_change_between_two_calls_is_seen() -> None:
    extender = an_extender(ZONES)
    question = about(a_pod("web", NEAR_DB), *ZONES)
    assert fits(extender.filter(question)) == list(ZONES)

    extender.account.put(a_pod("db", node="b1"))
    assert fits(extender.filter(question)) == ["b1"]

    extender.machines.put(a_node("b1", "a"))  # it moved
    assert fits(extender.filter(question)) == list(ZONES)


def test_a_captured_question_by_name_is_answered_by_name() -> None:
    args = msgspec.json.decode(captured("filter", by_name=True), type=Args)

    answer = plain(an_extender({}).filter(args))

    assert answer == {
        "Nodes": None,
        "NodeNames": ["node-00000", "node-00001", "node-00002", "node-00003"],
        "FailedNodes": {},
        "FailedAndUnresolvableNodes": {},
        "Error": "",
    }


def test_a_captured_question_with_whole_nodes_is_answered_with_the_very_nodes() -> None:
    body = captured("filter", by_name=False)
    extender = an_extender({}, a_pod("db", node="node-00001"))
    sent = msgspec.json.decode(body)
    sent["Pod"]["metadata"]["labels"] |= {"okube.app": "shop", "okube.service": "web"}
    sent["Pod"]["metadata"]["namespace"] = "default"
    sent["Pod"]["metadata"]["annotations"] = {"okube.depends-on": '[{"service": "db", "max_latency": "1ms"}]'}

    answer = plain(extender.filter(msgspec.json.decode(msgspec.json.encode(sent), type=Args)))

    zone = {node["metadata"]["name"]: node["metadata"]["labels"] for node in sent["Nodes"]["items"]}
    near = [
        node
        for node in sent["Nodes"]["items"]
        if node["metadata"]["labels"] == zone["node-00001"]
        or node["metadata"]["labels"]["topology.kubernetes.io/zone"]
        == zone["node-00001"]["topology.kubernetes.io/zone"]
    ]
    assert answer["Nodes"] == {"items": near}
    assert answer["NodeNames"] is None
    assert len(answer["FailedAndUnresolvableNodes"]) == len(zone) - len(near) > 0


@pytest.mark.parametrize("by_name", [True, False])
def test_a_captured_prioritize_is_answered_with_a_bare_array(by_name: bool) -> None:
    args = msgspec.json.decode(captured("prioritize", by_name=by_name), type=Args)

    answer = plain(an_extender({}).prioritize(args))

    assert sorted(each["Host"] for each in answer) == ["node-00000", "node-00001", "node-00003"]
    assert all(set(each) == {"Host", "Score"} and 0 <= each["Score"] <= 10 for each in answer)
