"""What the machine that restores remembers of it, so that a repeated command goes on and undoes nothing."""

import hashlib

import msgspec

from okube.config import ClusterConfig
from okube.model.errors import BadFile, Conflict
from okube.processes.places import restored_file
from okube.processes.seed import read_cluster
from okube.processes.settings import key_folder
from okube.security import ClusterFiles
from okube.security.keyfiles import KeyFiles
from okube.security.private import write_public

__all__ = ["Record", "begun_with", "read_record", "sum_of", "unlock_key_of", "write_record"]


class Record(msgspec.Struct, frozen=True):
    """The last restore.

    Args:
        snapshot: the SHA-256 of its file.
        incarnation: what the cluster's epochs began with.
        unlock_key: the id of the unlock key that managers are to have on their disks; empty where they have none there.
        done: whether the cluster was well after it.
    """

    snapshot: str
    incarnation: int
    unlock_key: str = ""
    done: bool = False


def sum_of(data: bytes) -> str:
    """What tells a snapshot from all others."""
    return hashlib.sha256(data).hexdigest()


def read_record(config: ClusterConfig) -> Record | None:
    """The last restore of the cluster that is in the data directory now; None where that is of no restore.

    Raises:
        BadFile: the record is damaged.
        OkubeError: the data directory is another cluster's, or damaged.
    """
    path = restored_file(config.data_dir)
    if not (path.exists() and ClusterFiles(config.data_dir).seed.exists()):
        return None
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
    except msgspec.MsgspecError as error:
        raise BadFile(f"{path} is damaged: {error}. Take it away; a restore then begins anew.") from error
    return record if record.incarnation == read_cluster(config).incarnation else None


def begun_with(config: ClusterConfig, data: bytes) -> Record | None:
    """The last restore, where it was of this very snapshot: an earlier call has begun it, or done it.

    Raises:
        Conflict: cluster.yaml has other managers than it was begun with.
        OkubeError: what ``read_record`` raises.
    """
    record = read_record(config)
    if record is None or record.snapshot != sum_of(data):
        return None
    members = {(m.name, m.host, m.port) for m in read_cluster(config).members}
    if members != {(m.name, m.host, m.port) for m in config.managers}:
        raise Conflict(
            "this restore was begun with other managers than cluster.yaml has now: change it back; or end those that "
            "run, and begin anew with --anew"
        )
    return record


def write_record(config: ClusterConfig, record: Record) -> None:
    """Remember a restore."""
    write_public(restored_file(config.data_dir), msgspec.json.encode(record) + b"\n")


def unlock_key_of(config: ClusterConfig) -> bytes | None:
    """The file of the unlock key, for managers that begin with a restored state; None where they need none.

    Raises:
        BadFile: the record or the key is damaged.
    """
    record = read_record(config)
    if record is None or not record.unlock_key:
        return None
    key = KeyFiles(key_folder(config, read_cluster(config).cluster_id)).find(record.unlock_key)
    return None if key is None else f"{key.text}\n".encode()
