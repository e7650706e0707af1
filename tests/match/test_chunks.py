from __future__ import annotations

import numpy as np

from voxrack_match.chunks import Chunk, audible, cut

RATE = 1000


def test_twelve_seconds_are_scored_whole():
    assert cut(12 * RATE, RATE) == [Chunk(0, 12_000, 0, 12_000)]


def test_long_recordings_hop_by_seven_seconds_after_a_warm_up_of_five():
    chunks = cut(30 * RATE, RATE)
    assert [chunk.start for chunk in chunks] == [0, 7000, 14_000]
    assert all((chunk.length, chunk.warm_up, chunk.scored) == (12_000, 5000, 7000) for chunk in chunks[1:])


def test_scored_parts_join_without_gap_or_overlap():
    chunks = cut(61 * RATE, RATE)
    marks = np.zeros(61 * RATE, int)
    for chunk in chunks:
        chunk.target(marks)[...] += 1
    end = chunks[-1].start + chunks[-1].length
    assert np.all(marks[:end] == 1) and not marks[end:].any()
    assert 61 * RATE - end < 7 * RATE


def test_a_short_recording_is_one_padded_chunk_scored_where_there_is_sound():
    (chunk,) = cut(1500, RATE)
    assert (chunk.start, chunk.warm_up, chunk.scored) == (0, 0, 1500)
    taken = chunk.take(np.ones((2, 1500), np.float32))
    assert taken.shape == (2, chunk.length) and chunk.length > 1500
    assert taken[:, :1500].all() and not taken[:, 1500:].any()


def test_silent_chunks_are_dropped_by_the_peak_of_their_scored_part():
    wet = np.zeros((2, 30 * RATE), np.float32)
    wet[0, 13_000] = 0.5  # in the scored part of the second chunk, in the warm-up of the third
    wet[1, 100] = 0.0009  # below -60 dBFS
    assert [chunk.start for chunk in audible(cut(30 * RATE, RATE), wet)] == [7000]
