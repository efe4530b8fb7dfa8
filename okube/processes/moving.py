"""``okube managers readdress --offline``: managers that find each other no more are told where they are now.

It is told on each machine that has a manager. ``moves.json`` keeps it until the log says the same: so the managers find
each other, and whoever leads then puts the new addresses into the log.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from okube.config import load_cluster
from okube.config.hosts import host_error
from okube.manager.whereabouts import Move, in_seed, read_moves, write_moves
from okube.model.errors import Conflict, FieldError, InvalidInput, NotFound
from okube.processes.lock import runs_in
from okube.processes.seed import read_cluster
from okube.processes.settings import join_address
from okube.raft import Member
from okube.security import ClusterFiles
from okube.security.seed import Seed, write_seed

__all__ = ["move_offline"]

Moved = Callable[[str, str], str]
"""The new address of what was at the first, as the second says: with a port, or with the one that it had."""


def move_offline(
    config_path: Path, wanted: Mapping[str, str], raft_port: int | None, moved: Moved, say: Callable[[str], None]
) -> None:
    """Keep where managers are now, for those of this machine, which must not run.

    Args:
        config_path: cluster.yaml.
        wanted: the new place of each manager that has one.
        raft_port: another port for other managers.
        moved: makes an address of the one before and a new place.
        say: told what to do next.

    Raises:
        NotFound: the cluster has no such manager, as far as this machine knows.
        Conflict: a manager runs here.
        InvalidInput: an address is none that others can reach.
    """
    config = load_cluster(config_path.absolute())
    files = ClusterFiles(config.data_dir)
    seed = read_cluster(config)
    here = [member.name for member in seed.members if files.process(member.name).identity.exists()]
    for name in here:
        running = runs_in(files.process(name))
        if running is not None:
            raise Conflict(
                f"{name} runs here (pid {running.pid}): while managers answer, 'okube managers readdress' without "
                "--offline tells all of them; else end it first"
            )
    moves = {**read_moves(config.data_dir), **{name: _move(seed, name, wanted, raft_port, moved) for name in wanted}}
    _check(moves)
    write_moves(config.data_dir, moves)
    write_seed(
        files.seed, msgspec.structs.replace(seed, members=tuple(in_seed(_at(seed, m, moves)) for m in _all(seed)))
    )
    start = " and ".join(f"'okube manager --name {name}'" for name in here) or "the managers"
    say(f"kept: start {start} here, or 'okube up -d', once this is told on the machine of each manager")


def _all(seed: Seed) -> list[str]:
    return [member.name for member in seed.members]


def _move(seed: Seed, name: str, wanted: Mapping[str, str], raft_port: int | None, moved: Moved) -> Move:
    member = next((member for member in seed.members if member.name == name), None)
    if member is None:
        raise NotFound(f"this machine knows no manager {name}; it knows {', '.join(_all(seed))}")
    address = moved(join_address(member.host, member.port), wanted[name])
    return Move(address, f"{address.rpartition(':')[0]}:{raft_port or member.raft_port}")


def _at(seed: Seed, name: str, moves: Mapping[str, Move]) -> Member:
    member = next(member for member in seed.members if member.name == name)
    move = moves.get(name)
    if move is not None:
        return Member(name, member.instance, move.raft_address, move.address)
    return Member(
        name, member.instance, join_address(member.host, member.raft_port), join_address(member.host, member.port)
    )


def _check(moves: Mapping[str, Move]) -> None:
    problems = {name: host_error(move.address.rpartition(":")[0].strip("[]")) for name, move in moves.items()}
    errors = [FieldError(name, problem) for name, problem in problems.items() if problem is not None]
    if errors:
        raise InvalidInput.of(errors, what="address")
