import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from okube.model.archive import ArchiveHead, Counts, KeptAuthority, pack_end, pack_head, pack_part, read_archive
from okube.model.epoch import Epoch
from tests.unit.cli.conftest import Okube, run_okube
from tests.unit.client.playing import Behaviour, Manager, Received, Reply
from tests.unit.model.earlier_archive import with_authority

HEAD = ArchiveHead(
    1, "lab", "c1", 1_800_000_000_000, "m2", "saved", "1.0", 7, Epoch(1, 3), "ab" * 32, Counts(1, 2, 3, 4), ("m1", "m2")
)


def a_file(head: ArchiveHead) -> bytes:
    return pack_head(head) + pack_part(b"state") + pack_end([b"state"])


FILE = a_file(HEAD)
KEPT = {"name": "20270115T080000Z-r7.okube", "manager": "m2", "taken_at": "2027-01-15T08:00:00.000Z", "revision": 7}


def behave(received: Received) -> Reply:
    if received.path == "/v1/snapshots":
        return Reply(200, [KEPT])
    return Reply(
        raw=b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(FILE)
        + FILE
    )


@pytest.fixture
def okube(describe: Callable[..., Path], play: Callable[[Behaviour], Manager]) -> Okube:
    describe(play(behave))
    return run_okube


def test_a_saved_file_is_for_its_owner_alone_and_named_by_cluster_and_time(okube: Okube, home: Path) -> None:
    result = okube("snapshot", "save")
    assert result.exit_code == 0, result.stderr
    path = home / "lab-20270115T080000Z.okube"
    assert path.read_bytes() == FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert "revision 7, epoch 1.3, 1 service, 2 tasks, 3 nodes" in result.stdout
    assert "keep a copy of ca.crt and ca.key of m1" in result.stderr


def test_the_key_of_the_ca_goes_into_no_file_and_it_says_what_opens_it(okube: Okube, home: Path) -> None:
    folder = home / ".data" / "ca"
    folder.mkdir()
    (folder / "ca.crt").write_bytes(b"certificate")
    (folder / "ca.key").touch(0o600)
    (folder / "ca.key").write_bytes(b"the key of the CA")
    for option in ((), ("--without-ca",)):
        assert okube("snapshot", "save", "of-now.okube", "--force", *option).exit_code == 0
        assert b"the key of the CA" not in (home / "of-now.okube").read_bytes()
        assert read_archive((home / "of-now.okube").read_bytes()).authority is None


@pytest.mark.parametrize(
    ("data", "key", "shown"),
    [
        (FILE, "none", "a restore needs ca.crt and ca.key"),
        (a_file(replace(HEAD, unlock_key="k1", authority="a1")), "sealed", "its key is sealed with the rest"),
        (with_authority(FILE, KeptAuthority(b"certificate", b"key")), "plain", "for whoever reads the file"),
    ],
)
def test_inspect_says_whether_the_key_of_the_ca_can_be_read(home: Path, data: bytes, key: str, shown: str) -> None:
    (home / "saved.okube").write_bytes(data)
    row = json.loads(run_okube("snapshot", "inspect", "saved.okube", "-o", "json").stdout)
    assert (row["ca"], row["ca_key"]) == (key != "none", key)
    assert shown in run_okube("snapshot", "inspect", "saved.okube").stdout


def test_a_file_that_is_there_is_replaced_only_by_force(okube: Okube, home: Path) -> None:
    (home / "there.okube").write_text("precious")
    refused = okube("snapshot", "save", "there.okube")
    assert (refused.exit_code, (home / "there.okube").read_text()) == (1, "precious")
    assert okube("snapshot", "save", "there.okube", "--force").exit_code == 0


def test_inspect_needs_no_cluster_and_tells_damage(home: Path) -> None:
    (home / "saved.okube").write_bytes(FILE)
    shown = run_okube("snapshot", "inspect", "saved.okube")
    assert shown.exit_code == 0
    assert "lab (c1)" in shown.stdout
    assert json.loads(run_okube("snapshot", "inspect", "saved.okube", "-o", "json").stdout)["digest"] == "ab" * 32
    (home / "saved.okube").write_bytes(FILE[:-3])
    damaged = run_okube("snapshot", "inspect", "saved.okube")
    assert damaged.exit_code == 2
    assert "cut off" in damaged.stderr


def test_the_list_is_that_of_the_managers(okube: Okube) -> None:
    assert json.loads(okube("snapshot", "list", "-o", "json").stdout) == [KEPT]


def test_where_no_manager_answers_those_on_this_machine_are_listed(
    describe: Callable[..., Path], play: Callable[[Behaviour], Manager], home: Path
) -> None:
    gone = play(behave)
    describe(gone)
    gone.stop()
    kept = home / ".data" / "m1" / "snapshots"
    kept.mkdir(parents=True)
    (kept / "20270115T080000Z-r7.okube").write_bytes(FILE)
    result = run_okube("snapshot", "list", "-o", "json")
    assert result.exit_code == 0
    (row,) = json.loads(result.stdout)
    assert (row["manager"], row["revision"], row["path"]) == ("m1", 7, str(kept / "20270115T080000Z-r7.okube"))
    assert "these are on this machine" in result.stderr
