from typing import Any

import msgspec
import pytest

from okube.model.errors import InvalidInput
from okube.model.resources import Resources
from okube.model.spec import Port, Restart, ServiceSpec, Stop, Update, Volume, decode_spec


def spec(**fields: Any) -> ServiceSpec:
    return decode_spec({"name": "web", "image": "nginx:1.27", **fields})


def error_in(**fields: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        spec(**fields)
    (error,) = caught.value.errors
    return f"{error.path}: {error.message}"


def test_a_whole_service_file() -> None:
    assert spec(
        kind="Service",
        app="shop",
        mode="replicated",
        replicas=3,
        command=["nginx", "-g", "daemon off;"],
        env={"MODE": "live", "WORKERS": 4, "EMPTY": None},
        ports=["8080:80/tcp", {"container": 53, "protocol": "udp"}],
        resources={"cpus": 0.5, "memory": "256M", "disk": "1G"},
        volumes=["data:/var/lib/data:ro", {"source": "/srv", "target": "/www"}],
        restart={"policy": "on-failure", "max": 3},
        constraints=["node.labels.disk == ssd", "node.zone != rack-b"],
        stop={"signal": "SIGINT", "grace": "1m"},
        update={"order": "start-first"},
        labels={"team": "web", "tier": 1},
    ) == ServiceSpec(
        name="web",
        image="nginx:1.27",
        app="shop",
        replicas=3,
        command=("nginx", "-g", "daemon off;"),
        env={"MODE": "live", "WORKERS": "4", "EMPTY": ""},
        ports=(Port(container=80, host=8080), Port(container=53, protocol="udp")),
        resources=Resources(cpus=0.5, memory=256 << 20, disk=1 << 30),
        volumes=(Volume("data", "/var/lib/data", True), Volume("/srv", "/www")),
        restart=Restart("on-failure", 3),
        constraints=("node.labels.disk == ssd", "node.zone != rack-b"),
        stop=Stop("SIGINT", 60.0),
        update=Update("start-first"),
        labels={"team": "web", "tier": "1"},
    )


def test_what_an_answer_has_beside_the_spec_is_passed_over() -> None:
    answer = {
        "kind": "Service",
        "id": "x",
        "running": 2,
        "version": 3,
        "revision": 9,
        "created_by": "admin",
        "update": {"state": "done", "done": 3, "total": 3},
    }
    assert spec(**answer) == spec()
    assert spec(update={"order": "start-first", "state": "done", "done": 1, "total": 1}).update == Update("start-first")


def test_what_is_sent_is_what_comes_back() -> None:
    made = spec(ports=["8080:80"], volumes=["data:/data"], restart="on-failure:3", resources={"memory": "1G"})
    assert decode_spec(msgspec.to_builtins(made)) == made


def test_a_job_restarts_on_failure_unless_it_says_otherwise() -> None:
    assert spec(mode="job").restart == Restart("on-failure")
    assert spec(mode="job", restart="never").restart == Restart("never")
    assert error_in(mode="job", restart="always").startswith("restart: a job ends, so it cannot restart always")


@pytest.mark.parametrize(
    ("written", "port"),
    [
        ("80", Port(80)),
        (80, Port(80)),
        ("8080:80", Port(80, 8080)),
        ("0:80", Port(80, 0)),
        (" 8080:80/udp ", Port(80, 8080, "udp")),
        ({"container": 80, "host": 8080, "protocol": "udp"}, Port(80, 8080, "udp")),
    ],
)
def test_ports(written: object, port: Port) -> None:
    assert spec(ports=[written]).ports == (port,)


@pytest.mark.parametrize(
    ("written", "start"),
    [
        ("http", "ports[0]: 'http' is not a port"),
        ("80:", "ports[0]: '80:' is not a port"),
        ("127.0.0.1:80:80", "ports[0]: '127.0.0.1:80:80' is not a port"),
        ("٣:٤", "ports[0]: '٣:٤' is not a port"),
        ("80/sctp", "ports[0]: 'sctp' is no protocol of a port: tcp or udp"),
        ("0", "ports[0]: 0 is no port: 1 to 65535"),
        ("70000:80", "ports[0]: 70000 is no host port"),
        (99999, "ports[0]: 99999 is no port"),
        (-1, "ports[0]: '-1' is not a port"),
        (True, "ports[0]: a mapping with keys is expected, not True"),
        ({"container": 0}, "ports[0].container: 0 is no port"),
        ({"host": 80}, "ports[0].container: is missing"),
        ({"container": 80, "host": -1}, "ports[0].host: -1 is no host port"),
        ({"container": 80, "protocol": "http"}, "ports[0].protocol: 'http' is not allowed"),
    ],
)
def test_ports_that_are_none(written: object, start: str) -> None:
    assert error_in(ports=[written]).startswith(start)


def test_a_host_port_serves_once_and_any_free_one_as_often_as_asked() -> None:
    assert error_in(ports=["8080:80", "8080:81"]) == "ports[1].host: host port 8080/tcp is given twice"
    assert len(spec(ports=["8080:80", "8080:80/udp", "80", "80"]).ports) == 4


@pytest.mark.parametrize(
    ("written", "volume"),
    [
        ("data:/data", Volume("data", "/data")),
        ("data:/data:ro", Volume("data", "/data", True)),
        ("/srv/www:/www:rw", Volume("/srv/www", "/www")),
        ("/:/host:ro", Volume("/", "/host", True)),
        ({"source": "data", "target": "/data"}, Volume("data", "/data")),
    ],
)
def test_volumes(written: object, volume: Volume) -> None:
    assert spec(volumes=[written]).volumes == (volume,)


@pytest.mark.parametrize(
    "written",
    [
        "data",
        "data:",
        ":/data",
        "data:/data:rx",
        "data:data",
        "data:/",
        "data://",
        "data:/../etc",
        "/a/../b:/x",
        "./here:/x",
        "Data:/x",
        "da ta:/x",
        "/a\0:/x",
        "data:/x\n",
        "C:\\data:/x",
        5,
        "a:b:c:d",
    ],
)
def test_volumes_that_are_none(written: object) -> None:
    assert error_in(volumes=[written]).startswith("volumes[0]")


def test_a_target_is_given_once_however_it_is_written() -> None:
    assert error_in(volumes=["a:/data", "b:/data/"]) == "volumes[1].target: /data/ is given twice"


@pytest.mark.parametrize(
    ("written", "restart"),
    [
        ("always", Restart("always")),
        ("never", Restart("never")),
        ("on-failure", Restart("on-failure")),
        ("on-failure:5", Restart("on-failure", 5)),
        ({"policy": "on-failure", "max": None}, Restart("on-failure")),
        ({}, Restart("always")),
    ],
)
def test_restart_policies(written: object, restart: Restart) -> None:
    assert spec(restart=written).restart == restart


@pytest.mark.parametrize(
    "written",
    [
        "no",
        "",
        "on-failure:",
        "on-failure:0",
        "on-failure:-1",
        "on-failure:²",
        "on-failure:" + "9" * 5000,
        "always:3",
        5,
        False,
        None,
        [],
        {"policy": "always", "max": 3},
        {"policy": "on-failure", "max": 0},
        {"max": 3},
    ],
)
def test_restart_policies_that_are_none(written: object) -> None:
    assert error_in(restart=written).startswith("restart")


@pytest.mark.parametrize(
    ("fields", "start"),
    [
        ({"name": "Web"}, "name: 'Web' is not a name"),
        ({"app": "a.b"}, "app: 'a.b' is not a name"),
        ({"image": ""}, "image: '' is not an image"),
        ({"image": "nginx latest"}, "image: 'nginx latest' is not an image"),
        ({"image": "nginx\0"}, "image: 'nginx\\x00' is not an image"),
        ({"mode": "cron"}, "mode: cron is not there yet"),
        ({"mode": "replicatd"}, "mode: 'replicatd' is not allowed (did you mean 'replicated'?)"),
        ({"replicas": -1}, "replicas: -1 is out of range: 0 to 100000"),
        ({"replicas": 100_001}, "replicas: 100001 is out of range"),
        ({"replicas": 1.0}, "replicas: a whole number is expected, not 1.0"),
        ({"replica": 1}, "replica: unknown key (did you mean 'replicas'?)"),
        ({"command": "nginx -g"}, "command: a list is expected, one item a word: [nginx, -g]"),
        ({"command": ["a", 1]}, "command: a list of texts is expected"),
        ({"command": ["a\0"]}, "command: a word holds a NUL character"),
        ({"env": {"A": True}}, "env: the value of A is True, which programs read in different ways"),
        ({"env": {"1A": "x"}}, "env: '1A' is no name of an environment variable"),
        ({"env": {"A": ["x"]}}, "env: the value of A is not text"),
        ({"env": {"A": "\0"}}, "env: the value of A holds a NUL character"),
        ({"env": ["A=1", "A=2"]}, "env: a variable is given twice"),
        ({"env": "A=1"}, "env: a mapping NAME: value is expected"),
        ({"resources": {"cpus": 0.001}}, "resources.cpus: 0.001 is too little to run in"),
        ({"resources": {"cpus": -1}}, "resources.cpus: -1.0 is out of range"),
        ({"resources": {"cpus": "0.5"}}, "resources.cpus: a number is expected, not '0.5'"),
        ({"resources": {"memory": 512}}, "resources.memory: 512 bytes is too little to run in"),
        ({"resources": {"memory": "lots"}}, "resources.memory: 'lots' is not an amount of bytes"),
        ({"resources": {"memroy": 1}}, "resources.memroy: unknown key (did you mean 'memory'?)"),
        ({"constraints": ["node.disk == ssd"]}, "constraints[0]: "),
        ({"constraints": ["node.zone = a"]}, "constraints[0]: "),
        (
            {"constraints": ["node.zone == a", "node.zone == b"]},
            "constraints[1]: no node can meet both node.zone == a and node.zone == b: take one out",
        ),
        ({"prefer": [{"constraint": "node.zone == a", "weight": -1}]}, "prefer[0].weight: -1 is out of range"),
        ({"prefer": [{"constraint": "node.zone == a", "weight": float("nan")}]}, "prefer[0].weight: a whole number is"),
        ({"affinity": [{"service": "db", "weight": -5}]}, "affinity[0].weight: -5 is out of range"),
        ({"depends_on": [{"service": "db", "traffic": float("inf")}]}, "depends_on[0].traffic: inf is out of range"),
        ({"depends_on": [{"service": "db", "max_latency": float("nan")}]}, "depends_on[0].max_latency: nan is out of"),
        ({"priority": 10**30}, "priority: the number is too large"),
        ({"constraints": "node.zone == a"}, "constraints: a list is expected"),
        ({"stop": {"signal": "TERM"}}, "stop.signal: 'TERM' is no signal"),
        ({"stop": {"grace": "soon"}}, "stop.grace: 'soon' is not a time"),
        ({"update": {"order": "both"}}, "update.order: 'both' is not allowed"),
        ({"labels": {"a": True}}, "labels: the value of label a is not text"),
        ({"labels": {"a": "\0"}}, "labels: the value of label a holds a NUL character"),
        ({"labels": {"-a": "x"}}, "labels: '-a' is no label key"),
    ],
)
def test_what_is_wrong_is_told_where_it_is(fields: dict[str, Any], start: str) -> None:
    assert error_in(**fields).startswith(start)


def test_a_list_of_variables_is_read_as_compose_has_it() -> None:
    assert spec(env=["A=1", "B=x=y", "C"]).env == {"A": "1", "B": "x=y", "C": ""}


@pytest.mark.parametrize(("name", "what"), [("web", "service web"), ("w\nb", "service"), (None, "service")])
def test_the_sentence_names_the_service_where_it_has_a_name(name: object, what: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_spec({"name": name, "image": ""})
    assert str(caught.value).startswith(f"{what}: ")
