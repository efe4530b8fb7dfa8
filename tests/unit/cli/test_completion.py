import shutil
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from click.testing import Result

from tests.unit.cli.cluster import Cluster, a_node, a_service, a_task
from tests.unit.client.playing import Hanging

Okube = Callable[..., Result]


@pytest.fixture
def named(okube: Okube, cluster: Cluster) -> Okube:
    """Runs a line up to the Tab key."""
    cluster.add(a_service("web", app="shop"), a_task("web.1"))
    cluster.add(a_service("worker"), a_task("worker.1"))
    cluster.nodes = {"w1": a_node("w1"), "x9": a_node("x9")}

    def press_tab(*words: str) -> list[str]:
        line = " ".join(["okube", *words])
        result = okube(COMP_WORDS=line, COMP_CWORD=str(len(words)), _OKUBE_COMPLETE="bash_complete")
        assert result.stderr == ""
        return [text.partition(",")[2] for text in result.stdout.split()]

    return press_tab  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["sta"], ["status", "start"]),
        (["restart", "w"], ["web", "worker"]),
        (["restart", "web", "w"], ["worker"]),
        (["exec", "web"], ["web", "web.1"]),
        (["logs", "wor"], ["worker", "worker.1"]),
        (["scale", "we"], ["web="]),
        (["drain", ""], ["w1", "x9"]),
        (["ps", "--node", "x"], ["x9"]),
        (["rm", "--app", ""], ["shop"]),
        (["inspect", "s"], ["service"]),
        (["inspect", "node", "x"], ["x9"]),
        (["inspect", "task", "web"], ["web.1"]),
        (["ps", "--state", "r"], ["running"]),
        (["top", "--so"], ["--sort"]),
        (["wait", "web", "--for", "g"], ["gone"]),
        (["nodes", "rm", "w"], ["w1"]),
    ],
)
def test_tab_offers_commands_options_and_names(
    named: Callable[..., list[str]], words: list[str], offered: list[str]
) -> None:
    assert named(*words) == offered


def test_when_no_manager_answers_tab_offers_nothing_and_soon(
    named: Callable[..., list[str]], describe: Callable[..., object], request: pytest.FixtureRequest
) -> None:
    hanging = Hanging()
    request.addfinalizer(hanging.stop)
    describe(hanging)
    began = time.monotonic()
    assert named("restart", "w") == []
    assert time.monotonic() - began < 3


def test_without_any_cluster_tab_is_quiet(home: object) -> None:
    script = "from okube.cli.main import main; main()"
    env = {"COMP_WORDS": "okube rm ", "COMP_CWORD": "2", "_OKUBE_COMPLETE": "bash_complete", "HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(okube: Okube, shell: str) -> None:
    result = okube("completion", shell)
    assert result.exit_code == 0
    assert "_OKUBE_COMPLETE" in result.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=result.stdout, text=True, check=True)


def test_bash_completes_by_the_script(okube: Okube, cluster: Cluster, named: object) -> None:
    script = okube("completion", "bash").stdout
    lines = [
        f'okube() {{ "{sys.executable}" -m okube.cli.main "$@"; }}',
        script.replace("$1)", f'"{sys.executable}" -m okube.cli.main)'),
        "COMP_WORDS=(okube drain w); COMP_CWORD=2; _okube_completion okube; echo ${COMPREPLY[@]}",
    ]
    done = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout == "w1\n"
