"""Several starts, some steps from each, and on from the one that came furthest down.

What scores best before a descent need not lead furthest: a fast compressor or an endless echo can look like a gain
at the start and be a dead end, or look like nothing and be the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .optimiser import Descent, State


class Race:
    """Descents from several states, one after the other; their steps and seconds count on.

    Parameters
    ----------
    states : sequence of State
        The starts; with one there is no race.
    make : callable
        ``make(state)`` returns the :class:`Descent` that moves it.
    """

    def __init__(self, states: Sequence[State], make: Callable[[State], Descent]) -> None:
        self.lanes = [make(state) for state in states]
        self.running = len(self.lanes) > 1

    @property
    def leader(self) -> Descent:
        """The lane whose best point is the lowest so far."""
        return min(self.lanes, key=lambda lane: lane.state.best_total)

    def run(self, steps: int, take: Callable[[Descent], bool]) -> bool:
        """``steps`` steps of each lane, then the leader alone; False where ``take`` asked to stop.

        Parameters
        ----------
        steps : int
        take : callable
            ``take(lane)`` makes one step; it returns False to stop.
        """
        for index, lane in enumerate(self.lanes if self.running else ()):
            if index:
                lane.go_on_from(self.lanes[index - 1])
            for _ in range(steps):
                if lane.finished:
                    break
                if not take(lane):
                    return False
            lane.weigh()
        if self.running:
            leader, last = self.leader, self.lanes[-1]
            leader.state.notes.append(f"start {self.lanes.index(leader) + 1} of {len(self.lanes)} came furthest down")
            leader.go_on_from(last)
            self.running = False
        return True
