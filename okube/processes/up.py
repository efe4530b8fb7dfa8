"""``okube up``: starts what is missing of cluster.yaml on this machine, and touches nothing else."""

import contextlib
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from okube.config import ClusterConfig, load_cluster
from okube.manager.settings import ManagerSettings
from okube.model.errors import Conflict, OkubeError
from okube.processes.end import end
from okube.processes.engine_record import EngineRecord
from okube.processes.follow import follow
from okube.processes.here import is_here
from okube.processes.launch import Launch, Started, StartFailed, launch, let_go, okube_command, wait_alive
from okube.processes.lock import one_at_a_time, running_as, runs_in
from okube.processes.places import Place, launch_of, places, refuse_half_restored
from okube.processes.seed import Bootstrap, Sown, sow
from okube.security import ClusterFiles
from okube.security.private import ensure_folder

__all__ = ["bootstrap_first", "refuse_first_elsewhere", "up"]

Echo = Callable[[str], None]
_ALIVE_S = 60.0
_END_GRACE_S = 10.0


def up(
    config_path: Path,
    detach: bool,
    echo: Echo,
    *,
    command: Sequence[str] | None = None,
    bootstrap: Bootstrap | None = None,
) -> None:
    """Make the cluster's files if they are not there, and start each of its processes here that does not run.

    Args:
        config_path: cluster.yaml.
        detach: return when all answer; otherwise show their logs, and end what was started on Ctrl-C or SIGTERM.
        echo: told a line for each process, and in the foreground each line of their logs.
        command: what to start instead of this Okube; called with ``manager --name N --config F`` or ``worker …``.
        bootstrap: how a new manager's first Raft state is written, if not as Okube does it.

    Raises:
        OkubeError: cluster.yaml is wrong, or the data directory is another cluster's or damaged: nothing was started.
        StartFailed: some process cannot be started, and why; the others run.
    """
    config_path = config_path.absolute()
    config = load_cluster(config_path)
    refuse_first_elsewhere(config)
    started: list[Started] = []
    with _ended_on_interrupt(started, detach, echo):
        with one_at_a_time(ensure_folder(config.data_dir) / "up.lock", what=f"cluster {config.cluster}"):
            refuse_half_restored(config.data_dir)
            _see_to_own_engine(config, echo)
            sown = sow(config, bootstrap=bootstrap or bootstrap_first, rng=random.SystemRandom(), now_ms=_now_ms())
            command = (*(command or okube_command()),)
            launching = partial(
                launch_of, config=config, config_path=config_path, cluster_id=sown.seed.cluster_id, command=command
            )
            problems = _start_missing(config, sown, launching, started, echo)
        if detach:
            for one in started:
                let_go(one.process)
        else:
            follow(started, echo)
    if problems:
        raise StartFailed("\n".join(problems))


def refuse_first_elsewhere(config: ClusterConfig) -> None:
    """Only one machine makes the cluster, for two would make two; it is the one of the first manager."""
    first = config.managers[0]
    if ClusterFiles(config.data_dir).seed.exists() or is_here(first.host):
        return
    raise Conflict(
        f"The cluster {config.cluster} is made on the machine of its first manager, {first.name} ({first.host}), and "
        f"this is another: run 'okube up' there, then copy cluster.json and the folders of this machine's processes "
        f"from its data_dir to {config.data_dir}. Nothing is started."
    )


def _see_to_own_engine(config: ClusterConfig, echo: Echo) -> None:
    """Where ``make demo`` started the engine, ``down`` ended it with the rest; any other is its owner's business."""
    if config.runtime == "process" or not EngineRecord(config.data_dir).was_started:
        return
    from okube.processes.engine import start_again

    try:
        started = start_again(config.docker.host, config.data_dir)
    except OkubeError as error:
        started = f"{error} Workers start nevertheless, and wait for it."
    if started:
        echo(f"note: {started}")


def _start_missing(
    config: ClusterConfig,
    sown: Sown,
    launching: Callable[[Place], Launch],
    started: list[Started],
    echo: Echo,
) -> list[str]:
    """Start and wait; returns what is wrong. ``started`` grows at once, so that an interruption finds all of it."""
    problems: list[str] = []
    for sentence in (*config.warnings, *sown.differences):
        echo(f"note: {sentence}")
    here = {place.name: place for place in places(config, sown.seed)}
    for place in here.values():
        running = runs_in(ClusterFiles(config.data_dir).process(place.name))
        if not place.is_here:  # nor is it a problem here that its folder is where it runs
            echo(place.line("on another machine, not started here"))
        elif place.name in sown.unusable:
            problems.append(sown.unusable[place.name])
            echo(place.line("not started"))
        elif running:
            echo(place.line(f"runs already (pid {running.pid})"))
        else:
            try:
                started.append(launch(launching(place)))
            except StartFailed as error:
                problems.append(str(error))
                echo(place.line("failed"))

    def say(one: Started, problem: str | None) -> None:
        if problem is not None:
            problems.append(problem)
        echo(here[one.launch.name].line("failed" if problem else f"started (pid {one.process.pid})"))

    wait_alive(started, timeout_s=_ALIVE_S, say=say)
    return problems


@contextlib.contextmanager
def _ended_on_interrupt(started: list[Started], detach: bool, echo: Echo) -> Iterator[None]:
    """End what was started when Ctrl-C or SIGTERM comes; detached, only what comes before all of it answers."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        echo("Ending what was started here; containers go on until 'okube down'.")
        end([running_as(one.process.pid) for one in started if one.process.poll() is None], grace_s=_END_GRACE_S)
        if detach:
            raise
    finally:
        signal.signal(signal.SIGTERM, before)


def bootstrap_first(settings: ManagerSettings) -> None:
    """Write the first Raft state of a manager that the cluster begins with."""
    from okube.manager.main import bootstrap

    bootstrap(settings)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
