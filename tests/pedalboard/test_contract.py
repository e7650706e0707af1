"""Every device keeps the contract: any block size, reset, latency, length, extremes, silence, rates, channels."""

from __future__ import annotations

import numpy as np
import pytest

from voxrack.host import Host
from voxrack.testing import check_device, noise
from voxrack_pedalboard.specs import BY_ID, SPECS

pedalboard = pytest.importorskip("pedalboard", reason="the extra 'pedalboard' is not installed")

STREAMING = [s.id for s in SPECS if s.streaming and s.id != "pedalboard.vst3"]
DIRECT = [s.id for s in SPECS if s.factory.startswith("voxrack_pedalboard.direct:")]
LATENCIES = {  # frames, stereo at 48 kHz with default values; 0 where not named
    "pedalboard.reverb": 15,
    "pedalboard.brickwall_limiter": 15 + 240,
    "pedalboard.resample": 127 + 450 + 6,
    "pedalboard.mp3_compressor": 127 + 3609,
    "pedalboard.gsm_full_rate_compressor": 9600 + 960 - 1,
}


@pytest.fixture(scope="module")
def host() -> Host:
    return Host()


@pytest.fixture(scope="module")
def response(tmp_path_factory) -> str:
    """A decaying noise of 1500 frames at 48 kHz."""
    import soundfile

    path = tmp_path_factory.mktemp("responses") / "room.wav"
    decay = np.exp(-np.arange(1500) / 300)
    soundfile.write(path, noise(1500 / 48_000).samples[0] * decay, 48_000, subtype="FLOAT")
    return str(path)


@pytest.fixture
def make(host, response):
    def made(id: str, **values):
        if id == "pedalboard.convolution":
            values.setdefault("impulse_response", response)
        return host.create(id, values)

    return made


def run(device, x: np.ndarray, rate: int, size: int, tail: int = 0) -> np.ndarray:
    device.prepare(rate, x.shape[0], size)
    out = [device.process(np.ascontiguousarray(x[:, i : i + size])) for i in range(0, x.shape[1], size)]
    while tail > 0 and (piece := device.flush(min(size, tail))).shape[1]:
        out.append(piece)
        tail -= piece.shape[1]
    return np.concatenate(out, axis=1)


@pytest.mark.parametrize("id", [s.id for s in SPECS if s.id != "pedalboard.vst3"])
def test_check_device(id, host, response):
    values = {"impulse_response": response} if id == "pedalboard.convolution" else {}
    slow = id in ("pedalboard.pitch_shift", "pedalboard.resample")
    rates = (8_000, 48_000) if slow else (8_000, 44_100, 48_000, 192_000)
    report = check_device(id, host=host, values=values, sample_rates=rates, seconds=0.1)
    assert report.ok, str(report)
    assert not [c for c in report.checks if c.outcome == "waived" and "unnecessary" in c.detail], str(report)


@pytest.mark.parametrize(
    ("id", "channels"),
    [(id, n) for id in STREAMING for n in (1, 2, 6) if not BY_ID[id].channels or n in BY_ID[id].channels],
)
def test_blocks_of_a_few_frames_are_not_taken_for_channels(id, channels, make):
    """pedalboard reads (2, 1) as two frames of mono, and (6, 4) as six frames of four channels."""
    x = noise(0.006, 48_000, channels=channels).samples
    whole = run(make(id), x, 48_000, 4096, tail=600)
    for size in (1, 2, 4, 6):
        np.testing.assert_allclose(run(make(id), x, 48_000, size, tail=600), whole, atol=1e-6)


@pytest.mark.parametrize("id", STREAMING)
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (192_000, 2)])
def test_any_block_size_gives_the_same(id, rate, channels, make):
    if BY_ID[id].rates and rate not in BY_ID[id].rates:
        rate = max(BY_ID[id].rates)
    x = noise(6000 / rate, rate, channels=channels).samples
    whole = run(make(id), x, rate, 6000)
    assert whole.shape == x.shape
    for size in (7, 64, 512, 4096):
        np.testing.assert_allclose(run(make(id), x, rate, size), whole, atol=1e-6)


@pytest.mark.parametrize("id", STREAMING)
def test_latency_is_what_the_table_says(id, make):
    device = make(id)
    device.prepare(48_000, 2, 512)
    assert device.latency == LATENCIES.get(id, 0)


@pytest.mark.parametrize("id", DIRECT)
def test_direct_devices_equal_one_call_of_pedalboard_bit_for_bit(id, make):
    """Given the silence with which the device is primed, too."""
    effect = getattr(pedalboard, BY_ID[id].factory.partition(":")[2])()
    x = noise(0.2, 48_000, channels=2).samples
    primed = np.concatenate((np.zeros((2, 1024), np.float32), x), axis=1)
    np.testing.assert_array_equal(run(make(id), x, 48_000, 480), effect.process(primed, 48_000)[:, 1024:])


@pytest.mark.parametrize("id", ["pedalboard.reverb", "pedalboard.brickwall_limiter", "pedalboard.resample"])
def test_buffered_devices_equal_one_call_of_pedalboard_after_their_latency(id, make):
    effect = getattr(pedalboard, BY_ID[id].factory.partition(":")[2])()
    x = noise(0.3, 48_000, channels=2).samples
    device = make(id)
    out = run(device, x, 48_000, 480, tail=device.latency + 4096)[:, device.latency :][:, : x.shape[1]]
    np.testing.assert_allclose(out, effect.process(x, 48_000), atol=1e-6)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_mp3_equals_one_call_of_pedalboard_after_its_latency(rate, make):
    x = noise(0.5, rate, channels=2).samples
    device = make("pedalboard.mp3_compressor")
    out = run(device, x, rate, 480, tail=6000)[:, device.latency :][:, : x.shape[1]]
    whole = pedalboard.MP3Compressor().process(x, rate)
    assert np.abs(out - whole).max() < 2e-2  # the encoder may decide one frame otherwise; noise is its worst input
    assert np.corrcoef(out.ravel(), whole.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_gsm_sounds_like_one_call_of_pedalboard_after_its_latency(rate, make):
    """The codec forgets its past within the 0.4 s it is given: what is left is well below its own noise."""
    from voxrack.testing import voice

    x = voice(2.0, rate).samples
    device = make("pedalboard.gsm_full_rate_compressor")
    out = run(device, x, rate, 480, tail=rate)[:, device.latency :][:, : x.shape[1]]
    whole = pedalboard.GSMFullRateCompressor().process(x, rate)
    error, coding = np.sum((out - whole) ** 2), np.sum((whole - x) ** 2)
    assert error < 0.5 * coding


@pytest.mark.parametrize("id", [f"pedalboard.{n}" for n in ("resample", "gsm_full_rate_compressor", "mp3_compressor")])
@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_a_soft_pulse_arrives_at_the_latency(id, rate, make):
    """A pulse below 1 kHz survives a narrow band and a codec; its peak is late by `latency`, give or take a sample."""
    time = np.arange(int(0.8 * rate)) / rate
    x = (0.5 * np.exp(-(((time - 0.3) / 6e-4) ** 2)))[np.newaxis].astype(np.float32)
    device = make(id)
    out = run(device, x, rate, 512, tail=rate)
    slack = 1 if id == "pedalboard.resample" else rate / 8_000 + 1  # one sample of the codec's own rate
    assert abs(int(np.abs(out[0]).argmax()) - int(x[0].argmax()) - device.latency) <= slack


def test_pitch_shift_streams_nowhere_and_says_so(make):
    with pytest.raises(ValueError, match="whole signal"):
        make("pedalboard.pitch_shift").prepare(48_000, 1, 512)
