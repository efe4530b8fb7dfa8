import json
import random
from collections.abc import Callable

import pytest
from click.testing import Result

from okube.cli.run import name_from_image
from okube.model.names import is_dns_label
from tests.unit.cli.cluster import Cluster, a_service, a_task
from tests.unit.client.playing import problem

Okube = Callable[..., Result]


def test_the_flags_make_the_service(okube: Okube, cluster: Cluster) -> None:
    line = (
        "run --image nginx:1.27 --name web --replicas 2 --cpus 0.5 --memory 256M --disk 1G -p 8080:80 -p 53:53/udp "
        "-e MODE=live -e TOKEN -v data:/data:ro --secret db --secret tls:/etc/tls.key --restart on-failure:3 "
        "--constraint node.zone!=b --label team=web "
        "--no-wait -o json -- nginx -g"
    )
    result = okube(*line.split(), TOKEN="t=1")  # no password
    assert result.exit_code == 0
    (written,) = cluster.written
    assert written == (
        "POST",
        "/v1/services",
        {
            "name": "web",
            "image": "nginx:1.27",
            "replicas": 2,
            "command": ["nginx", "-g"],
            "env": {"MODE": "live", "TOKEN": "t=1"},
            "ports": ["8080:80", "53:53/udp"],
            "resources": {"cpus": 0.5, "memory": "256M", "disk": "1G"},
            "volumes": ["data:/data:ro"],
            "secrets": ["db", "tls:/etc/tls.key"],
            "restart": "on-failure:3",
            "constraints": ["node.zone!=b"],
            "labels": {"team": "web"},
        },
    )
    assert json.loads(result.stdout)["name"] == "web"


def test_it_waits_and_shows_the_service_as_it_has_become(okube: Okube, cluster: Cluster) -> None:
    def ready() -> None:
        cluster.tasks = [a_task("web.1")]
        cluster.services["web"]["running"] = 1

    cluster.steps = [lambda: None, ready]
    result = okube("run", "--image", "nginx", "--name", "web")
    assert result.exit_code == 0
    assert result.stderr == "web: 0 of 1 ready\n"
    assert result.stdout.splitlines()[1].split()[:3] == ["web", "replicated", "1/1"]


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--memory", "lots"], "--memory: 'lots' is not an amount of bytes"),
        (["--cpus", "-1"], "--cpus: -1.0 is out of range"),
        (["-p", "eighty"], "-p: 'eighty' is not a port"),
        (["-v", "data"], "-v: 'data' is not a volume"),
        (["-v", "data:relative"], "-v: 'relative' is not a path"),
        (["-e", "MISSING"], "-e: 'MISSING' has no value"),
        (["-e", "1X=2"], "-e: '1X' is no name"),
        (["--name", "Web_1"], "--name: 'Web_1' is not a name"),
        (["--replicas", "-3"], "--replicas: -3 is out of range"),
        (["--restart", "sometimes"], "--restart: 'sometimes' is no restart policy"),
        (["--constraint", "disk=ssd"], "--constraint: constraint 'disk=ssd' compares nothing"),
        (["--label", "team"], "--label: 'team' is no label"),
        (["--mode", "replicate"], "--mode: 'replicate' is not allowed (did you mean 'replicated'?)"),
    ],
)
def test_a_flag_that_is_wrong_is_named_and_nothing_is_sent(
    okube: Okube, cluster: Cluster, flags: list[str], line: str
) -> None:
    result = okube("run", "--image", "nginx", *flags)
    assert (result.exit_code, result.stdout) == (2, "")
    assert line in result.stderr
    assert "nothing was changed" in result.stderr
    assert cluster.written == []


def test_everything_wrong_is_told_at_once(okube: Okube) -> None:
    result = okube("run", "--image", "a b", "--memory", "x", "-p", "y", "-e", "Z")
    for flag in ("--image: ", "--memory: ", "-p: ", "-e: "):
        assert flag in result.stderr


def test_a_name_that_is_taken_is_refused(okube: Okube, cluster: Cluster) -> None:
    cluster.refusals["POST", "/v1/services"] = problem(409, "conflict", "there is a service web already")
    result = okube("run", "--image", "nginx", "--name", "web")
    assert (result.exit_code, result.stderr) == (1, "okube: there is a service web already\n")


def test_what_fits_nowhere_waits_in_vain_and_stays(okube: Okube, cluster: Cluster) -> None:
    cluster.tasks = [
        a_task("web.1", "pending", reason="no-fit", message="no node fits: 3 nodes: memory 64.0 GiB asked")
    ]
    result = okube("run", "--image", "nginx", "--name", "web", "--timeout", "200ms", "-o", "json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["name"] == "web"
    assert "web.1 pending: no node fits: 3 nodes: memory 64.0 GiB asked" in result.stderr
    assert "what was asked for stays" in result.stderr


def test_what_failed_for_good_ends_the_wait_at_once(okube: Okube, cluster: Cluster) -> None:
    cluster.tasks = [a_task("web.1", "failed", reason="exit-code", exit_code=7, restart_policy="never")]
    result = okube("run", "--image", "nginx", "--name", "web", "--restart", "never", "--timeout", "1h")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "web.1 failed: exit-code: 7" in result.stderr


@pytest.mark.parametrize(
    ("image", "stem"),
    [
        ("nginx:1.27", "nginx"),
        ("registry.example.com:5000/team/My_App:2@sha256:abc", "my-app"),
        ("/opt/images/demo/", "demo"),
        ("___", "service"),
        ("x" * 300, "x" * 58),
    ],
)
def test_without_a_name_one_is_made_of_the_image(image: str, stem: str) -> None:
    name = name_from_image(image, random.Random(7))
    assert name.startswith(f"{stem}-")
    assert is_dns_label(name)
    assert name != name_from_image(image, random.Random(8))


def test_scale_prints_one_service_or_several(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web"))
    cluster.add(a_service("db"))
    one = okube("scale", "web=0", "-o", "json")
    assert json.loads(one.stdout)["replicas"] == 0
    both = okube("scale", "web=0", "db=0", "-o", "json")
    assert [s["name"] for s in json.loads(both.stdout)] == ["web", "db"]
    assert cluster.written[-1] == ("POST", "/v1/scale", {"services": {"web": 0, "db": 0}})


def test_named_resources_and_limits_have_flags(okube: Okube, cluster: Cluster) -> None:
    line = "run --image i --name web --cpus 0.5 --resource gpu=1 --resource licence=2 --limit cpus=2 --limit memory=1G"
    assert okube(*line.split(), "--no-wait").exit_code == 0
    assert cluster.written[0][2]["resources"] == {
        "cpus": 0.5,
        "gpu": 1,
        "licence": 2,
        "limits": {"cpus": 2, "memory": "1G"},
    }


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--resource", "gpu"], "--resource: 'gpu' is no amount: write it as gpu=1"),
        (["--resource", "gpu=1.5"], "--resource: a whole number is expected, not 1.5"),
        (["--resource", "gpu=two"], "--resource: a whole number is expected, not 'two'"),
        (["--resource", "cpu=1"], "--resource: unknown key (did you mean 'cpus'?)"),
        (["--limit", "disk=1G"], "--limit: unknown key; allowed are cpus, memory"),
        (["--memory", "2G", "--limit", "memory=1G"], "--limit: 1.0 GiB is less than the 2.0 GiB that is promised"),
        (["--limit", "cpus=many"], "--limit: a number is expected, not 'many'"),
    ],
)
def test_what_is_wrong_with_them_is_told_by_the_flag(
    okube: Okube, cluster: Cluster, flags: list[str], line: str
) -> None:
    result = okube("run", "--image", "i", "--name", "web", *flags)
    assert result.exit_code == 2
    assert line in result.stderr
    assert cluster.written == []
