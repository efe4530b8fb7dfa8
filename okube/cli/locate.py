"""Where the cluster is: cluster.yaml, its managers and the folder of the admin's credentials.

Reading YAML and checking it costs more than all the rest of a short command, so the few facts that are needed are kept
beside the file's size and time of change in ``~/.cache/okube/clusters.json``; the file is the truth, the cache a copy.
"""

import contextlib
import os
from pathlib import Path

import click
import msgspec

from okube.cli.exits import BadInput
from okube.model.errors import BadFile, InvalidInput, Malformed

__all__ = [
    "ClusterFacts",
    "cache_dir",
    "cluster_facts",
    "find_cluster_file",
    "home",
    "managers_of",
    "required_cluster_file",
]

_KEPT = 20


class ClusterFacts(msgspec.Struct, frozen=True):
    """What a command needs of cluster.yaml: the managers' addresses, and the absolute data directory."""

    managers: tuple[str, ...]
    data_dir: str


class _Member(msgspec.Struct, frozen=True):
    host: str
    port: int


class _Members(msgspec.Struct, frozen=True):
    """The part of cluster.json (``okube.security.seed``) that a command needs."""

    members: tuple[_Member, ...] = ()


class _Known(msgspec.Struct, frozen=True):
    stamp: tuple[int, int, int]
    facts: ClusterFacts


def home() -> Path:
    """The user's own folder of Okube."""
    return Path(os.environ.get("HOME") or Path.home()) / ".okube"


def cache_dir() -> Path:
    """Where hints are kept that may be lost at any time; not in ``~/.okube``, which may be a data directory."""
    return Path(os.environ.get("XDG_CACHE_HOME") or home().with_name(".cache")) / "okube"


def find_cluster_file(option: str | None) -> Path | None:
    """``--config``, else OKUBE_CONFIG, else ./cluster.yaml, else ~/.okube/cluster.yaml; None where none is there.

    Raises:
        click.UsageError: the file that was asked for is not there.
    """
    for source, name in (("--config", option), ("OKUBE_CONFIG", os.environ.get("OKUBE_CONFIG"))):
        if name:
            path = Path(name).expanduser()
            if path.is_dir():
                path = path / "cluster.yaml"
            if not path.is_file():
                raise click.UsageError(f"{source}: there is no file {path}")
            return path.absolute()
    for path in (Path("cluster.yaml"), home() / "cluster.yaml"):
        if path.is_file():
            return path.absolute()
    return None


def required_cluster_file(option: str | None) -> Path:
    """The same, for commands that cannot do without.

    Raises:
        click.UsageError: there is none.
    """
    found = find_cluster_file(option)
    if found is None:
        raise click.UsageError(
            "there is no cluster.yaml here: change to its folder, name it with --config, or set OKUBE_CONFIG"
        )
    return found


def cluster_facts(path: Path) -> ClusterFacts:
    """What cluster.yaml says, from the cache if the file is unchanged.

    Raises:
        BadFile: the file cannot be read.
        BadInput: it is wrong; a line for each error.
    """
    cache = cache_dir() / "clusters.json"
    with contextlib.suppress(OSError):
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        known = _read_cache(cache)
        entry = known.get(str(path))
        if entry is not None and entry.stamp == stamp:
            return entry.facts
        facts = _load(path)
        _write_cache(cache, {str(path): _Known(stamp, facts), **{k: v for k, v in known.items() if k != str(path)}})
        return facts
    return _load(path)


def managers_of(facts: ClusterFacts) -> tuple[str, ...]:
    """Where managers may be: as a manager of this machine last wrote into cluster.json, then as cluster.yaml says."""
    try:
        seed = msgspec.json.decode((Path(facts.data_dir) / "cluster.json").read_bytes(), type=_Members)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return facts.managers
    return tuple(dict.fromkeys([*(_address(m.host, m.port) for m in seed.members), *facts.managers]))


def _load(path: Path) -> ClusterFacts:
    from okube.config import load_cluster

    try:
        config = load_cluster(path)
    except BadFile:
        raise
    except (InvalidInput, Malformed) as error:
        raise BadInput(
            error.detail.splitlines(), f"{path.name} cannot be used: correct it and run the command again"
        ) from error
    return ClusterFacts(tuple(_address(m.host, m.port) for m in config.managers), str(config.data_dir))


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _read_cache(cache: Path) -> dict[str, _Known]:
    try:
        return msgspec.json.decode(cache.read_bytes(), type=dict[str, _Known])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _write_cache(cache: Path, known: dict[str, _Known]) -> None:
    kept = dict(list(known.items())[:_KEPT])
    with contextlib.suppress(OSError):
        cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = cache.with_name(f"{cache.name}.{os.getpid()}")
        fresh.write_bytes(msgspec.json.encode(kept))
        fresh.replace(cache)
