"""Programs that are sent to machines: tried on this one, in a folder, and with old Pythons where there are any."""

import ast
import glob
import os
import socket
import threading
from importlib import resources
from pathlib import Path

import psutil
import pytest

from okube.install.facts import Facts, Question
from okube.install.local import LocalRemote
from okube.install.onsite import ask
from okube.install.remote import CommandFailed
from okube.install.steps import Applied, File, Folder, Gone, Link, Order, Run, Step, Tree
from tests.unit.install.trees import a_tree

PROGRAMS = ("probe", "apply", "reach")
ME = os.environ.get("USER") or "root"
HERE = LocalRemote(before=())


def old_pythons() -> list[str]:
    found = ("/usr/bin/python3", *glob.glob(os.path.expanduser("~/.pyenv/versions/3.[6-9].*/bin/python3")))
    return [python for python in found if Path(python).exists()]


@pytest.mark.parametrize("name", PROGRAMS)
def test_its_text_is_read_by_pythons_that_are_too_old_for_okube(name: str) -> None:
    ast.parse(resources.files("okube.install.onsite").joinpath(f"{name}.py").read_text(), feature_version=(3, 6))


async def applied(tmp_path: Path, *steps: Step) -> Applied:
    return await ask(HERE, "apply", Order(steps, lock=str(tmp_path / "lock")), Applied)


class TestProbe:
    @pytest.mark.parametrize("python", old_pythons())
    async def test_it_tells_what_a_machine_is(self, tmp_path: Path, python: str) -> None:
        (tmp_path / "file").write_text("content")
        question = Question(
            folders=(f"{tmp_path}/not/there",),
            syncs=2,
            engine=f"unix://{tmp_path}/none.sock",
            users=("root", "nobody-of-that-name"),
            files=(f"{tmp_path}/file", f"{tmp_path}/none", str(tmp_path)),
            listed=(str(tmp_path), f"{tmp_path}/none"),
            contents=(f"{tmp_path}/file", f"{tmp_path}/none"),
            addresses=("127.0.0.1", "192.0.2.1"),
            commands={"echo": ("echo", "a word"), "none": ("no-such-command",)},
        )
        facts = await ask(HERE, "probe", question, Facts, python=(python,))
        assert facts.hostname == socket.gethostname()
        assert facts.memory > 1 << 20
        disk = facts.disks[f"{tmp_path}/not/there"]
        assert disk.total > 0
        assert disk.sync_ms is not None
        assert facts.users == ("root",)
        assert facts.addresses == ("127.0.0.1",)
        assert facts.engine is not None
        assert facts.engine.problem == "No such file or directory"
        file = facts.files[f"{tmp_path}/file"]
        assert file is not None
        assert (file.kind, len(file.sha256)) == ("file", 64)
        assert facts.files[f"{tmp_path}/none"] is None
        assert facts.entries == {str(tmp_path): ("file",), f"{tmp_path}/none": ()}
        assert facts.contents == {f"{tmp_path}/file": "content", f"{tmp_path}/none": None}
        assert (facts.commands["echo"].status, facts.commands["echo"].out) == (0, "a word\n")
        assert facts.commands["none"].status == 127

    async def test_a_port_that_is_taken_is_told_with_its_holder(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            number = listener.getsockname()[1]
            facts = await ask(HERE, "probe", Question(ports=(("127.0.0.1", number), ("192.0.2.1", 1))), Facts)
        taken, foreign = facts.ports
        assert taken.taken
        assert taken.holder.split() == " ".join(psutil.Process().cmdline()).split()
        assert (foreign.taken, foreign.problem) == (False, "Cannot assign requested address")

    async def test_an_engine_is_asked_what_it_is(self, tmp_path: Path) -> None:
        place = tmp_path / "engine.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place))
            listener.listen()
            bodies = [b'{"Version": "20.10", "ApiVersion": "1.41"}', b'{"Driver": "overlay2", "MemoryLimit": false}']
            threading.Thread(target=_answer, args=(listener, bodies), daemon=True).start()
            facts = await ask(HERE, "probe", Question(engine=f"unix://{place}"), Facts)
        assert facts.engine is not None
        assert (facts.engine.problem, facts.engine.version, facts.engine.storage) == ("", "20.10", "overlay2")
        assert not facts.engine.memory_limit


def _answer(listener: socket.socket, bodies: list[bytes]) -> None:
    for body in bodies:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


class TestApply:
    async def test_steps_are_done_in_order_and_a_second_time_nothing_changes(self, tmp_path: Path) -> None:
        root = tmp_path / "root"
        steps: tuple[Step, ...] = (
            Folder(why="", path=f"{root}/etc", mode=0o750, owner=ME),
            File(why="", path=f"{root}/etc/file", content=b"\0one", mode=0o600, owner=ME),
            Link(why="", path=f"{root}/current", target="etc"),
            Tree(why="", path=f"{root}/m1", archive=a_tree({"identity.json": b"{}", "tls/node.key": b"k"}), owner=ME),
        )
        assert await applied(tmp_path, *steps) == Applied(4)
        before = {path: path.lstat().st_mtime_ns for path in sorted(root.rglob("*"))}
        assert await applied(tmp_path, *steps) == Applied(4)
        assert {path: path.lstat().st_mtime_ns for path in sorted(root.rglob("*"))} == before
        assert (root / "etc").stat().st_mode & 0o777 == 0o750
        assert ((root / "etc/file").read_bytes(), (root / "etc/file").stat().st_mode & 0o777) == (b"\0one", 0o600)
        assert (root / "current").readlink() == Path("etc")
        assert (root / "m1/tls/node.key").read_bytes() == b"k"

    async def test_what_was_left_half_done_is_begun_anew(self, tmp_path: Path) -> None:
        (tmp_path / ".m1.making").mkdir()
        (tmp_path / ".m1.making/half").write_text("")
        (tmp_path / ".file.okube-part").write_text("half")
        await applied(
            tmp_path,
            Tree(why="", path=f"{tmp_path}/m1", archive=a_tree({"identity.json": b"{}"}), owner=ME),
            File(why="", path=f"{tmp_path}/file", content=b"whole", owner=ME),
        )
        assert sorted(path.name for path in (tmp_path / "m1").iterdir()) == ["identity.json"]
        assert (tmp_path / "file").read_bytes() == b"whole"
        assert sorted(os.listdir(tmp_path)) == ["file", "lock", "m1"]

    async def test_a_folder_of_a_process_that_is_there_is_never_touched(self, tmp_path: Path) -> None:
        (tmp_path / "m1").mkdir()
        done = await applied(
            tmp_path, Tree(why="", path=f"{tmp_path}/m1", archive=a_tree({"identity.json": b"{}"}), owner=ME)
        )
        assert done == Applied(1)
        assert list((tmp_path / "m1").iterdir()) == []

    async def test_the_first_that_cannot_be_done_ends_it_and_says_why(self, tmp_path: Path) -> None:
        done = await applied(
            tmp_path,
            Run(why="says a word", words=("true",)),
            Run(why="starts m1", words=("sh", "-c", "echo no luck; exit 3")),
            File(why="", path=f"{tmp_path}/file", content=b"", owner=ME),
        )
        assert done.done == 1
        assert done.problem == "starts m1: 'sh -c echo no luck; exit 3' ended with status 3: no luck"
        assert not (tmp_path / "file").exists()

    async def test_a_path_that_cannot_be_written_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "in-the-way").write_text("")
        done = await applied(tmp_path, File(why="writes it", path=f"{tmp_path}/in-the-way/file", content=b"", owner=ME))
        assert done.problem.startswith("writes it: ")
        assert "Not a directory" in done.problem

    async def test_an_unknown_owner_is_told(self, tmp_path: Path) -> None:
        done = await applied(tmp_path, Folder(why="makes it", path=f"{tmp_path}/a", owner="nobody-of-that-name"))
        assert done.problem == "makes it: there is no user nobody-of-that-name on this machine"

    async def test_an_archive_cannot_write_elsewhere(self, tmp_path: Path) -> None:
        done = await applied(tmp_path, Tree(why="", path=f"{tmp_path}/m1", archive=a_tree({"../out": b""}), owner=ME))
        assert "what it should not" in done.problem
        assert not (tmp_path / "out").exists()

    async def test_what_is_to_go_goes_and_what_is_gone_is_no_trouble(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        step = Gone(why="", path=f"{tmp_path}/file")
        assert await applied(tmp_path, step, step) == Applied(2)
        assert not (tmp_path / "file").exists()


async def test_a_machine_without_python_is_told_what_to_install() -> None:
    with pytest.raises(CommandFailed, match="install Python"):
        await ask(HERE, "probe", Question(), Facts, python=("no-such-python",))
