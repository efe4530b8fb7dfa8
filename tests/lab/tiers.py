"""A tier of an app: a server that answers each line with one, once it has asked a task of the tier below.

``python tiers.py PORT PEERS [BELOW]``: ``PEERS`` is a JSON file with the addresses of the tasks of each tier; who asks
takes them in turn, over a connection of its own for each request, as it would without a pool.
"""

import json
import socket
import socketserver
import sys
from itertools import count
from pathlib import Path

__all__ = ["ask"]

_TURNS = count()


def ask(host: str, port: int, line: bytes = b"?\n") -> bytes:
    """What a tier answers."""
    with socket.create_connection((host, port), timeout=10) as sock, sock.makefile("rb") as answers:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(line)
        return answers.readline()


class _Tier(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(_answer(line))


def _answer(line: bytes) -> bytes:
    _, _, peers, *below = sys.argv
    if not below:
        return line
    tasks = json.loads(Path(peers).read_text())[below[0]]
    host, port = tasks[next(_TURNS) % len(tasks)]
    return ask(host, port, line)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    _Server(("0.0.0.0", int(sys.argv[1])), _Tier).serve_forever()
