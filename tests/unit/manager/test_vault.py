"""What a manager seals and opens, with the unlock key and without."""

from pathlib import Path

import pytest

from okube.manager.keyring import plan_ring
from okube.manager.vault import Locked, Vault
from okube.model import commands as c
from okube.model.versions import COMMAND_VERSION
from okube.security.keyfiles import KeyFiles
from okube.security.keyring import UnlockKey, WrongUnlockKey
from tests.builders import Cluster
from tests.unit.security.dice import Dice


class Site:
    """A state, and managers that have applied it; one may have no folder for its key."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.cluster.apply(c.EnableVersion(COMMAND_VERSION))
        self.dice = Dice()

    def vault(self, folder: Path | None = None) -> Vault:
        kept = None if folder is None else KeyFiles(folder)
        return Vault("c1", lambda: self.cluster.tables, kept=kept, random_bytes=self.dice)

    def make_ring(self, vault: Vault) -> None:
        self.cluster.apply(*plan_ring(self.cluster.tables, vault, lambda: "k1", 1000))


@pytest.fixture
def site() -> Site:
    return Site()


def test_the_first_leader_makes_the_ring_and_keeps_its_unlock_key(site: Site, tmp_path: Path) -> None:
    vault = site.vault(tmp_path)
    with pytest.raises(Locked, match="no key ring yet"):
        vault.seal(b"x", "a")
    site.make_ring(vault)
    assert not vault.locked
    assert vault.open(vault.seal(b"x", "a"), "a") == b"x"
    kept = KeyFiles(tmp_path).read()
    assert kept is not None
    assert site.cluster.tables.ring is not None
    assert kept.id == site.cluster.tables.ring.unlock_id


def test_a_ring_that_is_there_is_not_made_again(site: Site) -> None:
    site.make_ring(site.vault())
    assert plan_ring(site.cluster.tables, site.vault(), lambda: "k2", 2000) == []


def test_no_ring_is_made_while_a_manager_does_not_know_what_one_is(tmp_path: Path) -> None:
    old = Cluster()
    vault = Vault("c1", lambda: old.tables, kept=KeyFiles(tmp_path))
    assert plan_ring(old.tables, vault, lambda: "k1", 1000) == []
    assert KeyFiles(tmp_path).read() is None


def test_a_manager_with_the_same_file_opens_what_another_sealed(site: Site, tmp_path: Path) -> None:
    first = site.vault(tmp_path)
    site.make_ring(first)
    sealed = first.seal(b"x", "a")
    assert site.vault(tmp_path).open(sealed, "a") == b"x"


def test_a_manager_without_the_key_is_locked_until_it_is_told_it(site: Site, tmp_path: Path) -> None:
    first, second = site.vault(tmp_path), site.vault()
    site.make_ring(first)
    sealed = first.seal(b"x", "a")
    with pytest.raises(Locked, match="okube unlock"):
        second.open(sealed, "a")
    with pytest.raises(WrongUnlockKey):
        second.unlock(UnlockKey.new(site.dice))
    assert second.locked
    key = KeyFiles(tmp_path).read()
    assert key is not None
    second.unlock(key)
    assert second.open(sealed, "a") == b"x"
