import json
from collections.abc import Callable

from click.testing import Result

from tests.unit.cli.cluster import Cluster
from tests.unit.client.playing import problem

Okube = Callable[..., Result]


def a_manager(name: str, role: str = "follower", state: str = "ready", **fields: object) -> dict[str, object]:
    return {
        "name": name,
        "address": "192.0.2.11:7101",
        "role": role,
        "state": state,
        "revision": 120,
        "index": 200,
        "lag": 0,
        "instance": f"{name}-instance",
        "voter": role != "learner",
        **fields,
    }


def test_without_a_command_and_with_list_it_lists(okube: Okube, cluster: Cluster) -> None:
    cluster.status["managers"] = [a_manager("m1", "leader"), a_manager("m4", "learner")]
    assert okube("managers").stdout == okube("managers", "list").stdout
    assert [line.split()[:4] for line in okube("managers").stdout.splitlines()] == [
        ["MANAGER", "ADDRESS", "ROLE", "STATE"],
        ["m1", "192.0.2.11:7101", "leader", "ready"],
        ["m4", "192.0.2.11:7101", "learner", "ready"],
    ]


def test_remove_names_the_instance_so_that_a_repeat_removes_no_other_one(okube: Okube, cluster: Cluster) -> None:
    cluster.status["managers"] = [a_manager("m1", "leader"), a_manager("m2")]
    result = okube("managers", "remove", "m2", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"name": "m2", "action": "removed"})
    assert cluster.written == [("DELETE", "/v1/managers/m2", None)]
    assert "take m2 out of cluster.yaml" in result.stderr


def test_a_manager_that_is_not_there_names_the_one_that_was_likely_meant(okube: Okube, cluster: Cluster) -> None:
    cluster.status["managers"] = [a_manager("manager-1", "leader")]
    result = okube("managers", "remove", "manager1")
    assert (result.exit_code, cluster.written) == (1, [])
    assert "there is no manager manager1; did you mean manager-1?" in result.stderr


def test_transfer_takes_the_follower_that_has_most(okube: Okube, cluster: Cluster) -> None:
    cluster.status["managers"] = [
        a_manager("m1", "leader"),
        a_manager("m2", index=150),
        a_manager("m3", index=199),
        a_manager("m4", "learner"),
        a_manager("m5", "unknown", "down", index=None),
    ]
    result = okube("managers", "transfer", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["name"]) == (0, "m3")
    assert cluster.written == [("POST", "/v1/managers/transfer", {"to": "m3"})]


def test_transfer_to_the_one_that_is_named(okube: Okube, cluster: Cluster) -> None:
    cluster.status["managers"] = [a_manager("m1", "leader"), a_manager("m2")]
    assert okube("managers", "transfer", "m2").exit_code == 0
    cluster.refusals["POST", "/v1/managers/transfer"] = problem(409, "conflict", "m1 did not take over within 1 s")
    result = okube("managers", "transfer", "m1")
    assert (result.exit_code, result.stderr) == (1, "okube: m1 did not take over within 1 s\n")


def test_with_nobody_to_take_over_nothing_is_asked(okube: Okube, cluster: Cluster) -> None:
    cluster.status["managers"] = [a_manager("m1", "leader"), a_manager("m2", "unknown", "down")]
    result = okube("managers", "transfer")
    assert (result.exit_code, cluster.written) == (1, [])
    assert "no other manager is there that could lead" in result.stderr


def test_one_of_which_cluster_yaml_knows_nothing_is_not_added(okube: Okube, cluster: Cluster) -> None:
    result = okube("managers", "add", "m9")
    assert (result.exit_code, cluster.written) == (1, [])
    assert "cluster.yaml names no manager m9" in result.stderr
    assert "Write the new one there first" in result.stderr
