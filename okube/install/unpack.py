"""Makes a release of Okube of a wheel bundle, on the machine itself: ``python3 - BUNDLE [VERSIONS]``.

It is sent over and needs nothing but the standard library, from Python 3.6 on, so that a machine whose Python is too
old can be told so. It answers with one line of JSON, ``{"ok": true, "release": …, "changed": …}`` or ``{"ok": false,
"error": …}``, and may be stopped anywhere: what is not whole has another name, and is begun anew.

The environment has no pip: the bundle says which wheels a Python takes, and a wheel is a zip file with a sum.
"""

import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

__all__ = ["Refused", "release_name", "target_of", "unpack"]

VERSIONS = "/opt/okube/versions"
MANIFEST = "manifest.json"
_CANDIDATES = ("python3", "python3.14", "python3.13", "python3.12", "python3.11", "/usr/bin/python3")
_ASK = (
    "import sys,platform;print(sys.implementation.name,'%d.%d'%sys.version_info[:2],platform.machine(),sys.executable,"
    "*platform.libc_ver())"
)
_COMMAND = """#!{python} -I
import sys

from okube.cli.start import main

sys.exit(main())
"""


class Refused(Exception):
    """Why there is no release, in a sentence for the one who installs."""


def release_name(manifest: bytes) -> str:
    """What a release is called: its version, and a part of the sum of its manifest, which has the sums of all else."""
    return "{}-{}".format(json.loads(manifest)["version"], hashlib.sha256(manifest).hexdigest()[:8])


def target_of(python: str, machine: str) -> str:
    """How the manifest calls a Python (``3.11``) on a kind of machine (``x86_64``)."""
    return f"{python}-{machine}"


def unpack(bundle: Path, versions: Path) -> "dict[str, Any]":
    """Have the release of a bundle, whole; one that is there is left alone.

    Raises:
        Refused: the bundle is damaged or has nothing for this machine, or there is no room.
    """
    try:
        with tarfile.open(bundle) as archive:
            manifest = _manifest(archive, bundle)
            described = json.loads(manifest)
            release = release_name(manifest)
            final = versions / release
            if final.is_dir():
                return {"release": release, "version": described["version"], "changed": False}
            python, target = _choose_python(described)
            making = versions / f".{release}.making"
            shutil.rmtree(making, ignore_errors=True)
            try:
                versions.mkdir(parents=True, exist_ok=True)
                _make(archive, described["targets"][target]["wheels"], described["wheels"], python, making, final)
                (making / MANIFEST).write_bytes(manifest)
                os.sync()
                making.rename(final)
            finally:
                shutil.rmtree(making, ignore_errors=True)
    except (tarfile.TarError, EOFError, zipfile.BadZipFile) as error:
        raise Refused(f"{bundle.name} is damaged ({error}): copy it again, or make another one") from error
    except OSError as error:
        where = error.filename or versions
        raise Refused(f"{where}: {error.strerror or error}; nothing was changed") from error
    return {"release": release, "version": described["version"], "changed": True}


def _manifest(archive: tarfile.TarFile, bundle: Path) -> bytes:
    first = archive.next()
    if first is None or first.name != MANIFEST:
        raise Refused(f"{bundle.name} is no bundle of Okube: make one with 'make wheel-bundle'")
    data = _read(archive, first)
    if json.loads(data).get("format") != 1:
        raise Refused(f"{bundle.name} is a bundle of a later kind: install it with the Okube that it is of")
    return data


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    if file is None:
        raise Refused(f"{member.name} of the bundle is no file")
    return file.read()


def _choose_python(described: "dict[str, Any]") -> "tuple[str, str]":
    """The first Python of this machine that the bundle has wheels for, and how the manifest calls it."""
    seen = []
    for candidate in (sys.executable, *_CANDIDATES):
        said = _ask(candidate)
        if said is None:
            continue
        implementation, python, machine, executable, *libc = said
        target = described["targets"].get(target_of(python, machine)) if implementation == "cpython" else None
        seen.append(f"{implementation} {python}")
        if target is None:
            continue
        if libc[:1] != ["glibc"] or _numbers(libc[1]) < _numbers(target["glibc"]):
            raise Refused(
                "the bundle needs glibc {} or newer, and this machine has {}".format(
                    target["glibc"], " ".join(libc) or "none"
                )
            )
        return executable, target_of(python, machine)
    machine = platform.machine()
    raise Refused(
        "the bundle is for Python {} and this machine has {}: install one of those, or make a bundle for it".format(
            ", ".join(sorted(described["targets"])), f"{', '.join(dict.fromkeys(seen)) or 'none'} ({machine})"
        )
    )


def _ask(candidate: str) -> "list[str] | None":
    try:
        said = subprocess.run(
            [candidate, "-I", "-c", _ASK], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return None
    words = said.stdout.decode().split()
    return words if said.returncode == 0 and len(words) >= 4 else None


def _numbers(version: str) -> "list[int]":
    return [int(part) for part in version.split(".") if part.isdigit()]


def _make(
    archive: tarfile.TarFile, wheels: "list[str]", sums: "dict[str, str]", python: str, making: Path, final: Path
) -> None:
    done = subprocess.run(
        [python, "-I", "-m", "venv", "--without-pip", "--symlinks", str(making)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        raise Refused(f"{python} makes no environment: {done.stdout.decode(errors='replace').strip()[-500:]}")
    (site,) = making.glob("lib/python3.*/site-packages")
    missing = set(wheels)
    for member in archive:
        name = member.name.rpartition("/")[2]
        if name in missing:
            _extract(name, _read(archive, member), sums[name], site)
            missing.discard(name)
    if missing:
        raise Refused("the bundle lacks {}: copy it again, or make another one".format(", ".join(sorted(missing))))
    command = making / "bin" / "okube"
    command.write_text(_COMMAND.format(python=final / "bin" / "python"))
    command.chmod(0o755)
    _compile(making, final, site)


def _extract(name: str, data: bytes, expected: str, site: Path) -> None:
    if hashlib.sha256(data).hexdigest() != expected:
        raise Refused(f"{name} in the bundle is not what it was made of: copy the bundle again, or make another one")
    with zipfile.ZipFile(io.BytesIO(data)) as wheel:
        for entry in wheel.infolist():
            path = _place(entry.filename)
            if path is None or entry.is_dir():
                continue
            target = site / path
            if site not in target.parents or ".." in target.parts:
                raise Refused(f"{name} in the bundle would write outside of its folder: do not use this bundle")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wheel.read(entry))


def _place(filename: str) -> "str | None":
    """Where a file of a wheel goes; commands, headers and manuals of libraries are of no use here."""
    top, _, rest = filename.partition("/")
    if not top.endswith(".data"):
        return filename
    kind, _, inside = rest.partition("/")
    return inside if kind in ("purelib", "platlib") else None


def _compile(making: Path, final: Path, site: Path) -> None:
    """Now, for the processes may not write here; a file that Python cannot compile is one that nobody imports."""
    words = ["-I", "-m", "compileall", "-qq", "-j0", "-x", "/tests?/", "-s", str(making), "-p", str(final), str(site)]
    subprocess.run([str(making / "bin" / "python"), *words], stdin=subprocess.DEVNULL, check=False)


def _main(arguments: "list[str]") -> int:
    os.umask(0o022)  # managers run as another user, and read it
    try:
        answer = {"ok": True, **unpack(Path(arguments[0]), Path(arguments[1] if arguments[1:] else VERSIONS))}
    except Refused as refusal:
        answer = {"ok": False, "error": str(refusal)}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0 if answer["ok"] else 1


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
