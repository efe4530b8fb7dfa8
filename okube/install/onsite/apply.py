"""Carries out the steps of ``okube.install.steps`` on a machine, in order, up to the first that cannot be done."""

import base64
import errno
import fcntl
import hashlib
import io
import json
import os
import pwd
import shutil
import subprocess
import sys
import tarfile
import time
from typing import Any

TAIL_LINES = 4
LOCK_S = 120
FIRST_COME = "another installation is at work on this machine: wait until it is done"


class Failed(Exception):
    """A step cannot be done; the message says why."""


def main(asked: str) -> None:
    order = json.loads(asked)
    done, problem = 0, ""
    try:
        lock = locked(order["lock"])
        for step in order["steps"]:
            carry_out(step)
            done += 1
        os.close(lock)
    except Failed as error:
        problem = str(error)
    sys.stdout.write(f"okube-answer:{json.dumps({'done': done, 'problem': problem})}\n")


def locked(path: str) -> int:
    """The lock is let go at this program's end; one whose connection died may be at its last step still."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.time() + LOCK_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.time() > until:
                raise Failed(FIRST_COME) from None
            time.sleep(0.2)
        else:
            return descriptor


def carry_out(step: "dict[str, Any]") -> None:
    try:
        DO[step["do"]](step)
    except OSError as error:
        raise Failed(f"{step['why']}: {plainly(error)}") from error
    except Failed as error:
        raise Failed(f"{step['why']}: {error}") from error


def plainly(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}the disk is full: make room there"
    return where + (error.strerror or str(error))


def account(step: "dict[str, Any]") -> None:
    if has_account(step["name"]):
        return
    words = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    run_words([*words, "--home-dir", step["home"], step["name"]])


def has_account(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def folder(step: "dict[str, Any]") -> None:
    if not os.path.isdir(step["path"]):
        os.makedirs(step["path"], mode=0o755, exist_ok=True)
    give(step["path"], step["mode"], step["owner"])


def file(step: "dict[str, Any]") -> None:
    path, content = step["path"], base64.b64decode(step["content"])
    if same_content(path, content):
        give(path, step["mode"], step["owner"])
        return
    beside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.okube-part")
    with fresh(beside) as part:
        part.write(content)
        part.flush()
        give(beside, step["mode"], step["owner"])
        os.fsync(part.fileno())
    os.replace(beside, path)
    sync(os.path.dirname(path))


def fresh(path: str) -> "Any":
    """A new file that nobody else reads, whatever an earlier run left there."""
    if os.path.lexists(path):
        os.unlink(path)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def same_content(path: str, content: bytes) -> bool:
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    with open(path, "rb") as found:
        return hashlib.sha256(found.read()).digest() == hashlib.sha256(content).digest()


def give(path: str, mode: int, owner: str) -> None:
    try:
        entry = pwd.getpwnam(owner)
    except KeyError:
        raise Failed(f"there is no user {owner} on this machine") from None
    found = os.lstat(path)
    if (found.st_uid, found.st_gid) != (entry.pw_uid, entry.pw_gid):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    if found.st_mode & 0o7777 != mode:
        os.chmod(path, mode)


def link(step: "dict[str, Any]") -> None:
    path = step["path"]
    if os.path.islink(path) and os.readlink(path) == step["target"]:
        return
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    beside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.okube-part")
    if os.path.lexists(beside):
        os.unlink(beside)
    os.symlink(step["target"], beside)
    os.replace(beside, path)
    sync(os.path.dirname(path))


def tree(step: "dict[str, Any]") -> None:
    """The folder has its name when all of it is there, and belongs to whom it should."""
    path = step["path"]
    if os.path.lexists(path):
        return
    making = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.making")
    shutil.rmtree(making, ignore_errors=True)
    os.mkdir(making, 0o700)
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(step["archive"]))) as archive:
        if hasattr(tarfile, "fully_trusted_filter"):  # what it holds is looked at here; older Pythons have no filters
            archive.extraction_filter = tarfile.fully_trusted_filter
        for member in archive.getmembers():
            if member.name.startswith("/") or ".." in member.name.split("/") or not (member.isfile() or member.isdir()):
                raise Failed(f"the archive holds what it should not: {member.name}")
            archive.extract(member, making, set_attrs=True, numeric_owner=True)
    entry = pwd.getpwnam(step["owner"])
    for where, folders, files in os.walk(making):
        for name in folders + files:
            os.chown(os.path.join(where, name), entry.pw_uid, entry.pw_gid)
        for name in files:
            sync(os.path.join(where, name))
        sync(where)
    os.chown(making, entry.pw_uid, entry.pw_gid)
    os.rename(making, path)
    sync(os.path.dirname(path))


def gone(step: "dict[str, Any]") -> None:
    if os.path.lexists(step["path"]):
        os.unlink(step["path"])
        sync(os.path.dirname(step["path"]))


def packages(step: "dict[str, Any]") -> None:
    words = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "--no-install-recommends"]
    if run_apt(words + step["names"]) is None:
        return
    run_apt(["apt-get", "-qq", "update"])
    problem = run_apt(words + step["names"])
    if problem is not None:
        raise Failed(problem)


def run_apt(words: "list[str]") -> "str | None":
    try:
        run_words(words, dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
    except Failed as error:
        return str(error)
    return None


def run(step: "dict[str, Any]") -> None:
    run_words(step["words"])


def run_words(words: "list[str]", environment: "dict[str, str] | None" = None) -> None:
    inherited = dict(os.environ if environment is None else environment)
    inherited["PATH"] = f"{inherited.get('PATH', '')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    try:
        done = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=inherited
        )
    except OSError as error:
        raise Failed(f"{words[0]}: {error.strerror}") from error
    out = done.communicate()[0].decode("utf-8", "replace").strip().splitlines()
    if done.returncode:
        said = " / ".join(out[-TAIL_LINES:]) or "it wrote nothing"
        raise Failed(f"'{' '.join(words)}' ended with status {done.returncode}: {said}")


def sync(path: str) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


DO = {
    "account": account,
    "folder": folder,
    "file": file,
    "link": link,
    "tree": tree,
    "gone": gone,
    "packages": packages,
    "run": run,
}
