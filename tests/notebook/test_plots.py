"""Pictures: what is drawn where, and that odd signals and odd names can be drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voxrack import Audio
from voxrack.device import Track
from voxrack.errors import UsageError
from voxrack.notebook.plots import LOW, before_after, curves, envelope, log_spectrogram


def sine(frequency: float, level: float = 1.0, seconds: float = 1.0, rate: int = 48_000) -> Audio:
    time = np.arange(int(seconds * rate)) / rate
    return Audio(level * np.sin(2 * np.pi * frequency * time), rate)


@pytest.mark.parametrize("frequency", [60.0, 440.0, 1234.0, 9000.0])
@pytest.mark.parametrize("rate", [8000, 48_000, 192_000])
def test_a_full_scale_sine_is_0_dBFS_in_its_own_row(frequency: float, rate: int) -> None:
    if frequency > rate / 2:
        frequency = rate / 5
    top, rows = rate / 2, 360
    level = log_spectrogram(sine(frequency, rate=rate), top, rows=rows)
    middle = level[:, level.shape[1] // 2]
    loudest = LOW * (top / LOW) ** ((int(middle.argmax()) + 0.5) / rows)
    assert loudest == pytest.approx(frequency, rel=0.2 if frequency < 100 else 0.04)
    assert middle.max() == pytest.approx(
        0.0, abs=1.5
    )  # Hann on a doubled grid: 0.4 dB; rows: 1 dB


def test_level_follows_the_signal() -> None:
    loud, soft = (log_spectrogram(sine(1000, level), 24_000) for level in (0.5, 0.005))
    middle = loud.shape[1] // 2
    assert loud[:, middle].max() - soft[:, middle].max() == pytest.approx(40.0, abs=0.01)


def test_envelope_covers_every_sample_of_every_channel() -> None:
    samples = np.zeros((2, 10_007), np.float32)
    samples[0, 5000], samples[1, 10_006] = 0.9, -0.8
    times, low, high, rms = envelope(Audio(samples, 8000), columns=100)
    assert len(times) == 100 and high.max() == np.float32(0.9) and low.min() == np.float32(-0.8)
    assert np.sum(rms**2 > 0) == 2 and times[0] > 0 and times[-1] < 10_007 / 8000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Audio(np.zeros(1), 48_000), Audio(np.zeros((2, 1)), 48_000)),
        (Audio(np.zeros(48_000), 48_000), Audio(np.zeros(48_000), 48_000)),
        (sine(100, rate=1000), sine(100, rate=192_000)),
        (Audio(np.full((6, 3000), 0.5), 8000), sine(440, 40.0)),
    ],
    ids=["one sample", "silence", "rates", "six channels and far beyond full scale"],
)
def test_odd_signals_are_drawn(before: Audio, after: Audio, tmp_path: Path) -> None:
    before_after(before, after, tmp_path / "p.png", title="odd $x_ü$ 声 \udce9")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_both_spectrograms_share_colours_and_time() -> None:
    figure = before_after(sine(440, 0.01), sine(440, 1.0, seconds=2.0))
    images = [image for axes in figure.axes for image in axes.images]
    assert len(images) == 2 and images[0].get_clim() == images[1].get_clim() and images[0].get_clim()[1] == 0
    assert {axes.get_xlim() for axes in figure.axes[:5]} == {(0.0, 2.0)}


def test_picture_formats_and_refusal(tmp_path: Path) -> None:
    track = Track("loudness", np.arange(3.0), np.array([[-np.inf, -20], [-18, -19], [np.nan, -17]]), ("a", "b"), "LUFS")
    curves([track], tmp_path / "p.svg", title="curves")
    assert "<svg" in (tmp_path / "p.svg").read_text()
    with pytest.raises(UsageError, match="png"):
        curves([track], tmp_path / "p.txt")
    assert not (tmp_path / "p.txt").exists()
