"""What the devices do to real speech and to signals whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voxrack.audio import Audio
from voxrack.files import read
from voxrack.host import Host
from voxrack.rendering import render
from voxrack.testing import noise

pytest.importorskip("pedalboard", reason="the extra 'pedalboard' is not installed")


@pytest.fixture(scope="module")
def host() -> Host:
    return Host()


@pytest.fixture
def speech(shared: Path) -> Audio:
    """ "Kids are talking by the door", spoken by a man (16 kHz)."""
    files = sorted((shared / "data" / "ravdess" / "Actor_01").glob("*.flac"))
    if not files:
        pytest.skip(f"no recordings in {shared}/data/ravdess/Actor_01")
    return read(files[0])


def crest(samples: np.ndarray) -> float:
    return float(np.abs(samples).max() / np.sqrt(np.mean(samples**2)))


def pitch(samples: np.ndarray, rate: int) -> float:
    """Median F0 in Hz over voiced frames, by the autocorrelation's highest peak between 60 and 500 Hz."""
    found = []
    size = int(0.04 * rate)
    for start in range(0, samples.size - size, size // 2):
        frame = samples[start : start + size] - samples[start : start + size].mean()
        auto = np.correlate(frame, frame, "full")[size - 1 :]
        low, high = int(rate / 500), int(rate / 60)
        lag = low + int(auto[low:high].argmax())
        if np.sqrt(np.mean(frame**2)) > 0.3 * np.sqrt(np.mean(samples**2)) and auto[lag] > 0.6 * auto[0]:
            found.append(rate / lag)
    assert len(found) > 10
    return float(np.median(found))


@pytest.mark.parametrize(("semitones", "factor"), [(12.0, 2.0), (7.0, 1.498), (-5.0, 0.749)])
def test_pitch_shift_moves_the_pitch_of_speech_and_keeps_its_length(host, speech, semitones, factor):
    out = render(host.create("pedalboard.pitch_shift", semitones=semitones), speech)
    assert out.frames == speech.frames
    assert pitch(out.samples[0], 16_000) / pitch(speech.samples[0], 16_000) == pytest.approx(factor, rel=0.06)


def test_compressor_lowers_the_crest_factor_of_speech(host, speech):
    out = render(host.create("pedalboard.compressor", threshold_db=-40, ratio=8, attack_ms=1, release_ms=50), speech)
    assert crest(out.samples) < 0.75 * crest(speech.samples)


def test_noise_gate_silences_the_pauses_of_speech_and_keeps_the_words(host, speech):
    out = render(host.create("pedalboard.noise_gate", threshold_db=-40, ratio=20), speech, tail=False)
    frames = speech.samples[0][: speech.frames // 160 * 160].reshape(-1, 160)
    after = out.samples[0][: frames.size].reshape(-1, 160)
    level, gated = np.sqrt((frames**2).mean(1)), np.sqrt((after**2).mean(1))
    quiet, loud = level < 10 ** (-60 / 20), level > 0.5 * level.max()
    assert quiet.sum() > 20 and loud.sum() > 20
    assert gated[quiet].mean() < 0.05 * level[quiet].mean()
    assert gated[loud].mean() > 0.8 * level[loud].mean()


def test_brickwall_limiter_keeps_its_ceiling_on_loud_speech(host, speech):
    loud = Audio(speech.samples * (2.0 / speech.peak), speech.sample_rate)
    out = render(host.create("pedalboard.brickwall_limiter", ceiling_db=-6.0), loud)
    assert out.peak <= 10 ** (-6 / 20) * 1.0001 and out.peak > 10 ** (-6 / 20) * 0.9


def test_mp3_of_speech_is_close_to_it_and_in_time(host, speech):
    out = render(host.create("pedalboard.mp3_compressor", vbr_quality=1.0), speech, tail=False)
    assert np.corrcoef(out.samples[0], speech.samples[0])[0, 1] > 0.99


def test_gsm_takes_away_what_a_telephone_takes_away(host, speech):
    out = render(host.create("pedalboard.gsm_full_rate_compressor"), speech, tail=False)
    assert np.corrcoef(out.samples[0], speech.samples[0])[0, 1] > 0.8
    spectrum = np.abs(np.fft.rfft(out.samples[0])) ** 2
    frequency = np.fft.rfftfreq(out.frames, 1 / 16_000)
    assert spectrum[frequency > 5_000].sum() < 0.01 * spectrum.sum()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("normalize", [False, True])
def test_convolution_is_a_convolution(host, tmp_path, channels, normalize):
    """Against scipy, with a response of its own in each channel."""
    import soundfile
    from scipy.signal import fftconvolve

    response = noise(0.1, 48_000, channels=channels, seed=5).samples * np.exp(-np.arange(4800) / 900).astype(np.float32)
    soundfile.write(tmp_path / "room.wav", response.T, 48_000, subtype="FLOAT")
    x = noise(0.5, 48_000, channels=channels).samples
    device = host.create("pedalboard.convolution", impulse_response=str(tmp_path / "room.wav"), normalize=normalize)
    out = render(device, Audio(x, 48_000)).samples[:, : x.shape[1] + 4799]
    wanted = np.stack([fftconvolve(a, h) for a, h in zip(x, response, strict=True)])
    if normalize:
        wanted *= 0.125 / np.sqrt(np.square(response, dtype=np.float64).sum(axis=1).max())
    padded = np.pad(out, ((0, 0), (0, wanted.shape[1] - out.shape[1])))
    assert np.abs(padded - wanted).max() < 2e-5 * np.abs(wanted).max() + 10 ** (-90 / 20)


def test_a_response_of_another_rate_is_the_same_room(host, tmp_path):
    import soundfile

    rate = 48_000
    time = np.arange(0.05 * 96_000) / 96_000
    room = np.exp(-time / 0.01) * np.cos(2 * np.pi * 700 * time)
    soundfile.write(tmp_path / "room.wav", 0.01 * room, 96_000, subtype="FLOAT")
    device = host.create("pedalboard.convolution", impulse_response=str(tmp_path / "room.wav"), normalize=False)
    tone = np.cos(2 * np.pi * 700 * np.arange(rate // 4) / rate).astype(np.float32)[np.newaxis]
    out = render(device, Audio(tone * 0.5, rate), tail=False).samples[0, 6_000:]
    gain = abs(np.sum(0.01 * room * np.exp(-2j * np.pi * 700 * time)))
    assert np.abs(out).max() == pytest.approx(0.5 * gain, rel=0.02)


def response_at(host, id: str, frequency: float, rate: int = 48_000, **values) -> float:
    """Gain in dB for a settled sine."""
    time = np.arange(rate) / rate
    x = (0.05 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)[np.newaxis]
    out = render(host.create(id, values), Audio(x, rate), tail=False).samples
    return float(20 * np.log10(np.abs(out[0, rate // 2 :]).max() / np.abs(x[0, rate // 2 :]).max()))


@pytest.mark.parametrize(
    ("id", "values", "frequency", "gain"),
    [
        ("gain", {"gain_db": -12.0}, 500, -12.0),
        ("invert", {}, 500, 0.0),
        ("highpass_filter", {"cutoff_frequency_hz": 500.0}, 500, -3.01),
        ("lowpass_filter", {"cutoff_frequency_hz": 500.0}, 500, -3.01),
        ("peak_filter", {"cutoff_frequency_hz": 1000.0, "gain_db": 9.0, "q": 2.0}, 1000, 9.0),
        ("low_shelf_filter", {"cutoff_frequency_hz": 1000.0, "gain_db": -9.0}, 30, -9.0),
        ("high_shelf_filter", {"cutoff_frequency_hz": 1000.0, "gain_db": -9.0}, 15_000, -9.0),
        ("clipping", {"threshold_db": -32.04}, 500, -6.02),
        ("ladder_filter", {"mode": "LPF24", "cutoff_hz": 200.0}, 4_000, -90.0),
    ],
)
def test_gain_of_a_sine(host, id, values, frequency, gain):
    found = response_at(host, f"pedalboard.{id}", frequency, **values)
    assert found < -60 if gain < -60 else found == pytest.approx(gain, abs=0.1)


def test_invert_flips(host):
    x = noise(0.1, 48_000, channels=2)
    np.testing.assert_array_equal(render(host.create("pedalboard.invert"), x, tail=False).samples, -x.samples)


def test_delay_repeats_after_its_time(host):
    x = np.zeros((1, 48_000), np.float32)
    x[0, 100] = 0.5
    device = host.create("pedalboard.delay", delay_seconds=0.1, feedback=0.5, wet=0.5)
    out = render(device, Audio(x, 48_000), tail=False).samples[0]
    assert out[[100, 4_900, 9_700, 14_500]] == pytest.approx([0.25, 0.25, 0.125, 0.0625])


def test_reverb_rings_on_and_dies_away(host, speech):
    out = render(host.create("pedalboard.reverb", room_size=0.8, damping=0.2), speech)
    assert speech.duration + 1 < out.duration < speech.duration + 30
    assert np.abs(out.samples[:, -1600:]).max() < 1e-4


def test_a_chain_of_all_streaming_devices_stays_in_time(host):
    """Latencies add up: a click through transparent devices comes out where it went in."""
    from voxrack.rack import Rack
    from voxrack.slots import Slot

    ids = [s.spec.id for s in host.devices("processor") if s.spec.id.startswith("pedalboard.") and s.spec.streaming]
    made = [host.spec(id) for id in ids if id != "pedalboard.convolution"]
    slots = [Slot(host.create(s.id, s.transparent)) for s in made if s.transparent]
    assert len(slots) > 10
    x = np.zeros((2, 24_000), np.float32)
    x[:, 1_000] = 0.4
    out = render(Rack(slots), Audio(x, 48_000), tail=False)
    np.testing.assert_allclose(out.samples, x, atol=1e-4)
