"""Random bytes that come again in each run."""

import random


class Dice:
    def __init__(self, seed: int = 0) -> None:
        self._rng = random.Random(seed)

    def __call__(self, count: int) -> bytes:
        return self._rng.randbytes(count)
