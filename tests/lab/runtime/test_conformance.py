"""What every runtime does; each test runs on a real Docker Engine and on real processes."""

import asyncio
import contextlib
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from okube.model.spec import Port, Stop, Volume
from okube.worker.runtime.base import Runtime, RuntimeFailure
from okube.worker.runtime.purge import remove_containers
from tests.lab.runtime.site import Site, end_of, ended, lines_of, running, until

FOREVER = "while true; do sleep 0.05; done"


async def test_creating_twice_makes_one_container(site: Site, runtime: Runtime) -> None:
    task = site.task("true")
    first = await runtime.create(task)
    assert await runtime.create(task) == first
    assert first.state == "created"
    assert await runtime.list() == [first]


async def test_starting_twice_starts_once(site: Site, runtime: Runtime) -> None:
    task = site.task(f"echo started; {FOREVER}")
    first = await running(runtime, task)
    second = await runtime.run(first.id)
    assert second == first
    assert first.state == "running"


@pytest.mark.parametrize("code", [0, 3])
async def test_the_exit_code_is_told(site: Site, runtime: Runtime, code: int) -> None:
    before_ms = time.time_ns() // 1_000_000
    container = await ended(runtime, site.task(f"exit {code}"))
    assert (container.state, container.exit_code, container.oom_killed) == ("exited", code, False)
    assert container.started_ms is not None
    assert container.ended_ms is not None
    assert before_ms <= container.started_ms <= container.ended_ms <= time.time_ns() // 1_000_000
    assert await runtime.list() == [container]


async def test_death_by_a_signal_is_told_as_128_and_its_number(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(FOREVER))
    await runtime.stop(container.id, signal="SIGKILL", grace_s=10)
    assert (await end_of(runtime, container.id)).exit_code == 128 + 9


async def test_stop_lets_a_task_end_by_itself(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(f"trap 'echo bye; exit 7' TERM; echo ready; {FOREVER}"))
    await _until_line(runtime, container.id, "ready")
    await runtime.stop(container.id, signal="SIGTERM", grace_s=20)
    stopped = await runtime.inspect(container.id)
    assert stopped is not None
    assert (stopped.state, stopped.exit_code) == ("exited", 7)
    output = await lines_of(runtime, container.id)
    assert [line.text for line in output if line.stream == "stdout"] == ["ready", "bye"]


async def test_stop_sends_the_signal_that_is_asked_for(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(f"trap 'exit 9' USR1; echo ready; {FOREVER}"))
    await _until_line(runtime, container.id, "ready")
    await runtime.stop(container.id, signal="SIGUSR1", grace_s=20)
    assert (await end_of(runtime, container.id)).exit_code == 9


async def test_a_task_that_ignores_its_stop_signal_is_killed_after_the_grace(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(f"trap 'echo no' TERM; echo ready; {FOREVER}"))
    await _until_line(runtime, container.id, "ready")
    await runtime.stop(container.id, signal="SIGTERM", grace_s=0.5)
    stopped = await runtime.inspect(container.id)
    assert stopped is not None
    assert (stopped.state, stopped.exit_code) == ("exited", 128 + 9)
    assert "no" in [line.text for line in await lines_of(runtime, container.id)]


async def test_stopping_what_has_ended_or_is_gone_is_no_error(site: Site, runtime: Runtime) -> None:
    container = await ended(runtime, site.task("exit 0"))
    await runtime.stop(container.id, signal="SIGTERM", grace_s=1)
    assert await runtime.inspect(container.id) == container
    await runtime.remove(container.id)
    await runtime.stop(container.id, signal="SIGTERM", grace_s=1)


async def test_the_stop_signal_is_remembered(site: Site, runtime: Runtime) -> None:
    container = await runtime.create(site.task("true", stop=Stop("SIGINT", 3)))
    assert [container.stop_signal, *(c.stop_signal for c in await runtime.list())] == ["SIGINT", "SIGINT"]


async def test_the_same_container_starts_again(site: Site, runtime: Runtime) -> None:
    first = await ended(runtime, site.task("echo once >> count; test $(wc -l < count) -gt 1 && sleep 1000; exit 5"))
    again = await runtime.run(first.id)
    assert (again.id, again.state, again.exit_code, again.ended_ms) == (first.id, "running", None, None)
    assert again.started_ms is not None
    assert first.ended_ms is not None
    assert again.started_ms >= first.ended_ms


async def test_running_what_is_gone_fails_with_a_sentence(site: Site, runtime: Runtime) -> None:
    container = await runtime.create(site.task("true"))
    await runtime.remove(container.id)
    with pytest.raises(RuntimeFailure, match="is gone from node w1") as failure:
        await runtime.run(container.id)
    assert failure.value.reason == "start-failed"


async def test_removing_is_idempotent_and_ends_what_runs(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(f"echo hello; {FOREVER}"))
    await runtime.remove(container.id)
    await runtime.remove(container.id)
    assert await runtime.inspect(container.id) is None
    assert await runtime.list() == []
    assert await lines_of(runtime, container.id, follow=True) == []


# Output.


async def test_both_streams_are_kept_after_the_end(site: Site, runtime: Runtime) -> None:
    before_ms = time.time_ns() // 1_000_000
    container = await ended(runtime, site.task("echo out; echo err >&2; printf 'no end of line'"))
    lines = await lines_of(runtime, container.id)
    assert sorted((line.stream, line.text) for line in lines) == [
        ("stderr", "err"),
        ("stdout", "no end of line"),
        ("stdout", "out"),
    ]
    assert all(before_ms <= line.time_ms <= time.time_ns() // 1_000_000 for line in lines)


@pytest.mark.parametrize("tail", [0, 1, 3, 10, 100])
async def test_tail_gives_the_last_lines(site: Site, runtime: Runtime, tail: int) -> None:
    container = await ended(runtime, site.task("for n in 1 2 3 4 5 6 7 8 9 10; do echo line $n; done"))
    texts = [line.text for line in await lines_of(runtime, container.id, tail=tail)]
    assert texts == [f"line {n}" for n in range(1, 11)][max(0, 10 - tail) :]


async def test_since_leaves_out_older_lines(site: Site, runtime: Runtime) -> None:
    container = await ended(runtime, site.task("echo old; sleep 0.3; echo new"))
    old, new = await lines_of(runtime, container.id)
    assert await lines_of(runtime, container.id, since_ms=(old.time_ms + new.time_ms) // 2) == [new]
    assert await lines_of(runtime, container.id, since_ms=new.time_ms + 1000) == []


async def test_following_sees_lines_as_they_come_and_ends_with_the_container(site: Site, runtime: Runtime) -> None:
    script = "echo first; while [ ! -e go ]; do sleep 0.05; done; echo last"
    volume = (Volume("signals", "/signals"),)
    script = script.replace("go", site.inside("/signals/go"))
    container = await running(runtime, site.task(script, volumes=volume))
    seen = []
    async with asyncio.timeout(60):
        async for line in runtime.logs(container.id, follow=True, tail=None, since_ms=None):
            seen.append(line.text)
            if line.text == "first":
                await ended(runtime, site.task(f"touch {site.inside('/signals/go')}", volumes=volume))
    assert seen == ["first", "last"]
    assert (await end_of(runtime, container.id)).exit_code == 0


async def test_a_follower_that_leaves_costs_nothing_more(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(f"echo here; {FOREVER}"))
    followers = [asyncio.create_task(lines_of(runtime, container.id, follow=True)) for _ in range(20)]
    await _until_line(runtime, container.id, "here")
    for follower in followers:
        follower.cancel()
    await asyncio.gather(*followers, return_exceptions=True)
    assert (await runtime.inspect(container.id)) == container


async def test_long_lines_come_whole_up_to_64_kib(site: Site, runtime: Runtime) -> None:
    script = "head -c 60000 /dev/zero | tr '\\0' x; echo; head -c 70000 /dev/zero | tr '\\0' y; echo; echo end"
    container = await ended(runtime, site.task(script))
    texts = [line.text for line in await lines_of(runtime, container.id)]
    assert texts == ["x" * 60000, "y" * 65536, "y" * (70000 - 65536), "end"]


async def test_much_output_comes_whole_and_in_order(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task("n=0; while [ $n -lt 5000 ]; do echo $n; n=$((n+1)); done"))
    followed = await lines_of(runtime, container.id, follow=True)
    assert [line.text for line in followed] == [str(n) for n in range(5000)]
    assert await lines_of(runtime, container.id) == followed
    assert await lines_of(runtime, container.id, tail=1234) == followed[-1234:]


async def test_a_container_that_never_ran_has_no_output(site: Site, runtime: Runtime) -> None:
    container = await runtime.create(site.task("echo hello"))
    assert await lines_of(runtime, container.id, follow=True) == []


# Environment, ports, volumes.


async def test_the_environment_is_the_services_own(
    site: Site, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_AGENT", "secret")
    task = site.task("env", env={"MODE": "live", "TEXT": "a b  c=d\n'quoted' $HOME", "EMPTY": ""})
    container = await ended(runtime, task)
    output = "\n".join(line.text for line in await lines_of(runtime, container.id))
    assert "MODE=live\n" in output
    assert "TEXT=a b  c=d\n'quoted' $HOME" in output
    assert "EMPTY=\n" in output
    assert f"OKUBE_TASK={task.id}" in output
    assert "OF_THE_AGENT" not in output


async def test_a_port_is_reachable_over_loopback(site: Site, runtime: Runtime) -> None:
    port = _free_port()
    script = f"mkdir -p www; echo hello > www/index.html; exec busybox httpd -f -p {site.listening(80)} -h www"
    await running(runtime, site.task(script, ports=(Port(80, 0),), host_ports=(port,)))
    answers: list[bytes] = []

    def ask() -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            answers.append(answer.read())
        return bool(answers)

    await until(lambda: asyncio.to_thread(ask), f"port {port} answers")
    assert answers == [b"hello\n"]


async def test_a_port_of_another_program_is_a_conflict(site: Site, runtime: Runtime) -> None:
    with socket.create_server(("", 0)) as other:
        port: int = other.getsockname()[1]
        with pytest.raises(RuntimeFailure, match=f"host port {port} is taken on node w1") as failure:
            await running(runtime, site.task(FOREVER, ports=(Port(80, port),), host_ports=(port,)))
    assert failure.value.reason == "port-conflict"
    (container,) = await runtime.list()
    assert container.state == "created"
    assert (await runtime.run(container.id)).state == "running"  # once the port is free


async def test_a_port_of_another_task_is_a_conflict_until_that_ends(site: Site, runtime: Runtime) -> None:
    port = _free_port()
    first = await running(runtime, site.task(FOREVER, ports=(Port(80, port),), host_ports=(port,)))
    second = site.task(FOREVER, ports=(Port(81, port),), host_ports=(port,))
    with pytest.raises(RuntimeFailure, match=f"host port {port} is taken"):
        await running(runtime, second)
    await runtime.stop(first.id, signal="SIGKILL", grace_s=5)
    assert (await running(runtime, second)).state == "running"


async def test_the_same_port_serves_tcp_and_udp(site: Site, runtime: Runtime) -> None:
    port = _free_port()
    first = site.task(FOREVER, ports=(Port(53, port, "tcp"),), host_ports=(port,))
    second = site.task(FOREVER, ports=(Port(53, port, "udp"),), host_ports=(port,))
    assert (await running(runtime, first)).state == "running"
    assert (await running(runtime, second)).state == "running"


async def test_a_named_volume_outlives_its_task(site: Site, runtime: Runtime) -> None:
    data = (Volume("data", "/var/lib/data"),)
    place = site.inside("/var/lib/data/file")
    first = await ended(runtime, site.task(f"echo kept > {place}", volumes=data))
    await runtime.remove(first.id)
    second = await ended(runtime, site.task(f"cat {place}", volumes=data))
    assert [line.text for line in await lines_of(runtime, second.id)] == ["kept"]


async def test_a_path_of_the_node_is_a_volume(site: Site, runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    volumes = (Volume(str(tmp_path / "site"), "/srv"),)
    container = await ended(runtime, site.task(f"echo written > {site.inside('/srv/file')}", volumes=volumes))
    await runtime.remove(container.id)
    assert (tmp_path / "site" / "file").read_text() == "written\n"


async def test_a_missing_path_is_told_before_anything_is_made(site: Site, runtime: Runtime, tmp_path: Path) -> None:
    task = site.task("true", volumes=(Volume(str(tmp_path / "absent"), "/srv"),))
    for step in (runtime.prepare, runtime.create):
        with pytest.raises(RuntimeFailure, match="absent is not on node w1; make it there") as failure:
            await step(task)
        assert failure.value.reason == "volume-missing"
    assert await runtime.list() == []


# What cannot start.


async def test_a_missing_command_is_named(site: Site, runtime: Runtime) -> None:
    with pytest.raises(RuntimeFailure, match=f'^command "nosuch" is not in image {site.image}; ') as failure:
        await running(runtime, site.command_task("nosuch", "--port", "80"))
    assert failure.value.reason == "start-failed"
    (container,) = await runtime.list()
    assert (container.state, container.exit_code) == ("created", None)
    assert "nosuch" in container.error


async def test_a_file_that_is_no_program_is_named(site: Site, runtime: Runtime) -> None:
    with pytest.raises(
        RuntimeFailure, match=r'^command "/etc/passwd" in image .* is not an executable file'
    ) as failure:
        await running(runtime, site.command_task("/etc/passwd"))
    assert failure.value.reason == "start-failed"


async def test_no_command_at_all_is_told(site: Site, runtime: Runtime) -> None:
    with pytest.raises(RuntimeFailure, match="has no command of its own; give the service a command") as failure:
        await running(runtime, site.command_task())
    assert failure.value.reason == "start-failed"


async def test_an_unknown_stop_signal_is_told_before_anything_is_made(site: Site, runtime: Runtime) -> None:
    with pytest.raises(RuntimeFailure, match="SIGNOSUCH, which is no signal") as failure:
        await runtime.prepare(site.task("true", stop=Stop("SIGNOSUCH", 1)))
    assert failure.value.reason == "start-failed"


async def test_an_image_that_cannot_be_had_is_told(site: Site, runtime: Runtime) -> None:
    task = site.task("true", image="127.0.0.1:1/nosuch:1")  # where no registry listens
    with pytest.raises(RuntimeFailure, match=r"^image 127.0.0.1:1/nosuch:1 .* node w1: .*; ") as failure:
        await runtime.prepare(task)
    assert failure.value.reason == "image-pull"
    with pytest.raises(RuntimeFailure, match=r"image 127.0.0.1:1/nosuch:1 is ") as later:
        await runtime.create(task)
    assert later.value.reason == "image-pull"


# Who sees what.


async def test_another_agent_of_the_node_adopts_what_runs(site: Site, runtime: Runtime) -> None:
    alive = await running(runtime, site.task(f"echo hello; trap 'exit 4' TERM; {FOREVER}"))
    done = await ended(runtime, site.task("exit 6"))
    await runtime.close()
    successor = await site.runtime()
    assert sorted(await successor.list(), key=lambda c: c.id) == sorted([alive, done], key=lambda c: c.id)
    await _until_line(successor, alive.id, "hello")
    changes = successor.changes()
    await successor.stop(alive.id, signal="SIGTERM", grace_s=20)
    async with asyncio.timeout(30):
        assert await anext(changes) == alive.task_id
    assert (await end_of(successor, alive.id)).exit_code == 4


async def test_other_clusters_and_nodes_are_neither_seen_nor_touched(site: Site, runtime: Runtime) -> None:
    others = [await site.runtime(node="w2"), await site.runtime(cluster_id="f" * 32)]
    for other in others:
        theirs = await running(other, site.task(FOREVER))
        assert await runtime.list() == []
        assert await runtime.inspect(theirs.id) is None
        assert await lines_of(runtime, theirs.id) == []
        await runtime.stop(theirs.id, signal="SIGKILL", grace_s=0)
        await runtime.remove(theirs.id)
        assert await other.list() == [theirs]


async def test_an_end_is_told(site: Site, runtime: Runtime) -> None:
    container = await running(runtime, site.task(f"sleep 0.2; exit 1; {FOREVER}"))
    changes = runtime.changes()
    async with asyncio.timeout(30):
        while (await runtime.inspect(container.id)) == container:
            assert await anext(changes) == container.task_id


async def test_changes_end_when_the_runtime_is_closed(site: Site, runtime: Runtime) -> None:
    changes = runtime.changes()
    await runtime.close()
    async with asyncio.timeout(30):
        assert [task_id async for task_id in changes] == []


async def test_everything_of_a_node_can_be_removed_at_once(site: Site, runtime: Runtime) -> None:
    other = await site.runtime(node="w2")
    theirs = await running(other, site.task(FOREVER))
    for _ in range(4):
        await running(runtime, site.task(FOREVER))
    await ended(runtime, site.task("exit 0"))
    assert await remove_containers(runtime, grace_s=0.2) == 5
    assert await runtime.list() == []
    assert await other.list() == [theirs]


async def _until_line(runtime: Runtime, container_id: str, text: str) -> None:
    async def is_there() -> bool:
        return text in [line.text for line in await lines_of(runtime, container_id)]

    await until(is_there, f"{text!r} is in the log")


def _free_port() -> int:
    with socket.create_server(("", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
