"""YAML and JSON files as plain data with line numbers: ``cluster.yaml`` and service files.

YAML is read safely: no tags that make objects, no key given twice, bounded in size and depth. Of the ways to write a
value those of YAML 1.2 count, so that ``no``, ``22:22``, ``0755`` and ``2026-01-02`` are text, as they look.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from okube.config.compose import MAX_DEPTH, Alias, Composer, End, Event, Scalar, Start, Trouble
from okube.config.document import Document
from okube.config.jsondoc import json_events
from okube.model.errors import BadFile, FieldError, Malformed

__all__ = ["MAX_BYTES", "Document", "load_documents"]

MAX_BYTES = 1 << 20
_MOST_PROBLEMS = 100

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there: 20 times as fast
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH = {text: text.lower() == "true" for text in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,300})")
_BASED = re.compile(r"0x[0-9a-fA-F]{1,64}|0o[0-7]{1,64}")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,300})?\.[0-9]+(?:[eE][-+]?[0-9]{1,3})?")
_TAG = "tag:yaml.org,2002:"


def load_documents(path_or_text: Path | str, *, source: str | None = None) -> list[Document]:
    """The documents of a file, those that are empty left out.

    Args:
        path_or_text: a path is read, a text is taken as it is.
        source: how errors call it; the path (from here, if it is below), or "input", unless given.

    Raises:
        Malformed: it is no YAML and no JSON, or holds what neither should; all duplicate keys at once (the first 100).
        BadFile: it cannot be read, is too large, or no UTF-8.
    """
    if isinstance(path_or_text, Path):
        source = source or _shown(path_or_text)
        text = _read(path_or_text, source)
    else:
        source = source or "input"
        text = path_or_text
        if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise BadFile(f"{source} is larger than {MAX_BYTES >> 20} MiB, the most that is read: split it.")
    composer = Composer()
    try:
        documents = _json(text, source, composer) or _yaml(text, source, composer)
    except Trouble as trouble:
        message = f"{source}:{trouble.line}: {trouble.message}"
        raise Malformed(message, (FieldError("", trouble.message),)) from trouble
    if composer.problems:
        raise _several(sorted(composer.problems), source)
    return documents


def _several(problems: list[tuple[int, str, str]], source: str) -> Malformed:
    told = problems[:_MOST_PROBLEMS]
    sentences = [
        f"{source}:{line}: {path}: {text}" if path else f"{source}:{line}: {text}" for line, path, text in told
    ]
    if len(problems) > len(told):
        sentences.append(f"{source}:{problems[len(told)][0]}: and {len(problems) - len(told)} more from here on")
    return Malformed("\n".join(sentences), tuple(FieldError(path, text) for _, path, text in told))


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):  # it is relative already, or elsewhere, or this folder is gone
        return str(path)


def _read(path: Path, source: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadFile(f"{source} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise BadFile(f"{source} is larger than {MAX_BYTES >> 20} MiB, the most that is read: split it.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFile(f"{source}:{line}: this is no text in UTF-8: save the file in that encoding.") from error


def _json(text: str, source: str, composer: Composer) -> list[Document]:
    """The one document of a JSON text, or none where it is to be read as YAML."""
    named = source.endswith(".json")
    if not named and not text.lstrip().startswith(("{", "[")):
        return []
    try:
        events = json_events(text)
    except Trouble:
        if named:
            raise
        return []  # '{a: 1}' is YAML
    data, lines = composer.document(events)
    return [Document(data, lines, source)]


def _yaml(text: str, source: str, composer: Composer) -> list[Document]:
    odd = _UNPRINTABLE.search(text)
    if odd:
        line = text.count("\n", 0, odd.start()) + 1
        raise Trouble(line, f"a control character, {odd[0]!r}, stands here; in quotes write it as an escape")
    documents = []
    parsed = _parse(text)
    for event in parsed:
        if isinstance(event, yaml.DocumentStartEvent):
            data, lines = composer.document(_events(parsed))
            if data is not None:
                documents.append(Document(data, lines, source))
    return documents


def _parse(text: str) -> Iterator[yaml.Event]:
    parser = _PARSER(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    except yaml.MarkedYAMLError as error:
        raise _trouble(error, text) from error
    except yaml.YAMLError as error:
        raise Trouble(1, f"this is no YAML: {error}") from error
    finally:
        parser.dispose()


def _events(parsed: Iterator[yaml.Event]) -> Iterator[Event]:
    """The events of one document, up to its end."""
    for event in parsed:
        if isinstance(event, yaml.DocumentEndEvent):
            return
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionEndEvent):
            yield End()
        elif isinstance(event, yaml.AliasEvent):
            yield Alias(line, str(event.anchor))
        elif isinstance(event, yaml.ScalarEvent):
            yield _scalar(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
            _require_tag(event.tag, {"map"} if kind == "mapping" else {"seq"}, line)
            yield Start(line, "mapping" if kind == "mapping" else "sequence", event.anchor)


def _scalar(event: yaml.ScalarEvent, line: int) -> Scalar:
    _require_tag(event.tag, {"str"}, line)
    if event.tag is None and event.implicit[0]:  # neither tagged nor quoted
        return Scalar(line, _plain(event.value), event.anchor, merges=event.value == "<<")
    return Scalar(line, event.value, event.anchor)


def _require_tag(tag: str | None, allowed: set[str], line: int) -> None:
    if tag is None or tag == "!" or tag.removeprefix(_TAG) in allowed:
        return
    shown = tag.replace(_TAG, "!!")
    raise Trouble(line, f"the tag {shown} is not taken here: write the value as it is, in quotes where it is text")


def _plain(text: str) -> Any:
    """What a value without quotes stands for."""
    if text in _NOTHING:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _trouble(error: yaml.MarkedYAMLError, text: str) -> Trouble:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    lines = text.splitlines()
    context = f" {error.context}" if error.context else ""
    if error.context_mark and error.context_mark.line + 1 != line:
        context += f" that begins in line {error.context_mark.line + 1}"
    message = f"this is no YAML: {error.problem}{context}"
    found = lines[line - 1] if line <= len(lines) else ""
    if "\t" in found[: len(found) - len(found.lstrip())]:
        message = "a tab stands in the indentation: YAML takes blanks only"
    elif "mapping values are not allowed" in str(error.problem):
        message = "this is no YAML: a second ':' in one line; put a text with ': ' in quotes, or check the indentation"
    elif "expected" in str(error.problem) and "node content" in str(error.problem):
        message = "this is no YAML: no value can begin here; put a text that begins with ':', ',' or the like in quotes"
    elif "nesting depth" in str(error.problem):  # libyaml's own bound, which is above ours and met first
        message = f"this is nested more than {MAX_DEPTH} deep"
    return Trouble(min(line, max(len(lines), 1)), message)
