"""The order in which nodes are told changes nothing, nor do their names, but where two of them are equal."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model.scheduling import POLICIES
from okube.scheduler import CallRule, policy_of
from okube.scheduler.declared import Cost, LevelCosts
from tests.property.scheduler.replay import who_is_where
from tests.property.scheduler.worlds import World, worlds
from tests.unit.scheduler.builders import GIB, MIB, Node, a_group

_COUNT = 9


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=12, deadline=None)
@given(world=worlds(), chance=st.randoms(use_true_random=False))
def test_nodes_may_be_told_in_any_order(name: str, world: World, chance: random.Random) -> None:
    shuffled = replace(world, nodes=tuple(chance.sample(world.nodes, len(world.nodes))))

    assert world.place(policy_of(name, {})) == shuffled.place(policy_of(name, {}))


@pytest.mark.parametrize("name", [each for each in POLICIES if each != "round-robin"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_where_no_two_nodes_are_equal_their_names_and_rows_do_not_matter(name: str, seed: int) -> None:
    """Every node is another row under its new name, and takes its tasks, its zone and its coordinate along."""
    world = _uneven(random.Random(seed))
    names = [node.name for node in world.nodes]
    new = dict(zip(names, random.Random(seed + 1).sample(names, len(names)), strict=True))

    renamed = _renamed(world, new)

    expected = {task: new[node] for task, node in who_is_where(world.place(policy_of(name, {}))).items()}
    assert who_is_where(renamed.place(policy_of(name, {}))) == expected


def _uneven(chance: random.Random) -> World:
    """Nodes of which no two have equally much left, or are equally far from anything."""
    nodes = tuple(
        Node(
            f"w{number}",
            cores=16 + 16 * chance.random(),
            cores_used=8 * chance.random(),
            memory=64 * GIB + chance.randrange(64 * GIB),
            memory_used=chance.randrange(32 * GIB),
            zone=chance.choice(["rack-a", "rack-b", "rack-c"]),
            labels={"disk": chance.choice(["ssd", "hdd"])},
            tasks=chance.randrange(9),
        )
        for number in range(_COUNT)
    )
    placed = {"db": dict(zip(chance.sample([node.name for node in nodes], 2), (1, 2), strict=True)), "web": {}}
    groups = tuple(
        replace(
            a_group(
                chance.randrange(1, 6),
                service=service,
                cpus=0.5 + chance.random(),
                memory=chance.randrange(256, 4096) * MIB,
                constraints=("node.labels.disk == ssd",) if chance.random() < 0.3 else (),
                placed=placed.get(service, {}),
            ),
            others=placed,
            calls=(CallRule(callee, callee, 0.05, traffic_bps=chance.randrange(1, 10**8)),),
        )
        for service, callee in (("web", "db"), ("api", "web"))
    )
    spots = {node.name: tuple(chance.uniform(0, 0.02) for _ in range(3)) for node in nodes}
    return World(nodes, groups, LevelCosts(between=Cost(0.003)), spots, placed)


def _renamed(world: World, new: dict[str, str]) -> World:
    def counts(old: dict[str, int]) -> dict[str, int]:
        return {new[name]: count for name, count in old.items()}

    placed = {service: counts(dict(by_node)) for service, by_node in world.placed.items()}
    return replace(
        world,
        nodes=tuple(replace(node, name=new[node.name]) for node in world.nodes),
        groups=tuple(replace(group, placed=placed.get(group.service, {}), others=placed) for group in world.groups),
        coordinates={new[name]: spot for name, spot in world.coordinates.items()},
        placed=placed,
    )
