"""A machine that joins: what it leaves in its folders, what it may be called again for, and what is in its way."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from cryptography import x509

from okube.config import load_cluster
from okube.manager.settings import ManagerSettings
from okube.model.errors import BadFile, Conflict, NotFound
from okube.model.jointoken import JoinedManager, JoinRequest
from okube.processes.joining import Joined, Wish, join
from okube.processes.settings import manager_settings, worker_settings
from okube.security import ClusterFiles, Identity, TlsFiles, client_context, server_context
from okube.security.issue import NODE_LIFE, certify_key
from okube.security.jointokens import JoinToken
from okube.security.keyring import UnlockKey
from okube.security.requests import key_of_request
from okube.security.seed import Seed, read_process_identity, read_seed, write_seed
from tests.unit.processes.test_invitation import NOW_MS, Reply, Server, an_answer

M1 = JoinedManager("m1", "i-m1", "192.0.2.11:7101", "192.0.2.11:8101")
UNLOCK = UnlockKey.new(random.Random(1).randbytes)


class Cluster(Server):
    """A manager that certifies whoever asks, and may be told to lose its answers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.behave = self.admit
        self.asked: list[JoinRequest] = []
        self.lost = 0
        self.start()

    def admit(self, method: str, body: bytes) -> Reply:
        if method == "GET":
            return self.authority_told()
        request = msgspec.json.decode(body, type=JoinRequest)
        self.asked.append(request)
        if self.lost:
            self.lost -= 1
            raise ConnectionAbortedError
        key = key_of_request(request.csr.encode())
        who = Identity("c1", request.role, request.name, request.instance)
        certificate = certify_key(self.authority, key, who, now_ms=NOW_MS, life=NODE_LIFE)
        managers: tuple[JoinedManager, ...] = (M1,)
        if request.role == "manager":
            new = JoinedManager(request.name, request.instance, request.address, request.raft_address or "", False)
            managers = (M1, new)
        is_manager = request.role == "manager"
        answer = msgspec.structs.replace(
            an_answer(),
            certificate=certificate.decode(),
            ca=self.pem,
            managers=managers,
            admin_token_sha256="ab" * 32 if is_manager else "",
            unlock_key=UNLOCK.text if is_manager else "",
        )
        return 200, msgspec.to_builtins(answer)

    def manager_token(self) -> JoinToken:
        return msgspec.structs.replace(self.token(), role="manager")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    made = Cluster(tmp_path / "cluster")
    yield made
    made.stop()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "machine" / "cluster.yaml"


def join_in(config: Path, cluster: Cluster, token: JoinToken, wish: Wish, *, bootstrapped: list[Any]) -> Joined:
    def bootstrap(settings: ManagerSettings, index: int) -> None:
        bootstrapped.append((settings, index))
        (settings.directory / "raft").mkdir()

    config.parent.mkdir(exist_ok=True)
    return join(token, [cluster.place], wish, config, timeout_s=20, say=lambda _: None, bootstrap=bootstrap)


def joined(config: Path, cluster: Cluster, token: JoinToken, name: str = "w7", **wish: Any) -> Joined:
    return join_in(config, cluster, token, Wish(name=name, **wish), bootstrapped=[])


def test_a_worker_finds_all_that_it_needs_in_its_folder(cluster: Cluster, config: Path) -> None:
    made = joined(config, cluster, cluster.token(), zone="rack-b", labels={"disk": "ssd"}, port=7301, runtime="process")
    files = ClusterFiles(config.parent / "data")
    assert (made.role, made.cluster, made.folder) == ("worker", "lab", files.process("w7").root)
    identity, seed, described = (
        read_process_identity(made.folder / "identity.json"),
        read_seed(files.seed),
        load_cluster(config),
    )
    settings = worker_settings(described, seed, identity, made.folder)
    assert (settings.address, settings.zone, settings.labels, settings.runtime) == (
        "127.0.0.1:7301",  # as the manager sees it
        "rack-b",
        {"disk": "ssd"},
        "process",
    )
    assert (settings.managers, settings.instance) == (("192.0.2.11:7101",), cluster.asked[0].instance)
    server_context(made.folder / "tls", client_certificate="required")  # what it has fits together
    client_context(made.folder / "tls")
    assert TlsFiles(made.folder / "tls").key.stat().st_mode & 0o777 == 0o600
    assert seed.admin_token_sha256 == ""


def test_what_a_worker_offers_stays_in_its_file_when_others_join_there(cluster: Cluster, config: Path) -> None:
    made = joined(config, cluster, cluster.token(), named={"gpu": 2, "tuner": 1})
    joined(config, cluster, cluster.token(), "w8", beside=True, port=7202)
    described = load_cluster(config)
    assert [worker.capacity.named for worker in described.workers] == [{"gpu": 2, "tuner": 1}, {}]
    seed = read_seed(ClusterFiles(config.parent / "data").seed)
    identity = read_process_identity(made.folder / "identity.json")
    assert worker_settings(described, seed, identity, made.folder).named == {"gpu": 2, "tuner": 1}


def test_its_key_never_leaves_it(cluster: Cluster, config: Path) -> None:
    made = joined(config, cluster, cluster.token())
    key = TlsFiles(made.folder / "tls").key.read_text()
    assert all(key.splitlines()[1] not in body.decode() for _, _, body in cluster.told)
    certificate = x509.load_pem_x509_certificate(TlsFiles(made.folder / "tls").certificate.read_bytes())
    assert certificate.public_key() == key_of_request(cluster.asked[0].csr.encode())


def test_a_manager_begins_its_log_as_one_that_joins_and_has_the_unlock_key(cluster: Cluster, config: Path) -> None:
    written: list[Any] = []
    made = join_in(config, cluster, cluster.manager_token(), Wish(name="m4", host="192.0.2.14"), bootstrapped=written)
    ((settings, index),) = written
    assert (settings.name, settings.port, settings.raft_port, index) == ("m4", 7101, 8101, 3)
    assert [(m.name, m.voter) for m in settings.members] == [("m1", True), ("m4", False)]
    seed, described = read_seed(ClusterFiles(config.parent / "data").seed), load_cluster(config)
    again = manager_settings(described, seed, read_process_identity(made.folder / "identity.json"), made.folder)
    assert (again.admin_token_sha256, again.instance) == ("ab" * 32, settings.instance)
    assert again.key_dir is not None
    assert (again.key_dir / "unlock.key").read_text().strip() == UNLOCK.text
    assert (again.key_dir / "unlock.key").stat().st_mode & 0o777 == 0o600


def test_an_answer_that_is_lost_is_asked_for_again_as_the_same_instance_with_the_same_key(
    cluster: Cluster, config: Path
) -> None:
    cluster.lost = 1
    made = joined(config, cluster, cluster.token())
    first, second = cluster.asked
    assert (first.instance, key_of(first)) == (second.instance, key_of(second))
    assert read_process_identity(made.folder / "identity.json").instance == first.instance


def test_one_that_was_interrupted_goes_on_as_who_it_was(cluster: Cluster, config: Path) -> None:
    def power_loss(settings: ManagerSettings, index: int) -> None:
        (settings.directory / "raft").mkdir()
        raise KeyboardInterrupt

    token = cluster.manager_token()
    config.parent.mkdir()
    with pytest.raises(KeyboardInterrupt):
        join(
            token,
            [cluster.place],
            Wish(name="m4", host="192.0.2.14"),
            config,
            timeout_s=20,
            say=lambda _: None,
            bootstrap=power_loss,
        )
    assert not (config.parent / "data" / "m4").exists()
    joined(config, cluster, token, "m4", host="192.0.2.14")
    first, second = cluster.asked
    assert first.instance == second.instance
    assert (config.parent / "data" / "m4" / "raft").is_dir()


def test_one_that_is_in_says_so_and_asks_nobody(cluster: Cluster, config: Path) -> None:
    token = cluster.token()
    joined(config, cluster, token)
    told = len(cluster.told)
    again = joined(config, cluster, token)
    assert (again.before, len(cluster.told)) == (True, told)


def test_a_worker_and_a_manager_share_a_machine_and_its_file(cluster: Cluster, config: Path) -> None:
    joined(config, cluster, cluster.token())
    joined(config, cluster, cluster.manager_token(), "m4", host="192.0.2.14")
    described = load_cluster(config)
    assert ([w.name for w in described.workers], [m.name for m in described.managers]) == (["w7"], ["m1", "m4"])
    assert read_seed(ClusterFiles(config.parent / "data").seed).admin_token_sha256 == "ab" * 32


def test_a_file_of_somebody_else_is_followed_and_not_changed(cluster: Cluster, config: Path) -> None:
    text = yaml.safe_dump(
        {
            "cluster": "lab",
            "managers": [{"name": "m1", "host": "192.0.2.11", "port": 7101}],
            "workers": [{"name": "w7", "host": "192.0.2.17", "port": 7205, "zone": "rack-c", "labels": {"a": "b"}}],
        }
    )
    config.parent.mkdir()
    config.write_text(text)
    joined(config, cluster, cluster.token(), labels={"c": "d"})
    (asked,) = cluster.asked
    assert (asked.address, asked.zone, asked.labels) == ("192.0.2.17:7205", "rack-c", {"a": "b", "c": "d"})
    assert config.read_text() == text
    with pytest.raises(NotFound, match="names no worker w8"):
        joined(config, cluster, cluster.token(), "w8")
    with pytest.raises(Conflict, match="--port says 1"):
        joined(config, cluster, cluster.token(), "w7", port=1)
    with pytest.raises(Conflict, match=r"--resource says gpu=2, and .* says nothing for w7"):
        joined(config, cluster, cluster.token(), "w7", named={"gpu": 2})


def test_the_data_of_another_cluster_is_in_the_way_before_the_token_is_shown(cluster: Cluster, config: Path) -> None:
    (config.parent / "data").mkdir(parents=True)
    write_seed(ClusterFiles(config.parent / "data").seed, Seed("other", "c2", "", ()))
    with pytest.raises(Conflict, match="holds the data of cluster other"):
        joined(config, cluster, cluster.token())
    assert cluster.asked == []


def test_a_file_that_describes_another_cluster_is_in_the_way(cluster: Cluster, config: Path) -> None:
    config.parent.mkdir()
    config.write_text(
        "cluster: other\nmanagers: [{name: m1, host: 192.0.2.11, port: 7101}]\n"
        "workers: [{name: w7, host: 192.0.2.17, port: 7201}]\n"
    )
    with pytest.raises(Conflict, match="describes cluster other"):
        joined(config, cluster, cluster.token())


def test_what_is_not_its_own_is_in_the_way(cluster: Cluster, config: Path) -> None:
    (config.parent / "data" / "w7").mkdir(parents=True)
    with pytest.raises(Conflict, match="is in the way"):
        joined(config, cluster, cluster.token())


def test_a_manager_that_was_removed_joins_anew_and_its_old_folder_is_set_aside(cluster: Cluster, config: Path) -> None:
    token = cluster.manager_token()
    made = joined(config, cluster, token, "m4", host="192.0.2.14")
    (made.folder / "removed").write_text("as of entry 9")
    again = joined(config, cluster, token, "m4", host="192.0.2.14")
    first, second = cluster.asked
    assert (again.before, first.instance == second.instance) == (False, False)
    assert (config.parent / "data" / f".m4.{first.instance}.left").is_dir()


def test_a_key_that_others_could_read_is_not_certified(cluster: Cluster, config: Path) -> None:
    cluster.behave = lambda method, body: cluster.authority_told() if method == "GET" else (409, {"detail": "not now"})
    with pytest.raises(Exception, match="not now"):
        joined(config, cluster, cluster.token())
    key = config.parent / "data" / ".w7.joining" / "tls" / "node.key"
    key.chmod(0o644)
    cluster.behave = cluster.admit
    with pytest.raises(BadFile, match="open to others"):
        joined(config, cluster, cluster.token())


def key_of(request: JoinRequest) -> object:
    return key_of_request(request.csr.encode()).public_numbers()
