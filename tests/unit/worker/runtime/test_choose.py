from pathlib import Path

import pytest

from okube.model.errors import InvalidInput
from okube.worker.runtime.choose import choose_runtime, kept_choice
from okube.worker.settings import WorkerSettings


def settings(folder: Path, runtime: str = "auto") -> WorkerSettings:
    return WorkerSettings(
        cluster_id="c" * 32,
        name="w1",
        instance="i1",
        directory=folder,
        host="127.0.0.1",
        port=0,
        address="127.0.0.1:1",
        managers=(),
        runtime=runtime,
        docker_host=f"unix://{folder}/no-docker.sock",
    )


@pytest.mark.parametrize("kind", ["docker", "process"])
async def test_what_settings_ask_for_is_taken(tmp_path: Path, kind: str) -> None:
    runtime = await choose_runtime(settings(tmp_path, kind))
    await runtime.close()
    assert runtime.name == kind
    assert kept_choice(tmp_path / "state") == kind


async def test_auto_takes_processes_where_no_engine_answers(tmp_path: Path) -> None:
    runtime = await choose_runtime(settings(tmp_path))
    await runtime.close()
    assert runtime.name == "process"


async def test_auto_keeps_what_was_decided_at_first(tmp_path: Path) -> None:
    await (await choose_runtime(settings(tmp_path, "docker"))).close()
    runtime = await choose_runtime(settings(tmp_path))  # no engine answers now
    await runtime.close()
    assert runtime.name == "docker"


async def test_settings_win_over_what_was_decided(tmp_path: Path) -> None:
    await (await choose_runtime(settings(tmp_path))).close()
    runtime = await choose_runtime(settings(tmp_path, "docker"))
    await runtime.close()
    assert runtime.name == "docker"


async def test_an_unknown_runtime_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="'podman' is no runtime: docker, process or auto"):
        await choose_runtime(settings(tmp_path, "podman"))


def test_a_damaged_choice_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "runtime").write_text("???")
    assert kept_choice(tmp_path) is None
