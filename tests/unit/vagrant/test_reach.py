import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from okube.install.inventory import Access
from okube.processes.lock import one_at_a_time
from vagrant.reach import answers, forget, install, install_command
from vagrant.site import Site


def kept_by(site: Site) -> list[Path]:
    """What this host keeps of a lab that was installed."""
    known_hosts = site.machines[0].access.known_hosts
    for path in (site.config.data_dir / "cluster.json", known_hosts):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return [site.config.data_dir, known_hosts]


@contextmanager
def something_that_greets(site: Site, words: bytes) -> Iterator[Access]:
    """A port of this host where each connection is told the same words and then ended."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with suppress(OSError), server.accept()[0] as connection:
                connection.send(words)

        greeting = threading.Thread(target=greet, daemon=True)
        greeting.start()
        yield msgspec.structs.replace(site.machines[0].access, host="127.0.0.1", port=server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        greeting.join()


def test_a_machine_answers_when_its_sshd_greets(site: Site) -> None:
    with something_that_greets(site, b"SSH-2.0-OpenSSH_9.2\r\n") as there:
        assert answers(there)
    assert not answers(there)


def test_what_takes_connections_and_does_not_greet_is_no_machine(site: Site) -> None:
    with something_that_greets(site, b"HTT") as there:
        assert not answers(there)


def test_the_lab_is_installed_with_the_command_for_real_machines(site: Site, tmp_path: Path) -> None:
    words = install_command(site, tmp_path)[1:]
    assert words[:5] == ["cluster", "install", "-f", str(site.cluster_file), "--accept-new-host-keys"]
    assert "--bundle" not in words


def test_a_bundle_that_was_made_of_this_checkout_is_installed(site: Site, tmp_path: Path) -> None:
    bundle = tmp_path / "okube-0.1.0-bundle.tar.gz"
    bundle.touch()
    assert install_command(site, tmp_path)[-2:] == ["--bundle", str(bundle)]


def test_while_machines_are_missing_they_are_named_and_nothing_is_installed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vagrant.reach.answers", lambda access: access.host.endswith(".11"))
    said: list[str] = []
    assert install(site, said.append) == 0
    assert said == ["m2, w2 not up yet: Okube is installed with the last machine that comes up."]


def test_where_several_find_all_machines_up_one_of_them_installs(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vagrant.reach.answers", lambda _: True)
    monkeypatch.setattr("vagrant.reach.install_command", lambda _: ["sh", "-c", "exit 3"])
    said: list[str] = []
    with one_at_a_time(tmp_path / "install.lock", what="the lab"):
        assert install(site, said.append, own=tmp_path) == 0
    assert said == ["All machines are up, and Okube is being installed on them already."]
    assert install(site, said.append, own=tmp_path) == 3


def test_what_this_host_keeps_stays_while_a_machine_is_left(site: Site, tmp_path: Path) -> None:
    kept = kept_by(site)
    forget(site, "m1", lambda _: None, left=["w2"], own=tmp_path)
    assert all(path.exists() for path in kept)


def test_what_this_host_keeps_goes_with_the_last_machine_of_the_lab(site: Site, tmp_path: Path) -> None:
    kept = kept_by(site)
    said: list[str] = []
    forget(site, "m1", said.append, left=["m1", "another-labs"], own=tmp_path)
    assert not any(path.exists() for path in kept)
    assert len(said) == 2


def test_folders_outside_of_the_labs_own_are_left_alone(site: Site, tmp_path: Path) -> None:
    kept = kept_by(site)
    forget(site, "m1", lambda _: None, left=[], own=tmp_path / "elsewhere")
    assert all(path.exists() for path in kept)
