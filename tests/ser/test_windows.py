"""Windows over a signal that comes in pieces, and the gate that asks for speech in them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxrack.testing import noise, voice
from voxrack_ser.gating import SpeechGate
from voxrack_ser.windows import Rechunk, Windows

RATE = 16_000


def cut(samples: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    edges = np.minimum(np.cumsum([0, *sizes]), len(samples))
    return [samples[a:b] for a, b in pairwise(edges)] + [samples[edges[-1] :]]


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 60), st.lists(st.integers(0, 50), max_size=12))
def test_windows_do_not_depend_on_blocks_and_miss_less_than_half_a_hop(frames, length, hop, sizes):
    signal = np.arange(frames, dtype=np.float32)
    windows = Windows(length, hop)
    found = [window for block in cut(signal, sizes) for window in windows.push(block)]
    found += windows.finish()
    starts = [window.start for window in found]
    assert starts == sorted(set(starts))
    for window in found:
        np.testing.assert_array_equal(window.samples, signal[window.start : window.stop])
    whole = range(0, frames - length + 1, hop)
    assert starts[: len(whole)] == list(whole)
    assert len(found) <= len(whole) + 1
    assert 2 * (frames - found[-1].stop) < hop or found[-1].stop == frames
    assert all(len(window.samples) == min(length, frames) for window in found)


@given(st.integers(1, 30), st.lists(st.integers(0, 70), max_size=12))
def test_chunks_are_of_one_size_and_lose_nothing(size, sizes):
    signal = np.arange(sum(sizes), dtype=np.float32)
    chunks = Rechunk(size)
    found = [chunk for block in cut(signal, sizes) for chunk in chunks.push(block)]
    assert all(len(chunk) == size for chunk in found)
    np.testing.assert_array_equal(np.concatenate([*found, chunks.rest()]), signal)


# ---- the gate -----------------------------------------------------------------------------------
def opened(samples: np.ndarray, rate: int, sizes: list[int] | None = None) -> list[float]:
    """Seconds of speech in each window of 1.5 s, every 0.5 s."""
    gate = SpeechGate(rate)
    for block in cut(samples, sizes or []):
        gate.push(block)
    gate.finish()
    starts = range(0, max(1, len(samples) - int(1.5 * rate) + 1), rate // 2)
    return [gate.seconds(start, min(len(samples), start + int(1.5 * rate))) for start in starts]


@pytest.mark.parametrize("rate", [16_000, 22_050, 8_000])
def test_the_gate_answers_alike_however_the_signal_is_cut(rate):
    signal = voice(5.0, rate, seed=2).samples[0]
    rng = np.random.default_rng(0)
    at_once = opened(signal, rate)
    assert max(at_once) > 1.0
    assert opened(signal, rate, rng.integers(1, 900, 400).tolist()) == at_once


def test_what_is_decided_stays_decided():
    """Asked as soon as a window is decided, the answer is that of the whole signal."""
    signal = np.concatenate((np.zeros(8000), voice(4.0, RATE, seed=5).samples[0], np.zeros(8000))).astype(np.float32)
    early, gate, start = [], SpeechGate(RATE), 0
    for block in cut(signal, [160] * (len(signal) // 160)):
        gate.push(block)
        while start + 24_000 <= gate.decided:
            early.append(gate.seconds(start, start + 24_000))
            start += 8000
    assert len(early) > 3
    assert early == opened(signal, RATE)[: len(early)]


def test_total_counts_a_frame_once_though_windows_overlap():
    signal = voice(3.0, RATE, seed=3).samples[0]
    gate = SpeechGate(RATE)
    gate.push(signal)
    gate.finish()
    parts = [gate.seconds(start, start + 16_000) for start in (0, 16_000, 32_000)]
    assert gate.total == pytest.approx(sum(parts))
    assert 2.0 < gate.total <= 3.0


def test_noise_and_a_steady_tone_do_not_open_it():
    time = np.arange(4 * RATE) / RATE
    assert max(opened(noise(4.0, RATE, level=-25.0).samples[0], RATE)) == 0.0
    chord = sum(np.sin(2 * np.pi * f * time) for f in (220.0, 277.2, 329.6)) * (
        0.1 + 0.1 * np.sin(2 * np.pi * 4 * time)
    )
    assert max(opened(chord.astype(np.float32), RATE)) == 0.0


def test_speech_in_noise_opens_it():
    signal = voice(6.0, RATE, seed=4).samples[0]
    level = 20 * np.log10(np.sqrt(np.mean(np.square(signal)))) - 15.0  # dB: 15 dB below the voice
    found = opened(signal + noise(6.0, RATE, level=float(level)).samples[0], RATE)
    assert np.mean(np.array(found) > 0.25) > 0.7
