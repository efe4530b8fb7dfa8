"""``make demo``: a cluster on this machine with an example app, and where to look; a line for each step."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from okube.config import ClusterConfig, load_cluster
from okube.model.errors import OkubeError
from okube.processes.engine import EngineUnavailable, engine_problem, see_to_engine
from okube.processes.image import make_image, make_image_folder
from okube.processes.launch import okube_command
from okube.processes.packages import InstallFailed
from okube.security import ClusterFiles

__all__ = ["main"]

_CONFIG = Path("cluster.yaml")
_APP = Path("examples/demo.yaml")
_READY_S = 60.0
_POLL_S = 0.2


class DemoFailed(OkubeError):
    """A step of the demo did not come about."""

    kind = "demo-failed"


def main() -> int:
    """Run the demo in the current directory; returns the exit status."""
    try:
        config = load_cluster(_CONFIG)
        with _step("container runtime") as tell:
            tell(_see_to_runtime(config))
        with _step("okube up -d") as tell:
            tell(_summary(_okube("up", "-d")))
        with _step("cluster ready") as tell:
            tell(_wait_ready(config))
        with _step("the example's image") as tell:
            tell(_see_to_image(config))
        with _step(f"okube apply -f {_APP}") as tell:
            _okube("apply", "-f", str(_APP))
            tell("all tasks are ready")
        for command in ("status", "ps"):
            _say(f"\n$ okube {command}\n{_okube(command)}")
        _say(_where_to_look(config))
    except OkubeError as error:
        sys.stderr.write(f"make demo: {error}\n")
        return 1
    return 0


def _see_to_runtime(config: ClusterConfig) -> str:
    if config.runtime == "process":
        return "processes of this machine, as cluster.yaml asks for"
    try:
        return see_to_engine(config.docker.host, config.data_dir)
    except (EngineUnavailable, InstallFailed) as error:
        if config.runtime == "docker":
            raise
        return f"processes of this machine, without isolation, for there is no engine. {error}"


def _see_to_image(config: ClusterConfig) -> str:
    """Both kinds: each worker decided for itself, once, which runtime it has."""
    for worker in config.workers:
        make_image_folder(ClusterFiles(config.data_dir).process(worker.name).state / "images")
    if config.runtime == "process" or engine_problem(config.docker.host) is not None:
        return "two programs, for the process runtime"
    return make_image(config.docker.host)


def _summary(shown: str) -> str:
    lines = shown.splitlines()
    counts = {what: sum(what in line for line in lines) for what in ("started", "runs already")}
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _wait_ready(config: ClusterConfig) -> str:
    deadline = time.monotonic() + _READY_S
    while True:
        status = json.loads(_okube("status", "-o", "json"))
        managers = [m for m in status["managers"] if m["state"] == "ready"]
        nodes = status["nodes"].get("ready", 0)
        if status["quorum"] and len(managers) == len(config.managers) and nodes == len(config.workers):
            return f"{len(managers)} managers and {nodes} nodes; {status['leader']} leads"
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"After {_READY_S:.0f} s {len(managers)} of {len(config.managers)} managers and {nodes} of "
                f"{len(config.workers)} nodes are ready: see the logs in {config.data_dir}/*/log."
            )
        time.sleep(_POLL_S)


def _where_to_look(config: ClusterConfig) -> str:
    tasks = json.loads(_okube("ps", "-o", "json"))
    hosts = {worker.name: worker.host for worker in config.workers}
    pages = [
        f"http://{hosts[task['node']]}:{port['host']}/"
        for task in tasks
        if task["service"] == "demo-web" and task["state"] == "running" and task["node"] in hosts
        for port in task["ports"]
        if port["host"]
    ]
    lines = [
        "Where to look:",
        *(f"  {page}" for page in pages[:3]),
        f"  export PATH={Path(okube_command()[0]).parent}:$PATH   for the commands:",
        "  okube logs demo-counter; okube scale demo-web=6; okube drain w1; okube inspect service demo-web",
    ]
    if config.runtime != "process" and engine_problem(config.docker.host) is None:
        lines.append("  docker ps   shows the containers")
    lines.append("'make down' ends it and keeps the data; 'okube down --purge' removes that too.")
    return "\n".join(lines)


def _okube(*arguments: str) -> str:
    """What the command prints; the demo does nothing that a person cannot type."""
    command = [*okube_command(), *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoFailed(
            f"'okube {' '.join(arguments)}' ended with exit status {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done.stdout


@contextmanager
def _step(title: str) -> Iterator[Callable[[str], None]]:
    begin = time.monotonic()
    told: list[str] = []
    sys.stdout.write(f"==> {title:<36}")
    sys.stdout.flush()
    try:
        yield told.append
    except OkubeError:
        _say(f" {time.monotonic() - begin:6.1f} s  FAILED")
        raise
    _say(f" {time.monotonic() - begin:6.1f} s  {' '.join(told)}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
