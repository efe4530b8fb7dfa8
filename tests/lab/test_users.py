"""Users of a real cluster: what a role opens at each manager, and that nothing stays open when it ends."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster, Finished

_SLEEPER = ("--image", "host", "--app", "shop", "--", "sh", "-c", "while :; do echo tick; sleep 0.2; done")


class WithUsers(Cluster):
    """A cluster whose users have their files beside it."""

    def user(self, name: str, role: str, *options: str) -> Path:
        """A user's client file."""
        file = self.folder / f"{name}.okube"
        self.ok("user", "create", name, "--role", role, "--file", str(file), *options)
        return file

    def as_user(self, file: Path, *words: str) -> Finished:
        """A command of theirs."""
        return self.okube("--config", str(file), *words)

    def at(self, manager: str) -> str:
        """A manager's URL."""
        found = next(each for each in self.described["managers"] if each["name"] == manager)
        return f"https://{found['host']}:{found['port']}"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WithUsers]:
    made = WithUsers(tmp_path_factory.mktemp("users"), runtime="process", managers=3, workers=1)
    try:
        made.up()
        made.ok("run", "--name", "web", *_SLEEPER)
        yield made
    finally:
        made.destroy()


def test_a_viewer_reads_at_every_manager_and_writes_at_none(cluster: WithUsers) -> None:
    vera = cluster.user("vera", "viewer")
    for manager in cluster.managers:
        read = cluster.as_user(vera, "services", "-o", "json", "--manager", cluster.at(manager))
        assert [service["name"] for service in read.json] == ["web"], (manager, read)
        for words in (("scale", "web=2"), ("rm", "web"), ("exec", "web.1", "--", "id"), ("user",)):
            refused = cluster.as_user(vera, words[0], "--manager", cluster.at(manager), *words[1:])
            assert refused.status == 1, (words, refused)
            assert "vera is a viewer" in refused.err, (words, refused)
    assert cluster.as_user(vera, "logs", "--tail", "1", "web").out.endswith("tick\n")


def test_an_operator_of_an_app_runs_what_is_of_it(cluster: WithUsers) -> None:
    olga = cluster.user("olga", "operator", "--app", "shop")
    assert cluster.as_user(olga, "exec", "web.1", "--", "echo", "hello").out == "hello\n"
    refused = cluster.as_user(olga, "run", "--name", "lone", "--image", "host", "--", "sleep", "9")
    assert refused.status == 1
    assert "olga has shop alone" in refused.err or "you have shop alone" in refused.err, refused
    assert cluster.as_user(olga, "nodes").status == 1
    assert cluster.as_user(olga, "status").status == 0


def test_what_is_open_ends_when_its_user_is_removed(cluster: WithUsers) -> None:
    oscar = cluster.user("oscar", "operator")
    begun = [
        cluster.start("services", "--config", str(oscar), "--watch", "-o", "json"),
        cluster.start("logs", "--config", str(oscar), "-f", "web"),
        cluster.start("exec", "--config", str(oscar), "web.1", "--", "sh", "-c", "echo begun; sleep 100"),
    ]
    for process in begun:
        assert process.stdout is not None
        assert process.stdout.readline()
    cluster.ok("user", "rm", "oscar")
    for process in begun:
        _, said = process.communicate(timeout=20)
        assert process.returncode != 0, said
    assert "nobody here is known by that" in cluster.as_user(oscar, "services").err


def test_rotated_credentials_count_at_once_at_every_manager(cluster: WithUsers) -> None:
    ines = cluster.user("ines", "viewer")
    before = json.loads(ines.read_text())["token"]
    cluster.ok("user", "rotate", "ines", "--file", str(ines))
    assert json.loads(ines.read_text())["token"] != before
    for manager in cluster.managers:
        assert cluster.as_user(ines, "user", "self", "--manager", cluster.at(manager)).status == 0


def test_a_certificate_in_the_client_file_is_shown_and_ends_with_the_credentials(cluster: WithUsers) -> None:
    carl = cluster.user("carl", "viewer")
    assert cluster.as_user(carl, "user", "self", "--certify", str(carl)).status == 0
    content = json.loads(carl.read_text())
    assert "BEGIN CERTIFICATE" in content["identity"]
    carl.write_text(json.dumps({**content, "token": "okube-of-nobody"}))
    for manager in cluster.managers:
        told = cluster.as_user(carl, "user", "self", "-o", "json", "--manager", cluster.at(manager))
        assert told.json["name"] == "carl", told
    assert cluster.as_user(carl, "scale", "web=2").status == 1
    cluster.ok("user", "rotate", "carl", "--file", str(cluster.folder / "another.okube"))
    refused = cluster.as_user(carl, "services")
    assert refused.status == 1
    assert "there are newer ones" in refused.err


def test_each_write_is_in_the_audit_log_once_whichever_manager_was_asked(cluster: WithUsers) -> None:
    otto = cluster.user("otto", "operator")
    for number, manager in enumerate(cluster.managers):
        cluster.as_user(otto, "scale", f"web={1 + number % 2}", "--manager", cluster.at(manager), "--no-wait")
    told = cluster.json("audit", "--user", "otto")
    assert [record["subject"] for record in told] == ["web=1", "web=2", "web=1"], told
    assert {record["address"] for record in told} == {"127.0.0.1"}
    lines = cluster.ok("audit", "--user", "otto", "--export").out.splitlines()
    assert [json.loads(line) for line in lines] == told
