"""Tells what a machine is and has, and changes nothing on it. See ``okube.install.facts`` for the answer."""

import errno
import glob
import hashlib
import http.client
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any

PYTHONS = ("python3", "python3.14", "python3.13", "python3.12", "python3.11")
PROGRAMS = ("apt-get", "apparmor_parser", "docker", "dockerd", "iptables", "okube-lab-init", "systemctl")
TELL = (
    "import sys, sysconfig, platform;"
    "print(sys.executable, '%d.%d.%d' % sys.version_info[:3], platform.python_implementation(),"
    " sysconfig.get_platform(), platform.libc_ver()[1] or '-')"
)
ENGINE_S = 8
LISTEN = "0A"


def main(asked: str) -> None:
    question = json.loads(asked)
    answer = {
        "began": time.time(),
        "hostname": socket.gethostname(),
        "machine_id": text("/etc/machine-id"),
        "boot_id": text("/proc/sys/kernel/random/boot_id"),
        "kernel": os.uname().release,
        "arch": os.uname().machine,
        "system": system(),
        "is_root": os.geteuid() == 0,
        "cores": os.cpu_count() or 1,
        "memory": memory(),
        "pythons": pythons(),
        "init": init(),
        "programs": {name: shutil.which(name, path=path()) for name in PROGRAMS},
        "users": [name for name in question["users"] if has_user(name)],
        "disks": {each: disk(each, question["syncs"]) for each in question["folders"]},
        "ports": [port(*each) for each in question["ports"]],
        "addresses": [each for each in question["addresses"] if is_own(each)],
        "engine": engine(question["engine"]) if question["engine"] else None,
        "apparmor": text("/sys/module/apparmor/parameters/enabled") == "Y",
        "cgroups": cgroups(),
        "files": {each: file(each) for each in question["files"]},
        "entries": {each: entries(each) for each in question["listed"]},
        "contents": {each: content(each) for each in question["contents"]},
        "commands": {name: command(words) for name, words in question["commands"].items()},
        "now": time.time(),
    }
    sys.stdout.write(f"okube-answer:{json.dumps(answer)}\n")


def path() -> str:
    return os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def text(name: str) -> str:
    try:
        with open(name, encoding="utf-8", errors="replace") as found:
            return found.read().strip()
    except OSError:
        return ""


def system() -> "dict[str, Any]":
    found: dict[str, str] = {}
    for line in text("/etc/os-release").splitlines():
        key, _, value = line.partition("=")
        found[key] = value.strip("\"'")
    return {
        "name": found.get("PRETTY_NAME", ""),
        "id": found.get("ID", ""),
        "like": found.get("ID_LIKE", "").split(),
    }


def memory() -> int:
    for line in text("/proc/meminfo").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def pythons() -> "list[dict[str, Any]]":
    found: dict[str, dict[str, Any]] = {}
    for name in PYTHONS:
        program = shutil.which(name, path=path())
        if program is None:
            continue
        done = command([program, "-I", "-c", TELL])
        words = done["out"].split()
        if done["status"] == 0 and len(words) == 5:
            where, version, implementation, platform, libc = words
            found[where] = {
                "path": where,
                "version": [int(part) for part in version.split(".")],
                "implementation": implementation,
                "platform": platform,
                "libc": "" if libc == "-" else libc,
            }
    return list(found.values())


def init() -> str:
    if os.path.isdir("/run/systemd/system"):
        return "systemd"
    return "lab" if shutil.which("okube-lab-init", path=path()) else "none"


def has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def existing(folder: str) -> str:
    while not os.path.isdir(folder) and folder != "/":
        folder = os.path.dirname(folder)
    return folder


def disk(folder: str, syncs: int) -> "dict[str, Any]":
    where = existing(folder)
    size = os.statvfs(where)
    found: dict[str, Any] = {
        "total": size.f_blocks * size.f_frsize,
        "free": size.f_bavail * size.f_frsize,
        "free_files": size.f_favail if size.f_files else -1,
        "kind": filesystem(where),
        "sync_ms": None,
        "problem": "",
    }
    try:
        found["sync_ms"] = sync_ms(where, syncs) if syncs else None
    except OSError as error:
        found["problem"] = error.strerror or str(error)
    return found


def sync_ms(folder: str, syncs: int) -> float:
    """The median of what it takes to append a little and have it on the disk, as a manager's journal does."""
    took = []
    descriptor, name = tempfile.mkstemp(prefix=".okube-probe-", dir=folder)
    try:
        for _ in range(syncs):
            begin = time.time()
            os.write(descriptor, b"o" * 512)
            os.fdatasync(descriptor)
            took.append((time.time() - begin) * 1000)
    finally:
        os.close(descriptor)
        os.unlink(name)
    return sorted(took)[len(took) // 2]


def filesystem(folder: str) -> str:
    device = os.stat(folder).st_dev
    mark = f"{os.major(device)}:{os.minor(device)}"
    for line in text("/proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2] == mark:
            return after.split()[0]
    return ""


def is_own(address: str) -> bool:
    """Whether an address is this machine's: only own ones can be bound; that sends nothing."""
    try:
        found = socket.getaddrinfo(address, 0, type=socket.SOCK_DGRAM)
    except OSError:
        return False
    for family, kind, protocol, _, place in found:
        with socket.socket(family, kind, protocol) as probe:
            try:
                probe.bind(place)
            except OSError:
                continue
            return True
    return False


def port(host: str, number: int) -> "dict[str, Any]":
    found = {"host": host, "port": number, "problem": "", "taken": False, "holder": ""}
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            probe.listen(1)
    except OSError as error:
        found["problem"] = error.strerror or str(error)
        found["taken"] = error.errno == errno.EADDRINUSE
    if found["taken"]:
        found["holder"] = holder(number)
    if found["taken"] and found["holder"] == text("/proc/self/cmdline").replace("\0", " ").strip():
        found.update({"problem": "", "taken": False, "holder": ""})  # a test of the network that was cut off: it ends
    return found


def holder(number: int) -> str:
    """The command line of the process that listens at a port; empty where that cannot be seen."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in text(table).splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == number:
                inodes.add(f"socket:[{fields[9]}]")
    for link in glob.glob("/proc/[0-9]*/fd/*") if inodes else ():
        try:
            if os.readlink(link) in inodes:
                return text(os.path.join("/proc", link.split("/")[2], "cmdline")).replace("\0", " ").strip()
        except OSError:
            continue
    return ""


class EngineConnection(http.client.HTTPConnection):
    """HTTP to where an engine listens, as ``docker.host`` has it."""

    def __init__(self, place: str) -> None:
        super().__init__("engine", timeout=ENGINE_S)
        self.place = place

    def connect(self) -> None:
        """To a socket file, or a host and port."""
        if self.place.startswith("unix://"):
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(ENGINE_S)
            self.sock.connect(self.place[len("unix://") :])
        else:
            host, _, number = self.place.partition("://")[2].rpartition(":")
            self.sock = socket.create_connection((host, int(number)), timeout=ENGINE_S)


def engine(place: str) -> "dict[str, Any]":
    try:
        version, info = engine_says(place, "/version"), engine_says(place, "/info")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return {"problem": getattr(error, "strerror", None) or str(error) or type(error).__name__}
    return {
        "problem": "",
        "version": str(version.get("Version", "")),
        "api": str(version.get("ApiVersion", "")),
        "storage": str(info.get("Driver", "")),
        "root": str(info.get("DockerRootDir", "")),
        "cgroup_driver": str(info.get("CgroupDriver", "")),
        "memory_limit": bool(info.get("MemoryLimit")),
        "security": [str(each) for each in info.get("SecurityOptions") or []],
    }


def engine_says(place: str, what: str) -> "dict[str, Any]":
    connection = EngineConnection(place)
    try:
        connection.request("GET", what)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise ValueError(f"it answers {answer.status} to {what}")
    found: dict[str, Any] = json.loads(body.decode("utf-8", "replace"))
    return found


def cgroups() -> "dict[str, Any]":
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        return {"version": 2, "controllers": text("/sys/fs/cgroup/cgroup.controllers").split()}
    rows = [line.split() for line in text("/proc/cgroups").splitlines() if not line.startswith("#")]
    enabled = [row[0] for row in rows if len(row) == 4 and row[3] == "1"]
    return {"version": 1 if enabled else 0, "controllers": enabled}


def file(name: str) -> "dict[str, Any] | None":
    """What is at a path: kind, mode, owner, and the hash of a file or the target of a link; None for nothing."""
    try:
        found = os.lstat(name)
    except OSError:
        return None
    answer: dict[str, Any] = {
        "kind": "other",
        "mode": found.st_mode & 0o7777,
        "owner": owner(found.st_uid),
        "sha256": "",
        "target": "",
    }
    if os.path.islink(name):
        answer["kind"] = "link"
        answer["target"] = os.readlink(name)
    elif os.path.isdir(name):
        answer["kind"] = "folder"
    elif os.path.isfile(name):
        answer["kind"] = "file"
        try:
            with open(name, "rb") as opened:
                answer["sha256"] = hashlib.sha256(opened.read()).hexdigest()
        except OSError:
            pass
    return answer


def owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def entries(folder: str) -> "list[str]":
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def content(name: str) -> "str | None":
    try:
        with open(name, "rb") as found:
            return found.read(1 << 20).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def command(words: "list[str]") -> "dict[str, Any]":
    environment = dict(os.environ, PATH=path(), LC_ALL="C")
    try:
        done = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        )
        out = done.communicate(timeout=30)[0]
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"status": 127, "out": str(error)}
    return {"status": done.returncode, "out": out.decode("utf-8", "replace")}
