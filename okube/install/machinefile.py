"""The cluster.yaml of an installed machine: the operator's own, but for where things are on that machine.

The operator's ``data_dir`` and ``key_dir`` are folders of the machine that installs: there lie the CA and the admin's
credentials. What is said of SSH and of the installation is of no use on the machine either. All else is the same on
all machines, so that one can be compared with another.
"""

from collections.abc import Mapping
from typing import Any

from okube.config.document import Document
from okube.install.layout import LAYOUT, Layout

__all__ = ["INSTALLED_BY", "machine_file"]

INSTALLED_BY = "# Written by `okube cluster install`"
_HEAD = f"""{INSTALLED_BY} of the operator's cluster.yaml, and written again by it: change that one.
"""
_OPERATORS = ("ssh", "install")


def machine_file(document: Document, *, layout: Layout = LAYOUT) -> bytes:
    """The file's text for every machine of the cluster; equal documents make equal texts."""
    import yaml

    root: Mapping[str, Any] = document.data
    described = {key: _stripped(value) for key, value in root.items() if key not in _OPERATORS}
    described["data_dir"] = str(layout.data)
    described["key_dir"] = str(layout.keys)
    text: str = yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return (_HEAD + text).encode()


def _stripped(value: Any) -> Any:
    """Entries without what only the operator needs."""
    if not isinstance(value, list | tuple):
        return value
    return [
        {key: each for key, each in entry.items() if key not in _OPERATORS} if isinstance(entry, Mapping) else entry
        for entry in value
    ]
