from pathlib import Path

import pytest

from okube.config import (
    Capacity,
    ClusterConfig,
    DockerConfig,
    ManagerConfig,
    Timing,
    WorkerConfig,
    find_config,
    load_cluster,
)
from okube.model.errors import BadFile, InvalidInput

ROOT = Path(__file__).parents[3]
SMALLEST = "cluster: lab\nmanagers:\n  - {name: m1, host: 127.0.0.1, port: 7101}\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def load(text: str) -> ClusterConfig:
    Path("cluster.yaml").write_text(text)
    return load_cluster(Path("cluster.yaml"))


def errors_in(text: str) -> list[str]:
    """What is said of a wrong file, a line for each error, without its name."""
    with pytest.raises(InvalidInput) as caught:
        load(text)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.errors)
    assert all(line.startswith("cluster.yaml:") for line in lines)
    return [line.removeprefix("cluster.yaml:") for line in lines]


def with_managers(*entries: str, more: str = "") -> str:
    return "cluster: lab\nmanagers:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries) + more


class TestGood:
    def test_a_worker_offers_named_resources(self) -> None:
        worker = "workers:\n  - {name: w1, host: 127.0.0.1, port: 7201, capacity: {gpu: 2, named: {licence: 4}}}\n"
        assert load(SMALLEST + worker).workers[0].capacity.named == {"gpu": 2, "licence": 4}

    def test_the_cluster_of_the_repository(self) -> None:
        config = load_cluster(ROOT / "cluster.yaml")
        assert config.data_dir == ROOT / ".okube"
        assert [(m.name, m.port, m.raft_port) for m in config.managers] == [
            ("m1", 7101, 8101),
            ("m2", 7102, 8102),
            ("m3", 7103, 8103),
        ]
        assert [w.name for w in config.workers] == ["w1", "w2", "w3"]
        assert config.workers[0] == WorkerConfig(
            name="w1",
            host="127.0.0.1",
            port=7201,
            zone="rack-a",
            labels={"disk": "ssd"},
            capacity=Capacity(cores=4.0, memory=8 << 30, disk=50 << 30),
        )
        assert config.timing == Timing(heartbeat=1.0, node_down_after=3.0, election=0.5)
        assert config.warnings == ()

    def test_the_defaults(self, tmp_path: Path) -> None:
        assert load(SMALLEST) == ClusterConfig(
            cluster="lab",
            data_dir=tmp_path / ".okube",
            managers=(ManagerConfig(name="m1", host="127.0.0.1", port=7101, raft_port=8101),),
            workers=(),
            runtime="auto",
            docker=DockerConfig(host="unix:///var/run/docker.sock"),
            timing=Timing(heartbeat=1.0, node_down_after=3.0, election=0.5),
            file=tmp_path / "cluster.yaml",
        )

    def test_everything_can_be_said(self) -> None:
        config = load(
            with_managers(
                "name: m1, host: server-1.example.com, port: 7101, raft_port: 9000",
                more=(
                    "workers: [{name: w1, host: '2001:db8::1', port: 7201}]\n"
                    "runtime: docker\ndocker: {host: 'tcp://192.0.2.1:2376'}\n"
                    "timing: {heartbeat: 200ms, node_down_after: 1m, election: 2}\n"
                ),
            )
        )
        assert config.managers[0].raft_port == 9000
        assert config.workers[0].capacity == Capacity()
        assert (config.runtime, config.docker.host) == ("docker", "tcp://192.0.2.1:2376")
        assert config.timing == Timing(heartbeat=0.2, node_down_after=60.0, election=2.0)

    @pytest.mark.parametrize(
        ("written", "found"),
        [
            ("data", "data"),
            ("./a/../b", "b"),
            ("../beside", "../beside"),
            ("~/okube", "home/okube"),
            ("/srv/okube", "/srv/okube"),
        ],
    )
    def test_the_data_directory_is_relative_to_the_file(self, tmp_path: Path, written: str, found: str) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "cluster.yaml").write_text(f"{SMALLEST}data_dir: {written}\n")
        base = tmp_path if written.startswith("~") else folder
        assert load_cluster(Path("folder/cluster.yaml")).data_dir == (base / found).resolve()

    def test_a_manager_and_a_worker_of_one_machine_differ_in_their_ports(self) -> None:
        more = "workers: [{name: w1, host: 192.0.2.1, port: 7201}]\n"
        assert load(with_managers("name: m1, host: 192.0.2.1, port: 7101", more=more)).warnings == ()

    def test_json_will_do(self) -> None:
        assert load('{"cluster": "lab", "managers": [{"name": "m1", "host": "::1", "port": 7101}]}').cluster == "lab"

    @pytest.mark.parametrize(("count", "warned"), [(1, False), (2, True), (3, False), (4, True), (6, True), (7, False)])
    def test_even_numbers_of_managers_are_warned_of(self, count: int, warned: bool) -> None:
        config = load(with_managers(*(f"name: m{n}, host: 192.0.2.{n}, port: 7101" for n in range(1, count + 1))))
        assert [f"{count} managers bear the loss of" in text for text in config.warnings] == [True] * warned

    def test_a_worker_that_no_manager_reaches_is_warned_of(self) -> None:
        more = "workers: [{name: w1, host: localhost, port: 7201}]\n"
        config = load(with_managers("name: m1, host: 192.0.2.1, port: 7101", more=more))
        assert [text.split(":")[0] for text in config.warnings] == [
            "Worker w1 is on localhost, where managers on other machines do not reach it"
        ]

    def test_a_label_that_looks_like_a_secret_is_warned_of_without_its_value(self) -> None:
        more = "workers: [{name: w1, host: 192.0.2.1, port: 7201, labels: {api-key: hunter2, disk: ssd}}]\n"
        (warning,) = load(with_managers("name: m1, host: 192.0.2.1, port: 7101", more=more)).warnings
        assert "label api-key of worker w1 looks like a secret" in warning
        assert "hunter2" not in warning


class TestTopology:
    def test_costs_are_read_as_people_write_them(self) -> None:
        config = load(
            """\
            cluster: lab
            managers: [{name: m1, host: 127.0.0.1, port: 7101}]
            workers: [{name: w1, host: 127.0.0.1, port: 7201, region: north, zone: a, rack: a-1}]
            topology:
              regions: {between: {latency: 80ms, bandwidth: 100M}}
              racks: {pairs: [{from: a-1, to: a-1, latency: 0.2ms}]}
            """
        )
        assert config.topology is not None
        assert config.topology.regions.between.bandwidth == 100_000_000
        assert config.topology.racks.pairs[0].latency == 0.0002

    def test_what_cannot_be_and_what_no_worker_has_is_told_with_its_place(self) -> None:
        assert errors_in(
            """\
            cluster: lab
            managers: [{name: m1, host: 127.0.0.1, port: 7101}]
            workers: [{name: w1, host: 127.0.0.1, port: 7201, zone: hall}]
            topology:
              zones:
                pairs:
                  - {from: hall, to: hal, latency: 2ms}
              racks:
                pairs: [{from: anything, to: goes, latency: 2ms}]
            """
        ) == ["7: topology.zones.pairs[0].to: no worker is in a zone 'hal' (did you mean 'hall'?); they are in hall"]


class TestBad:
    def test_all_is_told_at_once_in_the_order_of_the_file(self) -> None:
        assert errors_in(
            """\
cluster: Lab
managers:
  - {name: m1, host: 192.0.2.1, port: 7101}
  - {name: m1, host: 192.0.2.2, port: 70000}
  - {name: m3, host: 192.0.2.1, prot: 7101}
  - {name: m4, host: 192.0.2.1, port: 7101, raft_port: 7102}
workers:
  - name: w1
    host: http://192.0.2.1:80
    port: "7201"
    capacity: {cores: -4, memory: 8, disk: 50GG}
  - {name: m4, host: 192.0.2.1, port: 8101, zone: rack a}
runtim: docker
timing: {heartbeat: 2s, election: 10ms}
"""
        ) == [
            "1: cluster: 'Lab' is not a name: 1 to 63 of a-z, 0-9 and '-', starting and ending with a letter or digit",
            "4: managers[1].port: 70000 is no port: 1 to 65535",
            "4: managers[1].name: 'm1' is the name of managers[0] already",
            "5: managers[2].prot: unknown key (did you mean 'port'?); allowed are name, host, port, raft_port, ssh",
            "5: managers[2].port: is missing",
            "6: managers[3].port: port 7101 of 192.0.2.1 is taken by managers[0].port already",
            "9: workers[0].host: 'http://192.0.2.1:80' is no host: give the name or address alone, and the port "
            "with the key 'port'",
            "10: workers[0].port: a whole number is expected, not '7201'",
            "11: workers[0].capacity.cores: -4 cores are out of range: 0.01 to 65536",
            "11: workers[0].capacity.memory: 8 B is too little for a node: at least 16M (did you forget the unit?)",
            "11: workers[0].capacity.disk: '50GG' is not an amount of bytes: write 512M, 2G or a number of bytes",
            "12: workers[1].zone: 'rack a' is no name: up to 63 letters, digits, '.', '_' and '-', without blanks",
            "12: workers[1].name: 'm4' is the name of managers[3] already",
            "12: workers[1].port: port 8101 of 192.0.2.1 is taken by managers[0].raft_port already",
            "13: runtim: unknown key (did you mean 'runtime'?); allowed are cluster, managers, data_dir, key_dir, "
            "workers, runtime, docker, timing, reserve, snapshots, certificates, scheduler, topology, ssh, install",
            "14: timing.election: 10ms is too short: 100ms to 30s; a busy moment of the leader would cost it its "
            "office",
            "14: timing.node_down_after: 3s cannot work with a heartbeat of 2s: two heartbeats in a row must be "
            "missing, or one late packet would take a node's tasks away; make it at least 4s, or the heartbeat at most "
            "1.5s",
        ]

    def test_an_empty_file(self) -> None:
        with pytest.raises(BadFile, match=r"cluster\.yaml is empty"):
            load("# nothing\n")

    def test_two_documents(self) -> None:
        found = errors_in(f"{SMALLEST}---\n{SMALLEST}")
        assert found == ["5: a second document begins here; the file describes one cluster"]

    @pytest.mark.parametrize("text", ["just text", "- a\n- b\n", "5"])
    def test_no_mapping(self, text: str) -> None:
        (found,) = errors_in(text)
        assert found.startswith("1: a mapping with keys is expected, not ")

    def test_nothing_required(self) -> None:
        assert errors_in("{}") == ["1: cluster: is missing", "1: managers: is missing"]

    @pytest.mark.parametrize("written", ["[]", "{}", "", "m1", "[m1]", "[[]]", "[5]"])
    def test_managers_that_are_none(self, written: str) -> None:
        assert errors_in(f"cluster: lab\nmanagers: {written}\n")[0].startswith("2: managers")

    def test_too_many_managers(self) -> None:
        found = errors_in(with_managers(*(f"name: m{n}, host: 192.0.2.{n}, port: 7101" for n in range(1, 10))))
        assert found == ["2: managers: 9 are too many, each change would wait for most of them: 1, 3, 5 or 7"]

    @pytest.mark.parametrize("name", ["ca", "admin"])
    def test_a_name_that_the_data_directory_uses(self, name: str) -> None:
        (found,) = errors_in(with_managers(f"name: {name}, host: 127.0.0.1, port: 7101"))
        assert (
            found
            == f"3: managers[0].name: '{name}' is the name of a folder in the data directory already: choose another"
        )

    def test_a_raft_port_that_is_derived_and_taken(self) -> None:
        found = errors_in(
            with_managers(
                "name: m1, host: localhost, port: 7101, raft_port: 8102", "name: m2, host: 127.0.0.1, port: 7102"
            )
        )
        assert found == [
            "4: managers[1].raft_port: port 8102 of 127.0.0.1 is taken by managers[0].raft_port already "
            "(it is port + 1000 unless given)"
        ]

    def test_a_raft_port_that_is_derived_and_none(self) -> None:
        found = errors_in(with_managers("name: m1, host: localhost, port: 65000"))
        assert found == [
            "3: managers[0].raft_port: is 65000 + 1000 unless given, which is no port: give one, 1 to 65535"
        ]

    def test_both_ports_of_a_manager_are_one(self) -> None:
        found = errors_in(with_managers("name: m1, host: localhost, port: 7101, raft_port: 7101"))
        assert found[0].startswith(
            "3: managers[0].raft_port: port 7101 of localhost is taken by managers[0].port already"
        )

    @pytest.mark.parametrize("port", ["0", "-1", "65536", "true", "71.5", "'7101'", "x", "[]", "", "1e3", "1" * 400])
    def test_a_port_that_is_none(self, port: str) -> None:
        for key in ("port", "raft_port"):
            other = "" if key == "port" else "port: 7101, "
            found = errors_in(with_managers(f"name: m1, host: localhost, {other}{key}: {port}"))
            assert any(line.startswith(f"3: managers[0].{key}: ") for line in found)

    def test_managers_that_cannot_meet(self) -> None:
        found = errors_in(
            with_managers("name: m1, host: localhost, port: 7101", "name: m2, host: 192.0.2.2, port: 7101")
        )
        assert found == [
            "3: managers[0].host: localhost is reached from its own machine alone, and managers[1] is on 192.0.2.2: "
            "give the address of the machine"
        ]

    @pytest.mark.parametrize("written", ["/", ".", "..", "~", "./x/..", "../.."])
    def test_a_data_directory_that_a_purge_must_not_remove(self, written: str) -> None:
        (found,) = errors_in(f"{SMALLEST}data_dir: {written if written != '~' else '~/'}\n")
        assert "which holds more than the cluster's files, and 'okube down --purge' removes it" in found

    @pytest.mark.parametrize("written", [".okube", ".okube/keys"])
    def test_a_folder_of_keys_inside_the_data_directory(self, written: str) -> None:
        (found,) = errors_in(f"{SMALLEST}key_dir: {written}\n")
        assert "inside of data_dir" in found

    @pytest.mark.parametrize(
        ("timing", "field", "message"),
        [
            ("heartbeat: 0", "heartbeat", "0ms is too short: 100ms to 60s; "),
            ("heartbeat: 50ms", "heartbeat", "50ms is too short: 100ms to 60s; "),
            ("heartbeat: 2m, node_down_after: 10m", "heartbeat", "120s is too long: 100ms to 60s; "),
            ("heartbeat: fast", "heartbeat", "'fast' is not a time: write 500ms, 3s, 2m or 1h"),
            ("heartbeat: -1s", "heartbeat", "'-1s' is not a time"),
            ("heartbeat: true", "heartbeat", "True is not a time"),
            ("node_down_after: 1s", "node_down_after", "1s cannot work with a heartbeat of 1s: "),
            ("heartbeat: 1.6s", "node_down_after", "3s cannot work with a heartbeat of 1.6s: "),
            ("node_down_after: 2h", "node_down_after", "7200s is too long: 200ms to 3600s; "),
            ("election: 99ms", "election", "99ms is too short: 100ms to 30s; "),
            ("election: 1m", "election", "60s is too long: 100ms to 30s; "),
            ("elections: 1s", "elections", "unknown key (did you mean 'election'?)"),
        ],
    )
    def test_times_that_cannot_work(self, timing: str, field: str, message: str) -> None:
        (found,) = errors_in(f"{SMALLEST}timing: {{{timing}}}\n")
        assert found.startswith(f"4: timing.{field}: {message}")

    def test_times_at_the_edge_work(self) -> None:
        timing = load(f"{SMALLEST}timing: {{heartbeat: 700ms, node_down_after: 1.4s, election: 100ms}}\n").timing
        found = (timing.heartbeat, timing.node_down_after, timing.election)
        assert found == pytest.approx((0.7, 1.4, 0.1))

    @pytest.mark.parametrize(
        ("more", "start"),
        [
            (
                "runtime: dokcer",
                "runtime: 'dokcer' is not allowed (did you mean 'docker'?); one of auto, docker, process",
            ),
            ("runtime: [docker]", "runtime: a list is not allowed"),
            ("docker: unix:///var/run/docker.sock", "docker: a mapping with keys is expected, not 'unix:"),
            ("docker: {host: /var/run/docker.sock}", "docker.host: '/var/run/docker.sock' is no address of a Docker"),
            ("data_dir: ''", "data_dir: '' is no folder"),
            ("data_dir: [x]", "data_dir: text is expected, not a list"),
            ("cluster_name: x", "cluster_name: unknown key (did you mean 'cluster'?)"),
            ("workers:", "workers: a list is expected, not nothing"),
            ("timing: fast", "timing: a mapping with keys is expected, not 'fast'"),
        ],
    )
    def test_other_values_that_are_wrong(self, more: str, start: str) -> None:
        (found,) = errors_in(f"{SMALLEST}{more}\n")
        assert found.startswith(f"4: {start}")

    @pytest.mark.parametrize(
        ("entry", "start"),
        [
            ("labels: [ssd]", "labels: a mapping KEY: value is expected"),
            ("labels: {a b: c}", "labels: 'a b' is no label key"),
            ("link: 0", "link: a link of 0 carries nothing"),
            ("link: fast", "link: 'fast' is not a bandwidth"),
            ("capacity: {cores: 0}", "capacity.cores: 0 cores are out of range"),
            ("capacity: {cores: .nan}", "capacity.cores: a number is expected, not '.nan'"),
            ("capacity: {cores: many}", "capacity.cores: a number is expected, not 'many'"),
            ("capacity: {memory: 0}", "capacity.memory: 0 B is too little"),
            ("capacity: {gpu: -1}", "capacity.gpu: -1 is out of range: 1 to 1000000"),
            ("capacity: {gpu: 1.5}", "capacity.gpu: a whole number is expected, not 1.5"),
            ("capacity: {gpu: 100000000000000000000}", "capacity.gpu: the number is too large"),
            ("capacity: {named: {memory: 1}}", "capacity.named: 'memory' cannot be the name of a resource"),
            ("capacity: {memroy: 8G}", "capacity.memroy: unknown key (did you mean 'memory'?)"),
            ("capacity: {memory: 9P}", "capacity.memory: '9P' is out of range"),
            ("capacity: {disk: -1}", "capacity.disk: -1 is out of range"),
            ("capacity: {ram: 8G}", "capacity.ram: unknown key"),
            ("zone: 5", "zone: text is expected, not 5; put it in quotes"),
        ],
    )
    def test_workers_that_are_wrong(self, entry: str, start: str) -> None:
        (found,) = errors_in(f"{SMALLEST}workers: [{{name: w1, host: localhost, port: 7201, {entry}}}]\n")
        assert found.startswith(f"4: workers[0].{start}")


class TestFinding:
    def test_what_is_named_comes_first_even_if_it_is_not_there(self) -> None:
        Path("cluster.yaml").touch()
        assert find_config("mine.yaml", {"OKUBE_CONFIG": "theirs.yaml"}) == Path("mine.yaml")
        assert find_config(None, {"OKUBE_CONFIG": "theirs.yaml"}) == Path("theirs.yaml")

    def test_the_file_of_this_folder_comes_before_that_of_the_home(self) -> None:
        home = Path("home/.okube")
        home.mkdir(parents=True)
        (home / "cluster.yaml").touch()
        env = {"HOME": "home", "OKUBE_CONFIG": ""}
        assert find_config(None, env) == home / "cluster.yaml"
        Path("cluster.yaml").touch()
        assert find_config(None, env) == Path("cluster.yaml")

    def test_there_may_be_none(self) -> None:
        Path("cluster.yaml").mkdir()
        assert find_config(None, {}) is None
