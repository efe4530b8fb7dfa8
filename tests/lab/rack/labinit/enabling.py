"""Which units the next boot starts: links below the folder of unit files, as ``WantedBy=`` asks for them."""

from pathlib import Path

from .unitfile import FOLDERS, UnitMissing, read_unit

__all__ = ["disable", "enable", "state_of_file"]

_HERE = Path(FOLDERS[0])


def enable(name: str) -> list[str]:
    """Make the links of a unit; answers what was made."""
    unit = read_unit(name)
    made = []
    for target in unit.words("Install", "WantedBy"):
        link = _HERE / f"{target}.wants" / name
        if not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(unit.path)
            made.append(f"Created symlink {link} → {unit.path}.")
    return made


def disable(name: str) -> list[str]:
    """Remove the links of a unit; answers what was removed."""
    removed = []
    for link in sorted(_HERE.glob(f"*.wants/{name}")):
        link.unlink()
        removed.append(f"Removed {link}.")
    return removed


def state_of_file(name: str) -> str:
    """``enabled``, ``disabled``, ``static`` or nothing where there is no file."""
    if any(_HERE.glob(f"*.wants/{name}")):
        return "enabled"
    try:
        return "disabled" if read_unit(name).words("Install", "WantedBy") else "static"
    except UnitMissing:
        return ""
