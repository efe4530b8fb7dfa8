"""Which host keys are known."""

from pathlib import Path

import asyncssh

from okube.install.hostkeys import HostKey, remember, verdict


def a_key(kind: str = "ssh-ed25519") -> HostKey:
    words = asyncssh.generate_private_key(kind).export_public_key("openssh").decode().split()
    return words[0], words[1]


def test_nothing_is_known_without_a_file(tmp_path: Path) -> None:
    assert verdict(tmp_path / "none", "192.0.2.11", 22, a_key()) == "new"


def test_what_is_remembered_is_known_at_that_port_alone(tmp_path: Path) -> None:
    known, key, other = tmp_path / "ssh" / "known_hosts", a_key(), a_key()
    remember(known, "192.0.2.11", 22, key)
    remember(known, "192.0.2.11", 2222, other)
    assert verdict(known, "192.0.2.11", 22, key) == "known"
    assert verdict(known, "192.0.2.11", 2222, other) == "known"
    assert verdict(known, "192.0.2.12", 22, key) == "new"
    assert known.stat().st_mode & 0o777 == 0o600


def test_another_key_than_the_known_one_is_not_believed(tmp_path: Path) -> None:
    remember(tmp_path / "known_hosts", "192.0.2.11", 22, a_key())
    assert verdict(tmp_path / "known_hosts", "192.0.2.11", 22, a_key()) == "other"
    assert verdict(tmp_path / "known_hosts", "192.0.2.11", 22, a_key("ecdsa-sha2-nistp256")) == "other"


def test_a_revoked_key_is_not_believed(tmp_path: Path) -> None:
    key = a_key()
    (tmp_path / "known_hosts").write_text(f"@revoked * {key[0]} {key[1]}\n")
    assert verdict(tmp_path / "known_hosts", "192.0.2.11", 22, key) == "other"


def test_a_file_without_a_last_newline_is_added_to_all_the_same(tmp_path: Path) -> None:
    known, first, second = tmp_path / "known_hosts", a_key(), a_key()
    known.write_text(f"192.0.2.11 {first[0]} {first[1]}")
    remember(known, "192.0.2.12", 22, second)
    assert verdict(known, "192.0.2.11", 22, first) == "known"
    assert verdict(known, "192.0.2.12", 22, second) == "known"
