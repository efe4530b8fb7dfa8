"""What is in the data directory of a machine of each process, and the two things that are done to its folder there.

A folder whose process runs is left alone.
"""

import fcntl
import json
import os
import shutil
import sys
from typing import Any

LEFT = (".left", ".joining", ".making")


class Refused(Exception):
    """It is not done; the message says why."""


def main(asked: str) -> None:
    question = json.loads(asked)
    data_dir, names = question["data_dir"], question["names"]
    answer: dict[str, Any] = {"folders": {}, "problem": ""}  # not evaluated within a function
    try:
        for name in names:
            {"look": lambda *_: None, "aside": aside, "remove": remove}[question["do"]](data_dir, name)
            answer["folders"][name] = look(data_dir, name)
    except (Refused, OSError) as error:
        answer["problem"] = str(error)
    sys.stdout.write(f"okube-answer:{json.dumps(answer)}\n")


def look(data_dir: str, name: str) -> "dict[str, Any]":
    """Whose folder it is, and with which instance it has begun to join."""
    folder, joining = os.path.join(data_dir, name), os.path.join(data_dir, f".{name}.joining")
    identity = read(os.path.join(folder, "identity.json"))
    drawn = read(os.path.join(joining, "joining.json")) or read(os.path.join(joining, "identity.json"))
    return {
        "cluster_id": text(identity, "cluster_id"),
        "instance": text(identity, "instance"),
        "role": text(identity, "role"),
        "drawn": text(drawn, "instance") if text(drawn, "name") == name else "",
        "damaged": os.path.isdir(folder) and not text(identity, "instance"),
        "runs": runs(folder),
    }


def read(path: str) -> "dict[str, Any]":
    """What a file holds, or nothing where it is not there, or holds no object."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def text(found: "dict[str, Any]", key: str) -> str:
    value = found.get(key, "")
    return value if isinstance(value, str) else ""


def runs(folder: str) -> bool:
    """Whether a process holds the lock of its folder."""
    try:
        with open(os.path.join(folder, "lock"), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def aside(data_dir: str, name: str) -> None:
    """Give its folder a name that nothing starts from; where an earlier call did, nothing is there to be done."""
    folder = os.path.join(data_dir, name)
    if not os.path.isdir(folder):
        return
    refuse_running(folder, name)
    stem = f".{name}.{text(read(os.path.join(folder, 'identity.json')), 'instance') or 'unknown'}"
    target, number = f"{stem}.left", 1
    while os.path.lexists(os.path.join(data_dir, target)):
        number += 1
        target = f"{stem}-{number}.left"
    os.rename(folder, os.path.join(data_dir, target))


def remove(data_dir: str, name: str) -> None:
    """Remove its folder, those that were put aside, and those that were never finished."""
    if not os.path.isdir(data_dir):
        return
    refuse_running(os.path.join(data_dir, name), name)
    for each in os.listdir(data_dir):
        if each == name or (each.startswith(f".{name}.") and each.endswith(LEFT)):
            shutil.rmtree(os.path.join(data_dir, each))


def refuse_running(folder: str, name: str) -> None:
    if runs(folder):
        raise Refused(f"{name} runs in {folder}: end it first")
