import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from okube.cli.main import cli
from tests.unit.cli.cluster import Cluster
from tests.unit.client.playing import Behaviour, Certificates, Manager

Okube = Callable[..., Result]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("cluster"))


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and working directory, and no variables of Okube."""
    for name in [n for n in os.environ if n.startswith("OKUBE_") or n == "XDG_CACHE_HOME"]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def play(certificates: Certificates) -> Iterator[Callable[[Behaviour], Manager]]:
    with ExitStack() as stack:

        def start(behave: Behaviour) -> Manager:
            manager = Manager(certificates, behave).start()
            stack.callback(manager.stop)
            return manager

        yield start


@pytest.fixture
def manager(cluster: Cluster, play: Callable[[Behaviour], Manager]) -> Manager:
    return play(cluster)


@pytest.fixture
def describe(home: Path, certificates: Certificates) -> Callable[..., Path]:
    """Writes a cluster.yaml that names managers, with the admin's credentials beside it."""

    def write(*managers: Manager) -> Path:
        ports = [m.address.port for m in managers]
        lines = [f"  - {{name: m{n}, host: 127.0.0.1, port: {port}}}" for n, port in enumerate(ports, 1)]
        file = home / "cluster.yaml"
        file.write_text("\n".join(["cluster: lab", "data_dir: .data", "managers:", *lines, ""]))
        shutil.copytree(certificates.admin, home / ".data" / "admin", dirs_exist_ok=True)
        return file

    return write


@pytest.fixture
def okube(describe: Callable[..., Path], manager: Manager) -> Okube:
    """Runs a command line against the cluster."""
    describe(manager)
    return run_okube


def run_okube(*args: str, stdin: str | None = None, **env: Any) -> Result:
    result = CliRunner().invoke(cli, list(args), input=stdin, env=env)
    assert "Traceback" not in result.stderr
    return result
