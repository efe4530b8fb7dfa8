"""The key ring turned: new data keys, all sealed anew, other unlock keys, and where those are kept."""

from pathlib import Path

import pytest

from okube.manager.keyring import (
    KEY_LIFE_MS,
    plan_new_key,
    plan_renewal,
    plan_resealing,
    plan_ring,
    plan_unlock_key,
    sealed_with,
)
from okube.manager.vault import Locked, Vault
from okube.model import commands as c
from okube.model.authority import Authorities, KeptCa
from okube.model.authority import sealed_as as ca_sealed_as
from okube.model.secret import sealed_as
from okube.model.versions import COMMAND_VERSION
from okube.security.keyfiles import KeyFiles
from okube.security.keyring import UnlockKey
from tests.builders import Cluster
from tests.unit.security.dice import Dice


class Site:
    """A cluster with a ring, and one manager that made it."""

    def __init__(self, folder: Path) -> None:
        self.cluster = Cluster()
        self.dice = Dice()
        self.files = KeyFiles(folder / "m1")
        self.folder = folder
        self.cluster.apply(c.EnableVersion(COMMAND_VERSION))
        self.vault = self.manager("m1")
        self.do(*plan_ring(self.cluster.tables, self.vault, lambda: "k1", 1000))

    def manager(self, name: str) -> Vault:
        kept = KeyFiles(self.folder / name)
        return Vault("c1", lambda: self.cluster.tables, kept=kept, random_bytes=self.dice)

    def do(self, *commands: c.Command) -> None:
        for result in self.cluster.apply(*commands):
            assert isinstance(result, c.Applied), result

    def put(self, name: str, value: bytes) -> None:
        sealed = self.vault.seal(value, sealed_as("secret", name, "v1"))
        self.do(c.PutSecret("secret", name, "v1", sealed, len(value), "create"))

    def value(self, name: str, vault: Vault | None = None) -> bytes:
        newest = self.cluster.tables.secrets["secret", name].newest
        return (vault or self.vault).open(newest.sealed, sealed_as("secret", name, newest.id))

    def new_data_key(self, key_id: str) -> None:
        self.do(plan_new_key(self.cluster.tables, self.vault, key_id, 2000, "ann"))

    def reseal(self) -> int:
        """Until nothing is left to do; how many commands that took."""
        done = 0
        while commands := list(plan_resealing(self.cluster.tables, self.vault)):
            self.do(*commands)
            done += len(commands)
        return done

    def change_unlock_key(self, *, autolock: bool = False, told: tuple[Vault, ...] = ()) -> UnlockKey:
        new = UnlockKey.new(self.dice)
        command = plan_unlock_key(
            self.cluster.tables, self.vault, new, f"k-{new.id}", 3000, autolock=autolock, by="ann"
        )
        for vault in (self.vault, *told):
            vault.expect(new, aside=not autolock)
        self.do(command)
        return new


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_new_data_key_seals_all_anew_in_slices_and_then_the_old_one_goes(site: Site) -> None:
    for n in range(250):
        site.put(f"s{n}", b"value %d" % n)
    site.new_data_key("k2")
    assert sealed_with(site.cluster.tables) == {"k1": 250}
    assert site.reseal() == 4  # three slices, and one for the keys
    assert sealed_with(site.cluster.tables) == {"k2": 250}
    assert site.cluster.tables.ring is not None
    assert [key.id for key in site.cluster.tables.ring.keys] == ["k2"]
    assert site.value("s249") == b"value 249"


def test_large_values_make_small_slices(site: Site) -> None:
    for n in range(5):
        site.put(f"s{n}", b"x" * (200 << 10))
    site.new_data_key("k2")
    assert len(list(plan_resealing(site.cluster.tables, site.vault))) == 5


def test_a_ring_with_one_key_leaves_nothing_to_do(site: Site) -> None:
    site.put("db", b"x")
    assert site.reseal() == 0


def test_another_leader_goes_on_where_the_first_stopped(site: Site) -> None:
    for n in range(250):
        site.put(f"s{n}", b"x")
    site.new_data_key("k2")
    site.do(next(plan_resealing(site.cluster.tables, site.vault)))
    second = site.manager("m2")
    second.unlock(site.vault.unlock_key)
    site.vault = second
    site.reseal()
    assert sealed_with(site.cluster.tables) == {"k2": 250}


def test_the_leader_makes_the_next_data_key_by_itself_when_one_has_sealed_for_long(site: Site) -> None:
    tables, made_ms = site.cluster.tables, 1000
    assert plan_renewal(tables, site.vault, lambda: "k2", made_ms + KEY_LIFE_MS - 1) == []
    site.put("db", b"x")
    site.do(*plan_renewal(tables, site.vault, lambda: "k2", made_ms + KEY_LIFE_MS))
    assert plan_renewal(tables, site.vault, lambda: "k3", made_ms + 9 * KEY_LIFE_MS) == [], "one after the other"
    site.reseal()
    assert sealed_with(tables) == {"k2": 1}


def test_what_cannot_be_opened_keeps_its_key(site: Site) -> None:
    site.put("db", b"x")
    sealed = site.vault.seal(b"x", "as something else")
    site.do(c.PutSecret("secret", "moved", "v1", sealed, 1, "create"))
    site.new_data_key("k2")
    site.do(*plan_resealing(site.cluster.tables, site.vault))
    assert sealed_with(site.cluster.tables) == {"k1": 1, "k2": 1}
    assert list(plan_resealing(site.cluster.tables, site.vault)) == []
    assert site.value("db") == b"x"


def test_another_unlock_key_is_on_the_disks_of_those_that_were_told_and_the_former_beside_it(site: Site) -> None:
    site.put("db", b"x")
    old, second = site.vault.unlock_key, site.manager("m2")
    second.unlock(old)
    new = site.change_unlock_key(told=(second,))
    site.reseal()
    for vault, name in ((site.vault, "m1"), (second, "m2")):
        assert site.value("db", vault) == b"x"
        assert KeyFiles(site.folder / name).read() == new
        assert KeyFiles(site.folder / name).find(old.id) == old
    away = site.manager("m3")
    assert away.locked
    assert not second.locked


def test_with_a_new_unlock_key_the_old_data_keys_go_too(site: Site) -> None:
    site.put("db", b"x")
    site.change_unlock_key()
    site.reseal()
    assert site.cluster.tables.ring is not None
    assert "k1" not in {key.id for key in site.cluster.tables.ring.keys}


def test_where_managers_lock_themselves_no_key_is_on_a_disk(site: Site) -> None:
    site.put("db", b"x")
    site.change_unlock_key()
    new = site.change_unlock_key(autolock=True)
    assert site.value("db") == b"x"
    assert list(site.files.root.iterdir()) == []
    again = site.manager("m1")
    with pytest.raises(Locked, match="okube unlock"):
        again.seal(b"x", "a")
    again.unlock(new)
    assert site.value("db", again) == b"x"
    assert list(site.files.root.iterdir()) == []


def test_who_is_locked_is_not_told_the_next_key(site: Site) -> None:
    locked = site.manager("m2")
    with pytest.raises(Locked):
        locked.expect(UnlockKey.new(site.dice), aside=True)


def test_a_key_that_was_expected_and_never_came_into_use_locks_nobody_out(site: Site) -> None:
    site.put("db", b"x")
    for _ in range(9):
        site.vault.expect(UnlockKey.new(site.dice), aside=True)
    assert site.value("db") == b"x"
    site.new_data_key("k2")
    site.reseal()
    assert site.value("db") == b"x"


def test_the_story_says_which_keys_there_are_and_none_of_them(site: Site) -> None:
    new = site.change_unlock_key(autolock=True)
    (event,) = [event for event in site.cluster.tables.events.rows() if event.kind == "keys-rotated"]
    assert event.by == "ann"
    assert new.id in event.message
    assert "managers lock themselves" in event.message
    assert new.text not in event.message


def test_the_key_of_a_ca_is_sealed_anew_like_everything_else(site: Site) -> None:
    place = ca_sealed_as("ca1")
    kept = KeptCa("ca1", b"certificate", site.vault.seal(b"private", place))
    site.do(c.PutAuthorities(Authorities("ca1", (kept,)), "kept"))
    site.new_data_key("k2")
    site.reseal()
    assert sealed_with(site.cluster.tables) == {"k2": 1}
    found = site.cluster.tables.authorities
    assert found is not None
    assert site.vault.open(found.kept[0].key, place) == b"private"


def test_a_power_failure_right_after_a_new_unlock_key_came_into_use_does_not_lose_it(site: Site) -> None:
    site.put("db", b"x")
    new = site.change_unlock_key()
    assert site.files.read() != new, "nobody has opened the ring since"
    again = site.manager("m1")
    assert site.value("db", again) == b"x"
    assert site.files.read() == new
    assert not site.files.former(new.id).exists()


def test_a_key_for_managers_that_lock_themselves_never_touches_a_disk(site: Site) -> None:
    site.vault.expect(UnlockKey.new(site.dice), aside=False)
    assert [path.name for path in site.files.root.iterdir()] == ["unlock.key"]
