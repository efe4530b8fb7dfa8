"""Takes out of a support bundle what nobody else should read: pure.

Okube keeps secrets out of its logs and answers by itself. What people put into environments, commands and labels is
theirs, though, and may be one.
"""

import re
from collections.abc import Mapping
from typing import Any

from okube.model.leaks import looks_secret

__all__ = ["TAKEN_OUT", "scrub", "without_values"]

TAKEN_OUT = "(taken out)"
_FORMS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"\bokube-[a-z0-9]{4,63}\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\.(?:worker|manager)\b"),
    re.compile(r"\bokube-(?:unlock-)?[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
    re.compile(r"\b(?:ghp|gho|ghs|github_pat|glpat|xox[abp])[_-][A-Za-z0-9_-]{16,}"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"),
    re.compile(r"(?i)(?<=authorization: )\S+ \S+"),
    re.compile(r"(?i)(?:(?<=password=)|(?<=passwd=)|(?<=token=)|(?<=secret=))[^\s\"',}]+"),
)
_VALUES = frozenset({"env", "environment"})


def scrub(text: str) -> str:
    """A text without what gives itself away as a secret by its form."""
    for form in _FORMS:
        text = form.sub(TAKEN_OUT, text)
    return text


def without_values(shown: Any) -> Any:
    """JSON of the API without the values of variables, without the words of commands but the first, and scrubbed."""
    if isinstance(shown, Mapping):
        return {key: _field(key, value) for key, value in shown.items()}
    if isinstance(shown, list | tuple):
        return [without_values(each) for each in shown]
    return scrub(shown) if isinstance(shown, str) else shown


def _field(key: str, value: Any) -> Any:
    if key in _VALUES and isinstance(value, Mapping):
        return dict.fromkeys(value, TAKEN_OUT)
    if key == "command" and isinstance(value, list | tuple):
        return [*map(without_values, value[:1]), *([TAKEN_OUT] if value[1:] else [])]
    if isinstance(value, str) and looks_secret(key, value) is not None:
        return TAKEN_OUT
    return without_values(value)
