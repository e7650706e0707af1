"""Chunks: nothing is lost or doubled, joins are smooth, and nothing grows with the signal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrack_enhance.cmgan.chunks import Chunks, Samples

LENGTH, OVERLAP = 400, 100
HOP, MARGIN, FADE = 300, 25, 50


def through(chunks: Chunks, signal: Samples, sizes: Iterator[int]) -> Samples:
    """Everything that comes out; what came until then is never more late than announced."""
    out, start = [], 0
    while start < signal.shape[1]:
        size = next(sizes)
        out.append(chunks.push(signal[:, start : start + size]))
        start = min(start + size, signal.shape[1])
        assert sum(part.shape[1] for part in out) >= start - chunks.latency
    return np.concatenate([*out, chunks.finish()], 1)


def steady(size: int) -> Iterator[int]:
    while True:
        yield size


def noise(frames: int, channels: int = 2) -> Samples:
    return np.random.default_rng(frames).normal(size=(channels, frames)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(frames=st.integers(1, 2500), sizes=st.lists(st.integers(1, 900), min_size=1, max_size=8))
def test_a_wire_in_chunks_is_a_wire(frames, sizes):
    lengths = []

    def wire(chunk: Samples) -> Samples:
        lengths.append(chunk.shape[1])
        return chunk

    def cycle() -> Iterator[int]:
        while True:
            yield from sizes

    signal = noise(frames)
    out = through(Chunks(wire, 2, 2, LENGTH, OVERLAP), signal, cycle())
    assert out.shape == signal.shape and np.abs(out - signal).max() < 1e-6
    assert lengths[:-1] == [LENGTH] * (len(lengths) - 1) and lengths[-1] <= LENGTH
    assert len(lengths) == 1 or lengths[-1] > OVERLAP  # the last one has context, too


def test_the_answer_does_not_depend_on_the_blocks():
    answer = lambda chunk: np.tanh(chunk) * chunk.std()  # noqa: E731 - hears the whole chunk
    signal = noise(3000)
    reference = through(Chunks(answer, 2, 2, LENGTH, OVERLAP), signal, steady(3000))
    for size in (1, 7, 299, 300, 400, 401):
        assert np.array_equal(reference, through(Chunks(answer, 2, 2, LENGTH, OVERLAP), signal, steady(size)))


def test_one_answer_fades_into_the_other_where_both_have_context():
    """Each chunk answers with its number: what comes out says whose answer was taken where."""
    numbers = iter(range(10))
    chunks = Chunks(lambda chunk: np.full_like(chunk, next(numbers)), 1, 1, LENGTH, OVERLAP)
    out = through(chunks, noise(1000, 1), steady(64))[0]
    for join in (1, 2):
        start = join * HOP + MARGIN
        assert (out[(join - 1) * HOP + MARGIN + FADE : start] == join - 1).all()
        assert (out[start + FADE : start + FADE + 100] == join).all()
        fade = out[start : start + FADE] - (join - 1)
        assert (np.diff(fade) > 0).all() and 0 < fade[0] < 0.01 and 0.99 < fade[-1] < 1
        np.testing.assert_allclose(fade + fade[::-1], 1.0, atol=1e-6)  # gains add up to one


def test_a_signal_of_one_chunk_is_answered_whole():
    seen = []
    chunks = Chunks(lambda chunk: seen.append(chunk) or chunk, 2, 2, LENGTH, OVERLAP)
    signal = noise(LENGTH)
    through(chunks, signal, steady(33))
    assert len(seen) == 1 and np.array_equal(seen[0], signal)


def test_reset_forgets_and_nothing_gives_nothing():
    answer = lambda chunk: chunk * chunk.std()  # noqa: E731
    chunks = Chunks(answer, 2, 2, LENGTH, OVERLAP)
    assert chunks.finish().shape == (2, 0)
    chunks.push(noise(900))
    chunks.reset()
    signal = noise(1234)
    fresh = through(Chunks(answer, 2, 2, LENGTH, OVERLAP), signal, steady(100))
    assert np.array_equal(through(chunks, signal, steady(100)), fresh)


@pytest.mark.parametrize("frames", [400, 1200, 40_000])
def test_what_is_held_does_not_grow(frames):
    chunks = Chunks(lambda chunk: chunk, 2, 2, LENGTH, OVERLAP)
    for start in range(0, frames, 50):
        chunks.push(noise(50))
        held = sum(value.nbytes for value in vars(chunks).values() if isinstance(value, np.ndarray))
        assert held <= 4 * (2 * LENGTH + 3 * FADE), start
