"""The evaluation protocol: what it ignores, what it hears, what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voxrack import Audio, write
from voxrack.errors import InputError, UsageError
from voxrack.testing import voice
from voxrack_match import LOSS_WEIGHTS, compare

RATE = 44100


def test_level_and_what_is_longer_do_not_matter() -> None:
    a = voice(1.5, RATE, 1)
    quieter = Audio(np.pad(0.25 * a.samples, ((0, 0), (0, 5000))), RATE)
    assert max(compare(a, quieter).values()) < 1e-4


def test_total_is_weighted() -> None:
    found = compare(voice(1.5, RATE, 1), voice(1.5, RATE, 2))
    assert found["total"] == pytest.approx(sum(weight * found[name] for name, weight in LOSS_WEIGHTS.items()))
    assert found["total"] > 0.5


def test_files_are_read(tmp_path: Path) -> None:
    a, b = voice(1.0, RATE, 1), voice(1.0, RATE, 2)
    write(tmp_path / "a.wav", a)
    assert compare(tmp_path / "a.wav", b) == compare(a, b)


def test_refusals() -> None:
    a = voice(1.0, RATE, 1)
    with pytest.raises(InputError, match="44100 Hz and 48000 Hz"):
        compare(a, voice(1.0, 48000, 1))
    with pytest.raises(InputError, match="second recording is silent"):
        compare(a, Audio(np.zeros((2, RATE), np.float32), RATE))
    with pytest.raises(InputError, match="too short"):
        compare(a, voice(0.1, RATE, 1))
    with pytest.raises(InputError, match="3 channels"):
        compare(Audio(np.ones((3, RATE), np.float32), RATE), a)
    with pytest.raises(UsageError, match="ndarray"):
        compare(a.samples, a)
