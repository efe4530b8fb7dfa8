"""The unlock key for a restore: a snapshot never holds it, and what is sealed in it is lost without."""

from pathlib import Path

from okube.config import ClusterConfig
from okube.model.errors import BadFile, Conflict
from okube.model.sealed import Ring
from okube.processes.settings import key_folder
from okube.security.keyfiles import KeyFiles, read_key
from okube.security.keyring import UnlockKey

__all__ = ["NeedsUnlockKey", "find_unlock_key", "keep_unlock_key"]


class NeedsUnlockKey(BadFile):
    """There is no restore without the unlock key, and it is nowhere here."""


def find_unlock_key(
    config: ClusterConfig, cluster_id: str, ring: Ring, named: Path | UnlockKey | None
) -> UnlockKey | None:
    """The key that opens the ring: the one that was given, itself or in a file; else in this machine's folder of keys.

    None where managers lock themselves and none was given: then `okube unlock` gives it to them afterwards.

    Raises:
        NeedsUnlockKey: it is nowhere.
        BadFile: its file cannot be used.
        Conflict: the one that was given is another one.
    """
    if named is not None:
        key = read_key(named) if isinstance(named, Path) else named
        if key.id != ring.unlock_id:
            what = f"{named} holds the" if isinstance(named, Path) else "This is the"
            raise Conflict(f"{what} unlock key {key.id}, and what is sealed in the snapshot needs {ring.unlock_id}.")
        return key
    files = KeyFiles(key_folder(config, cluster_id))
    found = files.find(ring.unlock_id)
    if found is None and not ring.autolock:
        raise NeedsUnlockKey(
            f"Secrets and configs in the snapshot are encrypted, and their unlock key ({ring.unlock_id}) is not in "
            f"{files.root}. Name its file with --unlock-key: 'okube keyring unlock-key' printed it, and every "
            "manager's machine has it as unlock.key. Where it is lost, --without-unlock-key restores all the rest."
        )
    return found


def keep_unlock_key(config: ClusterConfig, cluster_id: str, ring: Ring, key: UnlockKey | None) -> None:
    """Have the managers find it when they start, unless the cluster keeps it off all disks."""
    if key is not None and not ring.autolock:
        KeyFiles(key_folder(config, cluster_id)).write(key)
