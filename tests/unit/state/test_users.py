"""Users in the replicated state: made, changed, given other credentials, forgotten; and known by their token's hash."""

import hashlib
from typing import Any

import msgspec
import pytest

from okube.model import commands as c
from okube.model.user import MAX_USERS, User
from okube.model.versions import version_of
from okube.state import StateMachine
from okube.state.snapshot import dump
from tests.builders import Cluster


def a_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def a_user(name: str = "alice", **fields: Any) -> c.PutUser:
    told = {"how": "create", "instance": f"i-{name}", "role": "viewer", "token_sha256": a_hash(name), **fields}
    return c.PutUser(name=name, **told)


def _of(result: c.Result) -> Any:
    assert isinstance(result, c.Applied), result
    return msgspec.json.decode(result.body)


def _refused(result: c.Result) -> str:
    assert isinstance(result, c.Refused), result
    return result.kind


def test_a_user_is_made_and_known_by_the_hash_of_a_token() -> None:
    cluster = Cluster()
    view = _of(cluster.apply(a_user(role="operator", apps=("shop",), by="admin"))[0])
    assert (view["name"], view["role"], view["apps"], view["created_by"]) == ("alice", "operator", ["shop"], "admin")
    user = cluster.tables.users.of_token(a_hash("alice"))
    assert user is not None
    assert user.instance == "i-alice"
    assert "token" not in str(view)


def test_a_name_or_a_token_that_is_taken_is_refused() -> None:
    cluster = Cluster()
    cluster.apply(a_user())
    assert _refused(cluster.apply(a_user())[0]) == "conflict"
    assert _refused(cluster.apply(a_user("bob", token_sha256=a_hash("alice")))[0]) == "conflict"
    cluster.apply(a_user("bob"))
    assert _refused(cluster.apply(a_user("bob", how="rotate", token_sha256=a_hash("alice")))[0]) == "conflict"


def test_what_was_rotated_away_is_nobody_s_any_more() -> None:
    cluster = Cluster()
    cluster.apply(a_user(apps=("shop",)))
    cluster.now_ms += 5
    cluster.apply(c.PutUser("alice", "rotate", "i-2", token_sha256=a_hash("new")))
    user = cluster.tables.users.get("alice")
    assert user is not None
    assert (user.instance, user.apps, user.rotated_ms - user.created_ms) == ("i-2", ("shop",), 5)
    assert cluster.tables.users.of_token(a_hash("alice")) is None
    assert cluster.tables.users.of_token(a_hash("new")) is user


def test_a_change_leaves_the_credentials_and_what_is_not_said() -> None:
    cluster = Cluster()
    cluster.apply(a_user(apps=("shop",)))
    before = cluster.tables.users.get("alice")
    _of(cluster.apply(c.PutUser("alice", "change", role="operator"))[0])
    after = cluster.tables.users.get("alice")
    assert before is not None
    assert after is not None
    assert (after.role, after.apps, after.instance, after.token_sha256) == (
        "operator",
        ("shop",),
        before.instance,
        before.token_sha256,
    )


def test_nobody_becomes_an_admin_of_some_apps() -> None:
    cluster = Cluster()
    cluster.apply(a_user(apps=("shop",)))
    assert _refused(cluster.apply(c.PutUser("alice", "change", role="admin"))[0]) == "invalid"
    _of(cluster.apply(c.PutUser("alice", "change", role="admin", apps=()))[0])


def test_a_change_for_another_revision_is_refused() -> None:
    cluster = Cluster()
    revision = _of(cluster.apply(a_user())[0])["revision"]
    assert _refused(cluster.apply(c.RemoveUser("alice", if_match=revision + 1))[0]) == "conflict"
    _of(cluster.apply(c.RemoveUser("alice", if_match=revision))[0])


def test_who_is_removed_is_gone_with_the_token_and_both_may_be_used_again() -> None:
    cluster = Cluster()
    cluster.apply(a_user())
    cluster.apply(c.RemoveUser("alice"))
    assert cluster.tables.users.of_token(a_hash("alice")) is None
    assert _refused(cluster.apply(c.RemoveUser("alice"))[0]) == "not-found"
    _of(cluster.apply(a_user())[0])


def test_the_digest_is_the_same_whichever_way_the_users_came_to_be() -> None:
    one, other = Cluster(), Cluster()
    empty = Cluster().tables.digest.hex()
    one.tables.put_user(User(name="alice", instance="i", role="viewer"))
    one.tables.delete_user("alice")
    assert one.tables.digest.hex() == empty
    for cluster in (one, other):
        cluster.apply(a_user())
    assert len(other.tables.users) == 1


def test_a_snapshot_carries_users_and_the_hashes_of_their_tokens() -> None:
    cluster = Cluster()
    cluster.apply(a_user(), a_user("bob", role="admin"))
    restored = StateMachine()
    restored.restore(b"".join(dump(cluster.tables)))
    assert restored.tables.users.rows() == cluster.tables.users.rows()
    assert restored.tables.users.of_token(a_hash("bob")) == cluster.tables.users.get("bob")
    assert restored.tables.digest.hex() == cluster.tables.digest.hex()


def test_there_is_a_bound_to_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("okube.state.users.MAX_USERS", 1)
    cluster = Cluster()
    cluster.apply(a_user())
    assert _refused(cluster.apply(a_user("bob"))[0]) == "conflict"
    assert MAX_USERS > 1000


def test_what_happens_to_users_is_told() -> None:
    cluster = Cluster()
    cluster.apply(a_user(by="admin"), c.PutUser("alice", "change", role="operator", by="admin"))
    cluster.apply(c.PutUser("alice", "rotate", "i-2", token_sha256=a_hash("new"), by="admin"))
    cluster.apply(c.RemoveUser("alice", by="admin"), c.RemoveUser("alice", by="admin"))
    told = [(event.kind, event.subject, event.message, event.by) for event in cluster.tables.events.rows()]
    assert told == [
        ("user-created", "alice", "viewer of the cluster", "admin"),
        ("user-changed", "alice", "operator of the cluster", "admin"),
        ("user-rotated", "alice", "", "admin"),
        ("user-removed", "alice", "", "admin"),
    ]


def test_no_manager_needs_to_know_users_before_all_do() -> None:
    assert version_of(a_user()) == 3
    assert version_of(c.RemoveUser("alice")) == 3
