"""The examples of ``docs/client.md``, run as they stand against a real cluster."""

import re
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster

_PAGE = Path(__file__).parents[3] / "docs" / "client.md"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_examples_of_the_page_run(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OKUBE_CONFIG", str(cluster.config))
    monkeypatch.delenv("OKUBE_MANAGERS", raising=False)
    text = _PAGE.read_text(encoding="utf-8")
    blocks = list(_BLOCK.finditer(text))
    assert len(blocks) >= 8
    names: dict[str, object] = {}
    for block in blocks:
        line = text.count("\n", 0, block.start(1))
        code = compile("\n" * line + block[1], str(_PAGE), "exec")  # so that a trace names the line of the page
        exec(code, names)
    cluster.wait(lambda: not cluster.tasks("client-demo"), "what the page made is gone")
