"""What tasks ask of nodes, as service files and cluster.yaml have it."""

from typing import Any

import msgspec
import pytest

from okube.model.commands import PutServices, RegisterNode, UpdateNode
from okube.model.errors import InvalidInput
from okube.model.resources import Limits, Resources, may_be_named
from okube.model.spec import ServiceSpec, decode_spec
from okube.model.versions import version_of


def resources(**asked: Any) -> Resources:
    return spec(**asked).resources


def spec(**asked: Any) -> ServiceSpec:
    return decode_spec({"name": "web", "image": "nginx:1.27", "resources": asked})


def errors_in(**asked: Any) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        resources(**asked)
    return [f"{error.path}: {error.message}" for error in caught.value.errors]


def test_a_named_resource_is_written_beside_the_others_or_below_named() -> None:
    assert resources(cpus=1, gpu=2) == Resources(cpus=1, named={"gpu": 2})
    assert resources(gpu=2, named={"licence": 1}) == Resources(named={"gpu": 2, "licence": 1})
    assert resources(named={"gpu": 2}).counts == {"gpu": 2}
    assert resources(cpus=1).named is msgspec.UNSET


def test_what_is_sent_is_what_comes_back() -> None:
    made = spec(cpus=0.5, memory="1G", gpu=1, limits={"memory": "2G"})
    assert decode_spec(msgspec.to_builtins(made)) == made
    assert msgspec.to_builtins(spec(cpus=1).resources) == {"cpus": 1.0, "memory": 0, "disk": 0}


@pytest.mark.parametrize("name", ["cpu", "mem", "memroy", "disks", "cores", "GPU", "a b", "tasks", "limit", ""])
def test_a_slip_of_the_pen_is_no_named_resource(name: str) -> None:
    assert not may_be_named(name)
    (error,) = errors_in(**{name: 1})
    assert error.startswith(f"resources.{name}: unknown key")


def test_what_is_hinted_at_is_what_was_meant() -> None:
    assert errors_in(cpu=1) == [
        "resources.cpu: unknown key (did you mean 'cpus'?); allowed are cpus, memory, disk, limits, named"
    ]


@pytest.mark.parametrize("name", ["gpu", "gpus", "gpu-a100", "licence", "license", "fpga", "tuner"])
def test_usual_things_to_count_have_good_names(name: str) -> None:
    assert may_be_named(name)


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", True, None, float("nan"), 10**7, 10**30])
def test_only_whole_numbers_from_one_count(count: Any) -> None:
    (error,) = errors_in(gpu=count)
    assert error.startswith("resources.gpu: ")
    (error,) = errors_in(named={"gpu": count})
    assert error.startswith("resources.named.gpu: ")


def test_a_resource_that_is_named_twice_is_an_error() -> None:
    assert errors_in(gpu=1, named={"gpu": 2}) == ["resources.gpu: is given twice: here and in named"]
    assert errors_in(named={"CPU!": 2})[0].startswith("resources.named: 'CPU!' cannot be the name of a resource")


def test_too_many_names_are_refused_wherever_they_stand() -> None:
    (error,) = errors_in(**{f"gpu-{n}": 1 for n in range(65)})
    assert error == "resources.named: 65 named resources are more than 64"


def test_a_limit_is_what_is_promised_unless_it_says_otherwise() -> None:
    assert (resources(cpus=0.5, memory="1G").most_cpus, resources(memory="1G").most_memory) == (0.5, 1 << 30)
    wide = resources(cpus=0.5, memory="1G", limits={"memory": "2G"})
    assert (wide.most_cpus, wide.most_memory) == (0.5, 2 << 30)
    assert resources(cpus=0.5, limits={"cpus": 0}).most_cpus == 0
    assert resources(limits={"cpus": 2}) == Resources(limits=Limits(cpus=2.0))


def test_a_limit_is_not_below_what_is_promised() -> None:
    assert errors_in(cpus=2, memory="2G", limits={"cpus": 1, "memory": "1G"}) == [
        "resources.limits.cpus: 1 is less than the 2 that is promised",
        "resources.limits.memory: 1.0 GiB is less than the 2.0 GiB that is promised",
    ]
    assert errors_in(limits={"memory": "1M"}) == [
        "resources.limits.memory: 1048576 bytes is too little to run in: at least 6M (did you forget the unit?)"
    ]


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -1, 1e300])
@pytest.mark.parametrize("key", ["cpus", "memory", "disk"])
def test_no_amount_is_negative_endless_or_no_number(key: str, amount: float) -> None:
    (error,) = errors_in(**{key: amount})
    assert error.startswith(f"resources.{key}: ")


def test_managers_must_know_of_named_resources_and_limits_first() -> None:
    def needed(made: ServiceSpec) -> int:
        return version_of(PutServices((made,), ("s1",), "create"))

    assert needed(spec(cpus=1)) == 1
    assert needed(spec(gpu=1)) == 6
    assert needed(spec(limits={"cpus": 1})) == 6
    node = RegisterNode("w1", "i1", "192.0.2.1:7201", {}, "", 1.0, 1, 1, "docker", "1")
    assert version_of(node) == 1
    assert version_of(msgspec.structs.replace(node, named={"gpu": 1})) == 6
    assert version_of(UpdateNode("w1", named={})) == 6


def test_an_agent_must_know_limits_but_not_what_is_named() -> None:
    assert spec(gpu=1).agents_know == 0
    assert spec(limits={"cpus": 1}).agents_know == 6
