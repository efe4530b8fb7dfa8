"""The process that keeps a rack for people: it holds the hosts, and does what it is told over a socket."""

import json
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.lab.rack.description import describe
from tests.lab.rack.rack import Rack

__all__ = ["keep", "tell"]

_SOCKET = "keeper.sock"


def keep(link: Path, managers: int, workers: int, *, systemd: bool, bare: int) -> None:
    """Bring up a rack, make ``link`` lead to its folder, and serve until told to end.

    ``bare`` more hosts are up and in no cluster.yaml: for adding them, and in place of others.
    """
    named = [f"m{n + 1}" for n in range(managers)]
    working = [f"w{n + 1}" for n in range(workers)]
    more = [f"x{n + 1}" for n in range(bare)]
    stop = signal.SIGTERM
    signal.signal(stop, lambda *_: _raise_end())
    with Rack([*named, *working, *more], engines=[*working, *more], systemd=systemd) as rack:
        described = describe(rack, named, working)
        (rack.folder / "cluster.yaml").write_text(yaml.safe_dump(described, sort_keys=False))
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(rack.folder / _SOCKET))
            server.listen()
            link.unlink(missing_ok=True)
            link.symlink_to(rack.folder)
            try:
                _serve(server, rack)
            except _End:
                return
            finally:
                link.unlink(missing_ok=True)


def tell(link: Path, *words: str) -> Any:
    """Tell the keeper something and wait until it is done; answers what it says."""
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(str(link.resolve() / _SOCKET))
        except OSError:
            raise SystemExit("There is no lab here; `make lab` starts one.") from None
        sock.sendall(json.dumps(words).encode() + b"\n")
        answer = json.loads(sock.makefile().readline() or '{"error": "the lab has ended"}')
    if "error" in answer:
        raise SystemExit(answer["error"])
    return answer


class _End(Exception):
    """It is told to end."""


def _raise_end() -> None:
    raise _End


def _serve(server: socket.socket, rack: Rack) -> None:
    while True:
        connection, _ = server.accept()
        with connection, connection.makefile("rw") as stream:
            words = json.loads(stream.readline())
            if words == ["down"]:
                rack.destroy()
                stream.write("{}\n")
                return
            try:
                answer = _do(rack, *words)
            except (KeyError, TypeError, RuntimeError, TimeoutError, AssertionError) as error:
                answer = {"error": f"{' '.join(words)}: {error}"}
            stream.write(json.dumps(answer) + "\n")


def _do(rack: Rack, verb: str, *names: str) -> dict[str, Any]:
    verbs: dict[str, Callable[..., None]] = {
        "off": rack.power_off,
        "on": rack.power_on,
        "unplug": rack.unplug,
        "plug": rack.plug,
        "cut": rack.cut,
        "heal": rack.heal,
    }
    if verb == "status":
        hosts = rack.hosts.values()
        return {h.name: {"address": h.address, "on": h.is_on, "enter": h.command() if h.is_on else []} for h in hosts}
    for name in names:
        if name not in rack.hosts:
            raise KeyError(f"there is no host {name}, but {', '.join(rack.hosts)}")
    verbs[verb](*names)
    return {}
