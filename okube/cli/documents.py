"""Service files as ``apply`` and ``diff`` take them: every error of every file at once, each with file and line."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from okube.cli.exits import BadInput
from okube.config.document import Document, line_of, render_errors
from okube.config.yamldoc import load_documents
from okube.model.errors import FieldError, InvalidInput, OkubeError
from okube.model.spec import ServiceSpec, decode_spec

__all__ = ["Placed", "read_specs"]

_ENDINGS = (".yaml", ".yml", ".json")


class Placed(msgspec.Struct, frozen=True):
    """A service, as it was read and as it stands in its file."""

    spec: ServiceSpec
    data: dict[str, Any]
    document: Document


def read_specs(paths: Sequence[str]) -> list[Placed]:
    """The services in files, folders (their YAML and JSON files, by name) and ``-`` for stdin.

    Raises:
        BadInput: a line for each thing that is wrong.
    """
    lines: list[str] = []
    found: list[Placed] = []
    for document in _documents(paths, lines):
        for part in _parts(document):
            _decode(part, found, lines)
    _refuse_twins(found, lines)
    if not lines and not found:
        lines.append(f"{', '.join(paths)}: there is no service in it")
    if lines:
        count = "1 error" if len(lines) == 1 else f"{len(lines)} errors"
        raise BadInput(lines, f"{count}: nothing was changed")
    return found


def _documents(paths: Sequence[str], lines: list[str]) -> Iterator[Document]:
    for path in paths:
        for file in _files(path, lines):
            try:
                if file is None:
                    yield from load_documents(sys.stdin.read(), source="stdin")
                else:
                    yield from load_documents(file)
            except OkubeError as error:
                lines += error.detail.splitlines()
            except UnicodeDecodeError:
                lines.append("stdin: this is no text in UTF-8")


def _files(path: str, lines: list[str]) -> list[Path | None]:
    if path == "-":
        return [None]
    folder = Path(path)
    if not folder.is_dir():
        return [folder]
    files = sorted(file for file in folder.iterdir() if file.suffix in _ENDINGS and file.is_file())
    if not files:
        lines.append(f"{path}: there is no file in this folder that ends in {', '.join(_ENDINGS)}")
    return list(files)


def _parts(document: Document) -> list[Document]:
    """The document itself, or what it lists: ``okube services -o json`` is a list of services."""
    if not isinstance(document.data, list):
        return [document]
    parts = []
    for n, data in enumerate(document.data):
        prefix = f"[{n}]"
        inner = {
            path.removeprefix(prefix).removeprefix("."): line
            for path, line in document.lines.items()
            if path == prefix or path.startswith((f"{prefix}.", f"{prefix}["))
        }
        parts.append(Document(data, inner, document.source))
    return parts


def _decode(document: Document, found: list[Placed], lines: list[str]) -> None:
    data = document.data
    try:
        if isinstance(data, dict):
            _check_kind(data)
        spec = decode_spec(data)
    except InvalidInput as error:
        lines += render_errors(document, error)
        return
    found.append(Placed(spec, data, document))


def _check_kind(data: dict[str, Any]) -> None:
    if "services" in data and "image" not in data:
        message = "this is a Compose file, and Compose files are not supported yet: write a document for each service"
        raise InvalidInput.of([FieldError("services", f"{message}, with kind: Service, name and image")])
    kind = data.get("kind", "Service")
    if kind != "Service":
        raise InvalidInput.of([FieldError("kind", f"{kind!r} is no kind that apply knows: Service")])


def _refuse_twins(found: Sequence[Placed], lines: list[str]) -> None:
    first: dict[str, Document] = {}
    for placed in found:
        name, document = placed.spec.name, placed.document
        before = first.setdefault(name, document)
        if before is not document:
            where = f"{before.source}:{line_of(before, 'name')}"
            lines.append(
                f"{document.source}:{line_of(document, 'name')}: name: {name} is given twice; first in {where}"
            )
