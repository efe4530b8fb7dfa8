"""Which of the faults of a seed that fails are needed for it to fail."""

from collections.abc import Callable, Sequence

__all__ = ["shrink_faults"]


def shrink_faults(numbers: Sequence[int], fails: Callable[[Sequence[int]], bool]) -> list[int]:
    """A part of ``numbers`` with which it still fails, and without any one of which it does not.

    Faults have their own chance, so that one less leaves the others as they are; what follows from them differs.
    After A. Zeller and R. Hildebrandt, "Simplifying and isolating failure-inducing input", 2002.
    """
    kept = list(numbers)
    size = max(1, len(kept) // 2)
    while True:
        before = len(kept)
        place = 0
        while place < len(kept):
            rest = kept[:place] + kept[place + size :]
            if fails(rest):
                kept = rest
            else:
                place += size
        if size == 1 and len(kept) == before:
            return kept
        size = max(1, size // 2)
