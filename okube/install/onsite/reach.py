"""Tries whether machines reach each other: on one something listens for a while, on the others it is called.

Who listens says a word that was given to it, so that another machine that answers at the same address is found out.
"""

import json
import os
import select
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CONNECT_S = 3
CALLS_AT_ONCE = 64
MOST_WORDS = 200
LISTENING = "/run/okube-listening-{}.pid"


def main(asked: str) -> None:
    question = json.loads(asked)
    answer = {"listen": listen, "dial": dial, "release": release}[question["do"]](question)
    sys.stdout.write(f"okube-answer:{json.dumps(answer)}\n")


def listen(question: "dict[str, Any]") -> "dict[str, Any]":
    """Listen in a process of its own, which ends by itself."""
    remembered_in = LISTENING.format(question["places"][0][1])
    end_former(remembered_in)
    problems, listeners = [], []
    for host, port in question["places"]:
        try:
            listeners.append(listener(host, port))
        except OSError as error:
            problems.append([host, port, plainly(error)])
    child = os.fork() if listeners else 0
    if listeners and child == 0:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        serve(listeners, question["word"].encode(), time.time() + question["seconds"])
        os._exit(0)
    if child:
        remember(remembered_in, child)
    return {"pid": child, "problems": problems}


def remember(path: str, pid: int) -> None:
    try:
        with open(path, "w") as remembered:
            remembered.write(str(pid))
    except OSError:
        pass  # it ends by itself


def end_former(path: str) -> None:
    """What a test that was cut off has left listening is in nobody's way."""
    try:
        with open(path) as remembered:
            pid = int(remembered.read())
    except (OSError, ValueError):
        return
    release({"pid": pid})
    until = time.time() + CONNECT_S
    while os.path.exists(f"/proc/{pid}") and time.time() < until:
        time.sleep(0.05)


def listener(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    found = socket.socket(family, kind, protocol)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(place)
    found.listen(128)
    found.setblocking(False)
    return found


def serve(listeners: "list[socket.socket]", word: bytes, until: float) -> None:
    while time.time() < until:
        for ready in select.select(listeners, [], [], 0.5)[0]:
            try:
                caller, _ = ready.accept()
                caller.settimeout(CONNECT_S)
                caller.sendall(word + b"\n")
                caller.close()
            except OSError:
                continue


def dial(question: "dict[str, Any]") -> "dict[str, Any]":
    """Call each target, a host, a port and the word that is expected there; empty: whoever listens."""
    targets = question.get("targets", [])
    with ThreadPoolExecutor(min(CALLS_AT_ONCE, len(targets)) or 1) as calls:
        found = list(calls.map(lambda target: called(*target), targets))
    pairs = zip(targets, found)  # noqa: B905  # strict= is newer than the Pythons that this is for
    return {"pid": 0, "problems": [[host, port, problem] for (host, port, _), problem in pairs if problem]}


def called(host: str, port: int, word: str) -> str:
    try:
        with socket.create_connection((host, port), timeout=CONNECT_S) as connection:
            said = heard(connection) if word else ""
    except OSError as error:
        return plainly(error)
    return "" if said == word else "another machine answers there"


def heard(connection: socket.socket) -> str:
    found = b""
    while b"\n" not in found and len(found) < MOST_WORDS:
        more = connection.recv(MOST_WORDS)
        if not more:
            break
        found += more
    return found.decode("utf-8", "replace").strip()


def plainly(error: OSError) -> str:
    if isinstance(error, socket.timeout):
        return f"no answer within {CONNECT_S} s"
    return error.strerror or str(error)


def release(question: "dict[str, Any]") -> "dict[str, Any]":
    """End what listens, if it still is what was started."""
    pid = question["pid"]
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as its, open("/proc/self/cmdline", "rb") as ours:
            same = its.read() == ours.read()
        if same:
            os.kill(pid, signal.SIGTERM)
    except OSError:
        pass
    return {"pid": 0, "problems": []}
