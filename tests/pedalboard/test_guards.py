"""What crashes, hangs or goes wrong in silence inside pedalboard is refused or right outside of it.

Each refusal is tried in a process of its own with a time limit: a crash or a hang fails the test, not the run.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from voxrack.errors import InputError, UsageError
from voxrack.host import Host
from voxrack.testing import noise
from voxrack_pedalboard.specs import SPECS

pytest.importorskip("pedalboard", reason="the extra 'pedalboard' is not installed")

SCRIPT = """
import importlib, json, sys
import numpy as np
from voxrack.errors import VoxrackError
from voxrack_pedalboard.specs import SPECS
rates, out = json.loads(sys.argv[1]), {}
for spec in SPECS:
    module, name = spec.factory.split(":")
    make = getattr(importlib.import_module(module), name)  # the bare processor: the host's guards are not asked
    for rate in rates:
        values = {p.id: p.check(p.default) for p in spec.params}
        try:
            device = make(values, {}, {})
            signal = np.ones((2, 4096), np.float32)
            if spec.streaming:
                device.prepare(rate, 2, 4096); device.process(signal)
            else:
                device.convert(signal, rate, lambda share: None)
            out[f"{spec.id} {rate}"] = "played"
        except VoxrackError as error:
            out[f"{spec.id} {rate}"] = str(error)
print(json.dumps(out))
"""


def played(rates: list[int]) -> dict[str, str]:
    """What every device said at every rate, by "id rate"."""
    command = [sys.executable, "-c", SCRIPT, json.dumps(rates)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_absurd_sample_rates_are_refused_by_every_device_before_pedalboard_sees_them():
    rates = [0, 1, 100, 999, 768_001, 1_000_000_000]
    said = played(rates)
    assert len(said) == len(SPECS) * len(rates)
    for case, text in said.items():
        assert "1000 to 768000 Hz" in text and case.split()[1] in text, case


def test_the_lowest_and_highest_rates_are_played():
    said = played([1_000, 768_000])
    refused = {case.split()[0] for case, text in said.items() if text != "played"}
    # the first has rates of its own, the others no file to begin with
    assert refused == {"pedalboard.mp3_compressor", "pedalboard.convolution", "pedalboard.vst3"}
    assert "44100" in said["pedalboard.mp3_compressor 1000"]


@pytest.fixture(scope="module")
def host() -> Host:
    return Host()


@pytest.mark.parametrize("channels", [3, 6])
def test_reverb_refuses_more_channels_than_two_instead_of_doing_nothing(host, channels):
    with pytest.raises(ValueError, match="1 or 2 channels"):
        host.create("pedalboard.reverb").prepare(48_000, channels, 512)
    from voxrack_pedalboard.buffered import Reverb

    bare = Reverb({p.id: p.default for p in host.spec("pedalboard.reverb").params}, {}, {})
    with pytest.raises(UsageError, match=f"{channels} channels; it takes 1 or 2"):
        bare.prepare(48_000, channels, 512)


@pytest.mark.parametrize("id", [s.id for s in SPECS if s.id != "pedalboard.vst3"])
def test_a_transposed_array_is_refused(id, host):
    """(1000, 2) is (frames, channels): pedalboard would take it, one way or the other."""
    device = host.create(id)
    with pytest.raises(InputError, match="transpose"):
        if host.spec(id).streaming:
            device.prepare(48_000, 1000, 512)
        else:
            device.convert(np.zeros((1000, 2), np.float32), 48_000)


def test_a_transposed_block_is_refused(host):
    device = host.create("pedalboard.gain")
    device.prepare(48_000, 2, 1000)
    with pytest.raises(UsageError, match=r"\(channels, frames\)"):
        device.process(np.zeros((1000, 2), np.float32))


FILTERS = [
    ("highpass_filter", "cutoff_frequency_hz"), ("lowpass_filter", "cutoff_frequency_hz"),
    ("peak_filter", "cutoff_frequency_hz"), ("high_shelf_filter", "cutoff_frequency_hz"),
    ("low_shelf_filter", "cutoff_frequency_hz"), ("ladder_filter", "cutoff_hz"), ("phaser", "centre_frequency_hz"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "id"), FILTERS)
@pytest.mark.parametrize("rate", [1_000, 8_000, 44_100])
def test_a_frequency_above_half_the_sample_rate_is_clamped_when_applied_and_kept_as_it_was_set(host, name, id, rate):
    """pedalboard's HighpassFilter and LowpassFilter return infinity there."""
    device = host.create(f"pedalboard.{name}", {id: 40_000.0})
    device.prepare(rate, 2, 512)
    loud = np.clip(noise(0.2, rate, channels=2, level=0.0).samples, -1, 1)
    out = [device.process(np.ascontiguousarray(loud[:, i : i + 512])) for i in range(0, loud.shape[1], 512)]
    assert np.abs(np.concatenate(out, axis=1)).max() < 10
    assert device.get(id) == 40_000.0


@pytest.mark.parametrize("id", ["pedalboard.pitch_shift", "pedalboard.gsm_full_rate_compressor"])
def test_the_effects_that_lose_their_signal_between_calls_keep_it(id, host):
    """In blocks of 512, pedalboard's PitchShift returns silence and its GSM codec loses 20 ms of every call."""
    from voxrack.testing import voice

    signal = voice(1.5, 16_000).samples
    device = host.create(id)
    if host.spec(id).streaming:
        device.prepare(16_000, 1, 512)
        pieces = [device.process(np.ascontiguousarray(signal[:, i : i + 512])) for i in range(0, signal.shape[1], 512)]
        out = np.concatenate([*pieces, device.flush(device.latency)], axis=1)[:, device.latency :]
    else:
        out = device.convert(signal, 16_000)
    assert np.corrcoef(out[0, : signal.shape[1]], signal[0, : out.shape[1]])[0, 1] > 0.8


def test_convolution_without_or_with_a_wrong_response_is_refused(host, tmp_path: Path):
    import soundfile

    with pytest.raises(UsageError, match="set impulse_response"):
        host.create("pedalboard.convolution").prepare(48_000, 1, 512)
    for name, samples, message in [
        ("three.wav", noise(0.01, channels=3).samples.T, "3 channels, the signal has 2"),
        ("silent.wav", np.zeros((100, 2)), "is silent"),
        ("long.wav", np.full((31 * 8_000, 1), 0.1), "up to 30 s"),
    ]:
        soundfile.write(tmp_path / name, samples, 8_000, subtype="FLOAT")
        device = host.create("pedalboard.convolution", impulse_response=str(tmp_path / name))
        with pytest.raises((UsageError, InputError), match=message):
            device.prepare(8_000, 2, 512)
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(InputError, match=r"text\.wav"):
        host.create("pedalboard.convolution", impulse_response=str(tmp_path / "text.wav")).prepare(48_000, 1, 512)


def test_an_effect_that_an_older_pedalboard_lacks_is_refused_with_the_command(host, monkeypatch):
    import pedalboard

    monkeypatch.delattr(pedalboard, "BrickwallLimiter")
    with pytest.raises(Exception, match="pip install --upgrade pedalboard"):
        host.create("pedalboard.brickwall_limiter").prepare(48_000, 1, 512)
