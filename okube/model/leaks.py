"""Values that look as if nobody should read them, where everybody may: in environments, commands and labels. Pure.

A guess for a warning, never a refusal: by the name that a value goes under, and by forms that give themselves away.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from okube.model.spec import ServiceSpec

__all__ = ["leaks_of", "looks_secret"]

_NAME = re.compile(
    r"(?:^|[_.-])(?:pass|passwd|password|passphrase|pwd|secret|token|credentials?|"
    r"api[_.-]?key|private[_.-]?key|access[_.-]?key|signing[_.-]?key|encryption[_.-]?key)$",
    re.IGNORECASE,
)
_FORMS = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "holds a private key"),
    (re.compile(r"\bokube-(?:unlock-)?[A-Za-z0-9_-]{43}\b"), "holds a token or key of Okube"),
    (re.compile(r"\b(?:ghp|gho|ghs|github_pat|glpat|xox[abp])[_-][A-Za-z0-9_-]{16,}"), "holds an access token"),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), "holds the id of an access key"),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@"), "is a URL with a password"),
)
_HARMLESS = re.compile(r"|/\S*|\$\{?\w+\}?|true|false|yes|no|none|\d{1,4}", re.IGNORECASE)
"""What is under such a name and tells nothing: nothing, a path, a reference, a switch, a small number."""
_FLAG = re.compile(r"--?([A-Za-z][\w.-]*)(?:=(.*))?", re.DOTALL)


def looks_secret(name: str, value: str) -> str | None:
    """Why a value should not be where others read it, as the end of a sentence; None where it may."""
    found = next((reason for form, reason in _FORMS if form.search(value)), None)
    if found is not None:
        return found
    return "looks like a secret by its name" if _NAME.search(name) and not _HARMLESS.fullmatch(value) else None


def leaks_of(spec: ServiceSpec) -> Iterator[tuple[str, str]]:
    """Field paths of a service, and what is there; the values are not repeated."""
    yield from _in_mapping("env", spec.env)
    yield from _in_mapping("labels", spec.labels)
    yield from _in_command(spec.command)


def _in_mapping(path: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        reason = looks_secret(name, value)
        if reason is not None:
            yield f"{path}.{name}", reason


def _in_command(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """``--password=hunter2``, ``--password hunter2``, and what gives itself away by its form."""
    before = ""
    for n, word in enumerate(words):
        flag = _FLAG.fullmatch(word)
        name, value = (flag[1], flag[2] or "") if flag else (before, word)
        reason = looks_secret(name, value)
        if reason is not None:
            yield f"command[{n}]", reason
        before = flag[1] if flag and flag[2] is None else ""
