"""Going from one setting to another where the numbers between two settings mean nothing: by crossfade.

A delay of 300 ms becomes one of 400 ms by fading from one tap to the other, not by passing through 350 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

GLIDE_SECONDS = 0.03
Setting = TypeVar("Setting")


class Glide(Generic[Setting]):
    """Which setting holds at which sample.

    A crossfade lasts 30 ms, counted in samples. A change during one waits for its end; of several that
    wait, the last holds. So the course depends on the sample at which a change came, not on how the
    signal was cut into blocks.

    Parameters
    ----------
    make : callable
        Computes the setting for the present values; called once per change at most.
    sample_rate : int
        Hz.

    Attributes
    ----------
    now, target : Setting
        Both ends of the crossfade; the same object where nothing moves.
    length : int
        Samples of a crossfade.
    """

    def __init__(self, make: Callable[[], Setting], sample_rate: int) -> None:
        self._make = make
        self.length = max(1, round(GLIDE_SECONDS * sample_rate))
        self.jump()

    def jump(self) -> None:
        """Take the present values over at once; so does the next block, until the first one was cut."""
        self.now = self.target = self._make()
        self._position = 0
        self._changed = False
        self._started = False

    @property
    def resting(self) -> bool:
        """Nothing moves, nothing has changed, and the first block was cut: :meth:`spans` would give one span."""
        return self._started and not self._changed and self.now is self.target

    def change(self) -> None:
        """The values have changed."""
        self._changed = True

    def spans(self, frames: int) -> Iterator[tuple[int, int, int]]:
        """Cut the next ``frames`` samples into (start, stop, position) with one course each.

        ``position`` counts the samples of the crossfade before ``start``, and is -1 where nothing moves.
        The consumer renders each span before it asks for the next.
        """
        if not self._started and self._changed:
            self.jump()
        self._started = True
        start = 0
        while start < frames:
            if self.now is self.target and self._changed:
                self.target, self._position, self._changed = self._make(), 0, False
            if self.now is self.target:
                yield start, frames, -1
                return
            stop = min(frames, start + self.length - self._position)
            yield start, stop, self._position
            self._position += stop - start
            if self._position >= self.length:
                self.now = self.target
            start = stop
