"""Takes Okube off a machine again, in an order that may be stopped anywhere and repeated.

First what starts processes, then the processes, their containers, and last the software that all of this was done
with. Data stays unless it is purged, and the keys stay even then: they may be all that opens a snapshot that is kept
elsewhere.
"""

import msgspec

from okube.install.facts import Facts, Question
from okube.install.init import Init, init_of
from okube.install.layout import LAYOUT, SYSTEM_USER
from okube.install.onsite import ask
from okube.install.remote import CommandFailed, Remote

__all__ = ["Removed", "uninstall"]

_DOWN_S = 300.0
_STOP_S = 120.0


class Removed(msgspec.Struct, frozen=True):
    """What was taken off a machine, in words; empty where nothing of Okube was there."""

    words: tuple[str, ...]


async def uninstall(remote: Remote, *, purge: bool) -> Removed:
    """Take Okube off one machine.

    Raises:
        MachineUnreachable: the connection does not hold.
        CommandFailed: its containers could not be removed, or a file; what came before is done.
    """
    facts = await ask(remote, "probe", _question(), Facts)
    units = [name for name in facts.entries.get(str(LAYOUT.units), ()) if _is_ours(name)]
    done = []
    if units:
        await _end(remote, init_of(facts.init), units)
        done.append(f"{len(units)} processes ended")
    if facts.files.get(str(LAYOUT.current)) is not None and facts.files.get(str(LAYOUT.cluster_file)) is not None:
        done += await _remove_containers(remote, purge=purge)
    if units:
        await _remove(remote, [str(LAYOUT.units / name) for name in units])
        (await remote.run(init_of(facts.init).reload())).require("reading the units")
    there = [path for path in _paths(purge=purge) if facts.files.get(path) is not None]
    await _remove(remote, there)
    done += [f"{path} removed" for path in there]
    if purge and SYSTEM_USER in facts.users:
        await _forget_user(remote)
        done.append(f"user {SYSTEM_USER} removed")
    return Removed(tuple(done))


def _question() -> Question:
    return Question(
        syncs=0,
        users=(SYSTEM_USER,),
        files=(*_paths(purge=True), str(LAYOUT.cluster_file)),
        listed=(str(LAYOUT.units),),
    )


def _paths(*, purge: bool) -> tuple[str, ...]:
    """In the order in which they go: what finds the rest goes last."""
    software = (str(LAYOUT.command), str(LAYOUT.current), str(LAYOUT.software))
    if not purge:
        return software
    return (str(LAYOUT.data), str(LAYOUT.settings / "started"), str(LAYOUT.cluster_file), *software)


def _is_ours(name: str) -> bool:
    return name.startswith(("okube-manager-", "okube-worker-")) and name.endswith(".service")


async def _end(remote: Remote, init: Init, units: list[str]) -> None:
    (await remote.run(init.disable(units))).require("disabling the units")
    (await remote.run(init.stop(units), timeout_s=_STOP_S)).require("ending the processes")


async def _remove_containers(remote: Remote, *, purge: bool) -> list[str]:
    """``okube down`` of the machine's own release knows which they are, and which data is Okube's."""
    program = str(LAYOUT.current / "bin/okube")
    words = (program, "down", "--config", str(LAYOUT.cluster_file), *(("--purge",) if purge else ()))
    result = await remote.run(words, timeout_s=_DOWN_S)
    if result.status != 0:
        said = (result.err or result.out).decode("utf-8", "replace").strip()
        raise CommandFailed(f"its containers and data stay, and so does the software: {said}")
    return [line for line in result.out.decode("utf-8", "replace").splitlines() if "containers removed" in line]


async def _remove(remote: Remote, paths: list[str]) -> None:
    if paths:
        (await remote.run(("rm", "-rf", "--", *paths))).require(f"removing {', '.join(paths)}")


async def _forget_user(remote: Remote) -> None:
    """The keys that stay are root's from now on."""
    script = f"chown -R root:root {LAYOUT.keys} 2>/dev/null; userdel {SYSTEM_USER}"
    (await remote.run(("sh", "-c", script))).require(f"removing the user {SYSTEM_USER}")
