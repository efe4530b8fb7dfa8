"""Who shows one wrong token after the other is guessing: they are told to slow down, and cost nothing more."""

from collections import OrderedDict

__all__ = ["Guesses"]

_MOST_GUESSES = 20
_WINDOW_S = 60.0
_MOST_ADDRESSES = 4096
_PREFIX = 16


class Guesses:
    """Counts different wrong tokens of each address; the same one again, of a program with an old token, is no guess.

    A right token is let in all the while: it has 256 random bits, so that nobody finds one by trying, and whoever
    guesses must not shut out the others at the same address.
    """

    def __init__(self) -> None:
        self._of: OrderedDict[str, tuple[float, set[str]]] = OrderedDict()

    def is_guessing(self, address: str, now_s: float) -> bool:
        """Whether an address has shown too many lately."""
        since_s, shown = self._of.get(address, (now_s, set()))
        return now_s < since_s + _WINDOW_S and len(shown) >= _MOST_GUESSES

    def note(self, address: str, sha256: str, now_s: float) -> None:
        """One more wrong token, by its hash."""
        since_s, shown = self._of.pop(address, (now_s, set()))
        if now_s >= since_s + _WINDOW_S:
            since_s, shown = now_s, set()
        if len(shown) < _MOST_GUESSES:
            shown.add(sha256[:_PREFIX])
        self._of[address] = (since_s, shown)
        if len(self._of) > _MOST_ADDRESSES:
            self._of.popitem(last=False)
