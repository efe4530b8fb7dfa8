from pathlib import Path

import pytest

from okube.model.errors import BadFile
from okube.security.tokens import new_token, read_token, token_matches, token_sha256, write_token


def test_no_token_comes_twice() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(token.startswith("okube-") and len(token) >= 49 for token in tokens)


def test_a_token_matches_its_own_hash_alone() -> None:
    token = new_token()
    assert token_matches(token, token_sha256(token))
    assert not token_matches(new_token(), token_sha256(token))
    assert not token_matches("", token_sha256(token))
    assert not token_matches(token, "")
    assert not token_matches(token, "é")


@pytest.mark.parametrize("odd", ["tökén", "\udcff", "\0"])
def test_an_odd_token_is_wrong_and_no_crash(odd: str) -> None:
    assert not token_matches(odd, token_sha256(new_token()))


def test_a_token_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    token, path = new_token(), tmp_path / "admin" / "token"
    write_token(path, token)
    assert read_token(path) == token
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    write_token(path, new_token())
    path.chmod(0o604)
    with pytest.raises(BadFile, match="open to others"):
        read_token(path)


@pytest.mark.parametrize("held", [b"", b"\n", b"two words\n", b"\xff\xfe"])
def test_a_file_without_a_token_is_named(tmp_path: Path, held: bytes) -> None:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_bytes(held)
    with pytest.raises(BadFile, match="holds no token"):
        read_token(path)


def test_a_missing_token_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="token cannot be read: No such file"):
        read_token(tmp_path / "token")
