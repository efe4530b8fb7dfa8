"""What is chosen for tasks that follow each other, and why."""

from dataclasses import dataclass

__all__ = ["Choice", "among_words"]


@dataclass(slots=True)
class Choice:
    """Nodes (rows) that get a task each, one after another, and why these: what follows a node's name in a sentence."""

    rows: list[int]
    why: str


def among_words(among: int, total: int, reasons: tuple[str, ...]) -> str:
    """The sentence for a node that was chosen ``among`` those that fit, of ``total`` nodes, for these reasons."""
    if among == 1:
        return "is the only node" if total == 1 else f"is the only one of {total} nodes that fits"
    rest = f" (of {total})" if among < total else ""
    return f"of {among} nodes that fit{rest}: {', '.join(reasons)}"
