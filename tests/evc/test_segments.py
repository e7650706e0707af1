"""Pieces of long recordings: cut in pauses, joined without a seam, never more than one in memory."""

from __future__ import annotations

import numpy as np
import pytest

from voxrack.testing import noise, voice
from voxrack_evc.segments import FADE, converted, joined, pieces, quietest

RATE = 8_000


def blocks(signal, size=3000):
    return (signal[:, start : start + size] for start in range(0, signal.shape[1], size))


@pytest.mark.parametrize("seconds", [0.01, 0.3, 1.0, 2.0, 7.3])
def test_what_is_left_alone_comes_back_bit_for_bit(seconds):
    signal = voice(seconds, RATE, 3, 2).samples
    out = np.concatenate(list(converted(blocks(signal), RATE, np.copy, longest=1.0)), axis=1)
    assert np.array_equal(out, signal)


def test_cuts_lie_in_pauses():
    sound = noise(4.0, RATE, level=-20.0).samples.copy()
    for start in (0.7, 1.4, 2.1, 2.8, 3.5):
        sound[:, round(start * RATE) : round((start + 0.1) * RATE)] *= 1e-3
    ends = np.cumsum([piece.shape[1] - round(FADE * RATE) for piece in pieces(blocks(sound), RATE, 1.0)])[:-1] / RATE
    assert len(ends) >= 4
    for end in ends:
        assert min(abs(end - (start + 0.05)) for start in (0.7, 1.4, 2.1, 2.8, 3.5)) < 0.05


def test_pieces_are_never_longer_than_asked_for():
    signal = noise(9.0, RATE).samples
    lengths = [piece.shape[1] for piece in pieces(blocks(signal, 50_000), RATE, 1.5)]
    assert max(lengths) <= 1.5 * RATE and min(lengths[:-1]) >= 0.75 * RATE


def test_a_join_fades_and_does_not_leap():
    count = round(FADE * RATE)
    one, other = np.full((1, 500), 0.5, np.float32), np.full((1, 500), -0.5, np.float32)
    out = np.concatenate(list(joined([one, other], RATE)), axis=1)
    assert out.shape == (1, 1000 - count)
    assert np.abs(np.diff(out)).max() == pytest.approx(1.0 / count, rel=1e-3)


def test_pieces_of_another_length_are_joined_too():
    def double(piece):
        return np.repeat(piece, 2, axis=1)

    signal = voice(5.0, RATE, 1).samples
    out = np.concatenate(list(converted(blocks(signal), RATE, double, longest=1.0)), axis=1)
    count = len(list(pieces(blocks(signal), RATE, 1.0)))
    fade = round(FADE * RATE)
    assert out.shape[1] == 2 * (signal.shape[1] + fade * (count - 1)) - fade * (count - 1)


def test_only_one_piece_is_held_at_a_time():
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield np.zeros((1, RATE), np.float32)

    stream = converted(endless(), RATE, np.copy, longest=2.0)
    for _ in range(3):
        next(stream)
    assert taken < 12


def test_of_a_steady_sound_the_middle_is_taken():
    assert quietest(np.zeros((1, 1000), np.float32), RATE, 200, 400) == 300
