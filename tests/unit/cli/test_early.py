import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from okube.cli import early
from okube.security import ANY_MANAGER
from tests.unit.cli.cluster import Cluster
from tests.unit.client.playing import Manager

Okube = Callable[..., Result]
LINE = ("run", "--image", "nginx", "--name", "web", "--no-wait")


@pytest.fixture
def known(okube: Okube) -> Iterator[Okube]:
    """A home where a command has run before, so that the cluster is known."""
    assert okube("status").exit_code == 0
    yield okube
    early.forget()


def posts(manager: Manager) -> list[tuple[str | None, bytes]]:
    return [(received.key, received.body) for received in manager.received if received.method == "POST"]


def wait_for_posts(manager: Manager, count: int) -> None:
    """What is sent early is answered to nobody, so it is looked for where it arrives."""
    end = time.monotonic() + 30
    while len(posts(manager)) < count and time.monotonic() < end:
        time.sleep(0.01)


def test_the_request_arrives_twice_with_one_key_and_one_body(known: Okube, manager: Manager) -> None:
    early.send(LINE)
    wait_for_posts(manager, 1)
    assert known(*LINE).exit_code == 0
    (first, again) = posts(manager)
    assert first == again
    assert first[0]


def test_another_service_than_the_one_that_was_asked_for_has_a_key_of_its_own(known: Okube, manager: Manager) -> None:
    early.send(LINE)
    wait_for_posts(manager, 1)
    assert known("run", "--image", "nginx", "--name", "api", "--no-wait").exit_code == 0
    (first, other) = posts(manager)
    assert first[0] != other[0]


@pytest.mark.parametrize("variable", ["OKUBE_MANAGERS", "OKUBE_TOKEN"])
def test_where_somebody_says_whom_to_ask_or_who_asks_the_command_alone_asks(
    known: Okube, manager: Manager, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "127.0.0.1:9")
    early.send(LINE)
    assert posts(manager) == []
    assert early.key_of({"name": "web", "image": "nginx", "replicas": 1}) is None


def test_a_cluster_file_that_has_changed_since_is_read_by_the_command(
    known: Okube, manager: Manager, home: Path
) -> None:
    file = home / "cluster.yaml"
    file.write_text(file.read_text() + "\n")
    early.send(LINE)
    assert posts(manager) == []


def test_a_manager_that_is_gone_is_left_to_the_command(known: Okube, manager: Manager, home: Path) -> None:
    manager.stop()
    early.send(LINE)
    assert early.key_of({"name": "web", "image": "nginx", "replicas": 1}) is None


def test_in_an_empty_home_nothing_is_sent_and_nothing_goes_wrong(home: Path) -> None:
    early.send(LINE)


def test_the_name_that_certificates_must_bear_is_that_of_all_managers() -> None:
    assert early.SERVER_NAME == ANY_MANAGER


def test_the_program_begins_with_what_leaves_early_and_loads_nothing_else_for_it(cluster: Cluster) -> None:
    script = (
        "import sys, okube.cli.start, okube.cli.early\nprint(*[m for m in sys.modules if m in ('click', 'msgspec')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
