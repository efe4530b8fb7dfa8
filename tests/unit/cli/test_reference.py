from pathlib import Path

from okube.cli.main import ENTRIES
from okube.cli.reference import main, reference

ROOT = Path(__file__).resolve().parents[3]


def test_the_reference_is_up_to_date() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == reference(), "run `python -m okube.cli.reference --write`"


def test_every_command_and_what_every_command_takes_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    main(["--write", str(tmp_path)])
    page = (tmp_path / "docs" / "cli.md").read_text(encoding="utf-8")
    for name, entry in ENTRIES.items():
        assert entry.alias or f"### `okube {name}`" in page
    assert "### `okube nodes rm`" in page
    assert "| `--stale` |" in page
