"""``okube units``: the supervisor of this machine runs its part of a cluster.yaml, instead of ``okube up``."""

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec

from okube.config import ClusterConfig, load_cluster
from okube.install.init import Init, Words, init_of, read_states
from okube.install.init.kinds import LAB_PROGRAM
from okube.install.unitplan import Found, Step, Wanted, steps_for
from okube.install.units import Process, unit_name, unit_text
from okube.model.errors import Conflict, NotFound, OkubeError
from okube.processes.end import end
from okube.processes.initial import make_cluster
from okube.processes.launch import okube_command
from okube.processes.lock import runs_in
from okube.processes.places import places
from okube.processes.seed import read_cluster
from okube.processes.settings import key_folder
from okube.security import ClusterFiles
from okube.security.private import write_public

__all__ = ["Here", "UnitsFailed", "init_here", "install_units", "remove_units", "units_text"]

Echo = Callable[[str], None]
_GRACE_S = 20.0


class UnitsFailed(OkubeError):
    """The supervisor did not do what it was told, and what it said."""

    kind = "units-failed"


class Here(msgspec.Struct, frozen=True):
    """This machine: its supervisor, where it finds units, and how a command of it is run."""

    init: Init
    folder: Path
    run: Callable[[Words], str]


def init_here() -> Here:
    """The supervisor of this machine.

    Raises:
        NotFound: it has none that is known.
    """
    kind = "lab" if shutil.which(LAB_PROGRAM) else "systemd" if Path("/run/systemd/system").is_dir() else "none"
    init = init_of(kind)
    return Here(init, Path(init.unit_folder), _run)


def units_text(config_path: Path, echo: Echo) -> None:
    """Print the units that ``install_units`` would write, each under its name; nothing is made or changed."""
    for wanted in _wanted(load_cluster(config_path.absolute()), echo):
        echo(f"# {wanted.unit}")
        echo(wanted.text)


def install_units(config_path: Path, echo: Echo, *, start: bool, here: Here | None = None) -> None:
    """Have the units of this machine's processes, run from now on and at each boot; what is as it should be stays.

    Where the cluster was not made yet, it is made as ``okube up`` does it. A process that ``okube up`` started is
    ended in order, and goes on under the supervisor.

    Args:
        config_path: cluster.yaml.
        echo: told a line for each unit.
        start: start them now too.
        here: the machine, if it is not to be found out.

    Raises:
        NotFound: this machine has no supervisor that is known, or the cluster nothing on it.
        UnitsFailed: the supervisor refuses.
        OkubeError: cluster.yaml is wrong, or the cluster cannot be made here.
    """
    here = here or init_here()
    config_path = config_path.absolute()
    config = load_cluster(config_path)
    if not ClusterFiles(config.data_dir).seed.exists():
        make_cluster(config_path, echo)
        _give_to_owner(config)
    wanted = {each.unit: each for each in _wanted(config, echo)}
    if not wanted:
        raise NotFound(f"{config_path} has no process on this machine: 'host' of its entry decides.")
    found = {unit: _found(config, here, unit) for unit in wanted}
    steps = list(steps_for(wanted.values(), found, start=start))
    for step in steps:
        _do(step, wanted[step.unit], found[step.unit], config, here)
    for unit in wanted:
        verbs = [_DONE[step.verb] for step in steps if step.unit == unit]
        echo(f"{unit:<32} {', '.join(verbs) or 'as it should be'}")


def remove_units(config_path: Path, echo: Echo, *, here: Here | None = None) -> None:
    """End the processes of this machine and remove their units; data and containers stay, and ``okube up`` starts them.

    Raises:
        UnitsFailed: the supervisor refuses.
    """
    here = here or init_here()
    config = load_cluster(config_path.absolute())
    ours = [path.name for path in sorted(here.folder.glob("okube-*.service")) if _is_of(path, config_path.absolute())]
    if not ours:
        echo("nothing to remove: no unit here is of this cluster.yaml")
        return
    here.run(here.init.stop(ours))
    here.run(here.init.disable(ours))
    for unit in ours:
        (here.folder / unit).unlink(missing_ok=True)
        echo(f"{unit:<32} removed")
    here.run(here.init.reload())
    echo(f"data stays in {config.data_dir}; containers go on until 'okube down'")


_DONE = {"write": "written", "enable": "enabled", "take over": "taken over", "start": "started", "restart": "restarted"}


def _wanted(config: ClusterConfig, echo: Echo) -> list[Wanted]:
    """The units of the processes that have a folder here; of others a word."""
    files = ClusterFiles(config.data_dir)
    if files.seed.exists():
        seed = read_cluster(config)
        named = [(place.role, place.name) for place in places(config, seed) if place.is_here]
        keys = str(key_folder(config, seed.cluster_id))
    else:
        from okube.processes.here import is_here

        named = [("manager", each.name) for each in config.managers if is_here(each.host)]
        named += [("worker", each.name) for each in config.workers if is_here(each.host)]
        keys = str(config.key_dir) if config.key_dir else "~/.okube/keys"
    found = []
    for role, name in named:
        if files.seed.exists() and not files.process(name).identity.exists():
            echo(f"note: {name} has no folder in {config.data_dir}, so it gets no unit: have it join ('okube join')")
            continue
        process = Process(
            role=role,
            name=name,
            cluster=config.cluster,
            program=_program(),
            config=str(config.file),
            data_dir=str(config.data_dir),
            key_dir=keys if role == "manager" else None,
            runtime=config.runtime,
            user=_owner(config.data_dir),
        )
        found.append(Wanted(unit_name(role, name), unit_text(process)))
    return found


def _program() -> str:
    command = okube_command()
    if len(command) > 1:
        raise Conflict(
            "there is no program 'okube' beside this Python, which a unit could start: install Okube with pip first."
        )
    return command[0]


def _owner(data_dir: Path) -> str | None:
    """Who the processes run as: whose the data is; None for root."""
    place = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    uid = place.stat().st_uid
    return None if uid == 0 else pwd.getpwuid(uid).pw_name


def _give_to_owner(config: ClusterConfig) -> None:
    """What root made for somebody else's cluster.yaml is theirs."""
    owner = config.file.stat() if config.file else None
    if owner is None or owner.st_uid == os.geteuid():
        return
    for top, folders, files in os.walk(config.data_dir):
        for name in (".", *folders, *files):
            os.chown(os.path.join(top, name), owner.st_uid, owner.st_gid, follow_symlinks=False)


def _found(config: ClusterConfig, here: Here, unit: str) -> Found:
    text = None
    with contextlib.suppress(FileNotFoundError):
        text = (here.folder / unit).read_text(encoding="utf-8")
    if text is None:
        return Found(None, elsewhere=_pid(config, unit))
    state = read_states(here.run(here.init.show([unit])))[unit]
    pid = _pid(config, unit)
    return Found(text, state, pid if pid != state.pid else 0)


def _pid(config: ClusterConfig, unit: str) -> int:
    name = unit.removesuffix(".service").split("-", 2)[2]
    running = runs_in(ClusterFiles(config.data_dir).process(name))
    return running.pid if running else 0


def _do(step: Step, wanted: Wanted, found: Found, config: ClusterConfig, here: Here) -> None:
    init, unit = here.init, [step.unit]
    if step.verb == "write":
        write_public(here.folder / step.unit, wanted.text.encode())
        here.run(init.reload())
    elif step.verb == "enable":
        here.run(init.enable(unit))
    elif step.verb == "take over":
        name = step.unit.removesuffix(".service").split("-", 2)[2]
        running = runs_in(ClusterFiles(config.data_dir).process(name))
        if running is not None and running.pid == found.elsewhere:
            end([running], grace_s=_GRACE_S)
    elif step.verb == "start":
        here.run(init.start(unit))
    else:
        here.run(init.restart(unit))


def _is_of(path: Path, config_path: Path) -> bool:
    return any(
        line.startswith("ExecStart=") and str(config_path) in line
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
    )


def _run(words: Words) -> str:
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise UnitsFailed(f"{words[0]}: {error.strerror}.") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise UnitsFailed(
            f"'{' '.join(words)}' failed (exit status {done.returncode}): {' / '.join(said) or 'no word'}"
        )
    return done.stdout
