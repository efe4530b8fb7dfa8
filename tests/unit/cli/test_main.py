import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from okube.cli.main import ENTRIES, cli
from okube.cli.overview import in_a_line
from tests.unit.cli.cluster import Cluster, a_service, a_task
from tests.unit.cli.typist import Typist
from tests.unit.client.playing import Manager, Reply, no_leader, nobody, problem

Okube = Callable[..., Result]

SLOW = ("asyncio", "difflib", "email", "http", "random", "secrets", "stringprep", "tempfile")
HEAVY = ("aiohttp", "numpy", "docker", "cryptography", "psutil", "rich", "prometheus_client", "pysyncobj", "asyncssh")


@pytest.mark.parametrize("name", ENTRIES)
def test_every_command_has_help_with_examples_on_one_screen(home: Path, name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert "Examples:\n" in result.stdout
    assert f"  okube {name}" in result.stdout
    lines = result.stdout.splitlines()
    assert len(lines) <= {"run": 30, "cluster": 28, "nodes": 27}.get(name, 24)
    assert max(map(len, lines)) <= 80


def test_the_help_lists_every_command(home: Path) -> None:
    shown = CliRunner().invoke(cli, ["--help"]).stdout
    for name, entry in ENTRIES.items():
        assert entry.alias or entry.hidden or f"  {name} " in shown or f" {name}" in in_a_line(ENTRIES, entry.section)
    assert len(shown.splitlines()) <= 23, "a prompt comes below"
    assert max(map(len, shown.splitlines())) <= 80
    beside = [line for line in shown.splitlines() if sum(f"  {name} " in line for name in ENTRIES) == 2]
    assert beside and all(line[38:42] == "    " and line[42] != " " for line in beside), "the columns are straight"


@pytest.mark.parametrize("group", [[], ["cluster"], ["snapshot"], ["units"]])
def test_a_group_without_a_command_shows_its_help_and_is_no_error(home: Path, group: list[str]) -> None:
    alone = CliRunner().invoke(cli, group)
    assert (alone.exit_code, alone.stderr) == (0, "")
    assert alone.stdout == CliRunner().invoke(cli, [*group, "--help"]).stdout


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["pss"], "did you mean `okube ps`?"),
        (["taks"], "did you mean `okube tasks`?"),
        (["delete", "web"], "did you mean `okube rm`?"),
        (["describe", "web"], "did you mean `okube inspect`?"),
        (["nodes", "remove", "w1"], "did you mean `okube nodes rm`?"),
        (["xyzzy"], "`okube --help` lists them"),
        (["run", "--imgae", "x"], "--image"),
        (["run", "--image", "x", "--replica", "3"], "--replicas"),
        (["inspect", "servce", "web"], "did you mean service?"),
        (["ps", "-o", "jsn"], "did you mean json?"),
        (["ps", "--state", "runing"], "did you mean running?"),
        (["run"], "--image"),
        (["scale", "web"], "write SERVICE=N"),
        (["scale", "web=-1"], "write SERVICE=N"),
        (["scale", "web=1", "web=2"], "web is named twice"),
        (["run", "--image", "x", "--timeout", "soon"], "write 500ms, 3s, 2m or 1h"),
        (["services", "--label", "team"], "write KEY=VALUE"),
        (["logs", "web", "--since", "soon"], "write 30s, 10m, 2h or"),
        (["--manager", "http://192.0.2.1", "ps"], "write https://192.0.2.10:7101"),
        (["--config", "/nowhere/cluster.yaml", "ps"], "there is no file /nowhere/cluster.yaml"),
    ],
)
def test_usage_that_is_wrong_is_told_with_what_would_be_right(okube: Okube, args: list[str], hint: str) -> None:
    result = okube(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("okube: ")
    assert hint in result.stderr


def test_without_any_cluster_it_says_how_to_name_one(home: Path) -> None:
    result = CliRunner().invoke(cli, ["ps"])
    assert result.exit_code == 2
    for way in ("cluster.yaml", "--config", "OKUBE_CONFIG", "--manager", "OKUBE_MANAGERS"):
        assert way in result.stderr


def test_json_is_all_that_stdout_holds(okube: Okube, cluster: Cluster) -> None:
    cluster.tasks = [a_task("web.1", message="über"), a_task("web.2", "pending")]
    assert json.loads(okube("ps", "-o", "json").stdout) == cluster.tasks
    assert json.loads(okube("-o", "json", "ps").stdout) == cluster.tasks
    assert json.loads(okube("status", "-o", "json").stdout) == cluster.status


def test_an_empty_list_is_an_empty_array_and_for_people_a_word_on_stderr(okube: Okube) -> None:
    assert okube("ps", "-o", "json").stdout == "[]\n"
    result = okube("ps")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no tasks\n")


def test_a_list_that_is_empty_since_its_filter_names_nothing_says_so(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web"))
    result = okube("ps", "wbe")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "no tasks\nokube: there is no service wbe; did you mean web?\n"
    assert okube("ps", "wbe", "-o", "json").stderr == ""


def test_a_sentence_is_wrapped_at_words_on_a_terminal(okube: Okube) -> None:
    typist = Typist("ps", "--state", "runing", columns=50)
    assert typist.ends() == 2
    assert typist.lines[:3] == [
        "okube: invalid value for '--state': 'runing' is",
        "  not one of 'pending', 'scheduled', 'running',",
        "  'completed', 'failed'; did you mean running?",
    ]
    typist.close()


def test_yaml_holds_the_same(okube: Okube, cluster: Cluster) -> None:
    import yaml

    cluster.tasks = [a_task("web.1")]
    assert yaml.safe_load(okube("ps", "-o", "yaml").stdout) == cluster.tasks


def test_what_the_cluster_refuses_is_exit_1_with_its_sentence(okube: Okube, cluster: Cluster) -> None:
    cluster.refusals["GET", "/v1/tasks"] = problem(403, "forbidden", "viewers may not do that")
    result = okube("ps")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "okube: viewers may not do that\n"


def test_no_manager_is_exit_3_with_what_was_tried(describe: Callable[..., Path], home: Path) -> None:
    class Gone:
        def __init__(self) -> None:
            self.address = nobody()

    gone = Gone()
    describe(gone)
    result = CliRunner().invoke(cli, ["ps", "-o", "json"])
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"{gone.address}: nothing listens there" in result.stderr
    assert "okube up -d" in result.stderr


def test_missing_credentials_are_not_taken_for_a_cluster_that_is_down(
    describe: Callable[..., Path], manager: Manager, home: Path
) -> None:
    describe(manager)
    shutil.rmtree(home / ".data")
    result = CliRunner().invoke(cli, ["ps"])
    assert result.exit_code == 3
    assert "there are no credentials" in result.stderr
    assert "copy that folder from there" in result.stderr
    assert "is the cluster up?" not in result.stderr


def test_no_quorum_is_exit_3_and_says_what_can_still_be_read(
    okube: Okube, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    from okube.client import api
    from okube.client.retry import Patience

    monkeypatch.setattr(api.OkubeClient.__init__, "__kwdefaults__", {**_defaults(), "reads": Patience(0.2, 0.1)})
    manager.behave = lambda _: no_leader()
    result = okube("ps")
    assert result.exit_code == 3
    assert "no quorum" in result.stderr
    assert "--stale" in result.stderr


def _defaults() -> dict[str, object]:
    from okube.client import api

    return dict(api.OkubeClient.__init__.__kwdefaults__ or {})


@pytest.mark.parametrize("data", [None, 7, "text", {"a": 1}, [None], [[1]]])
def test_garbage_answers_are_a_sentence(okube: Okube, manager: Manager, data: object) -> None:
    manager.behave = lambda _: Reply(200, data)
    for command in (["ps"], ["services"], ["nodes"], ["managers"], ["ps", "-o", "json"]):
        result = okube(*command)
        assert result.exit_code == 1
        assert "is it a manager of Okube" in result.stderr


@pytest.mark.parametrize("data", [{}, {"managers": 7, "nodes": "x", "tasks": None}, {"managers": [{}], "quorum": "x"}])
def test_a_status_of_another_version_is_shown_as_far_as_it_goes(okube: Okube, manager: Manager, data: object) -> None:
    manager.behave = lambda _: Reply(200, data)
    assert okube("status").exit_code == 0


def test_a_bug_is_one_line_that_says_where(okube: Okube, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("something\nodd")

    monkeypatch.setattr("okube.cli.listing.show_list", broken)
    result = okube("ps")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "a bug of Okube: RuntimeError at test_main.py:" in result.stderr
    assert "something odd" in result.stderr


def test_with_okube_debug_a_bug_shows_its_traceback(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("okube.cli.session.Session.client", broken)
    result = CliRunner().invoke(cli, ["ps"], env={"OKUBE_DEBUG": "1"})
    assert result.exit_code == 1
    assert "Traceback (most recent call last)" in result.stderr


def test_ps_imports_none_of_the_heavy_packages(okube: Okube, cluster: Cluster, home: Path) -> None:
    cluster.tasks = [a_task("web.1")]
    okube("ps")  # from now on cluster.yaml is known
    script = (
        "import sys\n"
        "from okube.cli.main import cli\n"
        "try:\n    cli.main(['ps'])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
        "print(*sorted(name for name in sys.modules if name.startswith('okube.')), file=sys.stderr)\n"
    )
    # Measured by coverage, a process loads far more than the program does.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert "web.1" in done.stdout
    packages, modules = (line.split() for line in done.stderr.splitlines())
    assert not set(packages) & {*HEAVY, "yaml", "wsproto", *SLOW}
    assert not [m for m in modules if m.startswith(("okube.manager", "okube.config", "okube.model.spec"))]


def test_importing_the_program_imports_no_command(home: Path) -> None:
    script = "import sys, okube.cli.main\nprint(*[m for m in sys.modules if m.startswith('okube.')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= {
        "okube.cli",
        "okube.cli.main",
        "okube.cli.lazy",
        "okube.cli.options",
        "okube.cli.session",
        "okube.cli.locate",
        "okube.cli.exits",
        "okube.model",
        "okube.model.errors",
    }


def test_output_that_nobody_reads_to_its_end_is_no_error(okube: Okube, cluster: Cluster, home: Path) -> None:
    cluster.tasks = [a_task(f"web.{n}") for n in range(1, 3000)]
    command = f"'{sys.executable}' -m okube.cli.main ps | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0"
