"""The contract carries its hardest users: every probe is checked, rendered, streamed, saved and packed."""

from __future__ import annotations

import numpy as np
import pytest

import probes
from voxrack import Audio, Preset, Rack, analyze, render, stream, write
from voxrack.errors import PluginError, RoutingError
from voxrack.testing import check_device, host_with, noise, voice

HOST = host_with(probes, "probes", discover=False)  # alone: of installed enhancers another may be the first
PROCESSORS = [spec for spec in probes.SPECS if spec.kind == "processor"]
STREAMING = [spec for spec in PROCESSORS if spec.streaming]
AUDIO = voice(1.0, 48_000)


def rack_of(id: str, **values) -> Rack:
    return Rack([HOST.create(id, values)])


@pytest.mark.parametrize("spec", probes.SPECS, ids=lambda spec: spec.id)
def test_keeps_every_invariance(spec):
    check_device(spec.id, host=HOST).raise_if_failed()


def test_keeps_every_invariance_with_an_asset(tmp_path):
    write(tmp_path / "a voice.wav", noise(0.5, 16_000, level=-26.0))
    values = {"recording": str(tmp_path / "a voice.wav")}
    report = check_device("probe.reference", host=HOST, values=values).raise_if_failed()
    assert report["preset"].outcome == report["latency"].outcome == "passed"


@pytest.mark.parametrize("spec", STREAMING, ids=lambda spec: spec.id)
def test_stream_in_any_blocks_gives_what_render_gives(spec):
    whole = render(rack_of(spec.id), AUDIO)
    blocks = np.array_split(AUDIO.samples, 37, axis=1)
    streamed = np.concatenate(list(stream(rack_of(spec.id), blocks, AUDIO.sample_rate)), axis=1)
    np.testing.assert_allclose(streamed, whole.samples, atol=1e-6)


@pytest.mark.parametrize("spec", PROCESSORS, ids=lambda spec: spec.id)
def test_survives_a_preset(spec):
    rack = rack_of(spec.id)
    text = Preset.of(rack, name=spec.id, created="").text()
    again = Preset.from_text(text).rack(HOST)
    assert Preset.of(again, name=spec.id, created="").text() == text
    np.testing.assert_array_equal(render(again, AUDIO).samples, render(rack, AUDIO).samples)


@pytest.mark.parametrize("spec", PROCESSORS, ids=lambda spec: spec.id)
def test_survives_the_parameter_vector(spec):
    rack = rack_of(spec.id)
    layout = rack.layout()
    values = rack.values()
    for space, close in (("plain", 0.0), ("unit", 1e-9), ("logit", 1e-5)):
        vector = layout.pack(values, space)
        assert vector.shape == (layout.size,) == (len(layout.names()),)
        for address, value in layout.unpack(vector, space).items():
            if space == "plain" or np.isfinite(value).all():
                np.testing.assert_allclose(value, values[address], rtol=close, atol=close)


def test_mono_becomes_stereo_and_the_right_comes_later():
    out = render(rack_of("probe.widen", delay=10.0), AUDIO)
    assert out.channels == 2
    np.testing.assert_allclose(out.samples[1, 480 : AUDIO.frames], AUDIO.samples[0, : AUDIO.frames - 480], atol=1e-6)


def test_a_device_at_16_khz_keeps_time_inside_a_48_khz_rack():
    spectrum = np.fft.rfft(AUDIO.samples[0])
    spectrum[np.fft.rfftfreq(AUDIO.frames, 1 / 48_000) > 6_500] = 0.0  # what a 16 kHz device can carry
    low = Audio(np.fft.irfft(spectrum, AUDIO.frames).astype(np.float32), 48_000)
    out = render(rack_of("probe.sixteen"), low, tail=False)
    assert (out.sample_rate, out.frames) == (48_000, low.frames)
    middle = slice(2_000, -2_000)
    late_by_one = np.abs(low.samples[0, 2_001:-1_999] - low.samples[0, middle]).max()
    error = np.abs(out.samples[0, middle] - low.samples[0, middle]).max()
    assert error < 0.02 * late_by_one  # down and up again, and not a sample late


def test_a_16_khz_device_says_that_it_narrows_the_band():
    notes = rack_of("probe.sixteen").notes(48_000)
    assert any("sixteen" in note and "16" in note for note in notes)


def test_free_length_follows_the_speed():
    out = render(rack_of("probe.tempo", speed=2.0), AUDIO, tail=False)
    assert out.frames == AUDIO.frames // 2


def test_stream_refuses_a_whole_signal_device_by_name():
    with pytest.raises(RoutingError, match="tempo"):
        list(stream(rack_of("probe.tempo"), [AUDIO.samples], AUDIO.sample_rate))


def test_one_number_of_an_array_has_an_address():
    rack = rack_of("probe.grid")
    rack.set("grid.grid[48,5]", -12.0)
    assert rack.get("grid.grid")[48, 5] == rack.get("grid.grid[48,5]") == -12.0
    assert rack.layout().names().count("grid.grid[48,5]") == 1
    assert sum(name.startswith("grid.grid[") for name in rack.layout().names()) == 49 * 6


def test_an_array_moves_the_sound_where_it_says():
    grid = np.zeros((49, 6))
    grid[25:] = -24.0  # upper half of the band
    hiss = noise(1.0, 48_000, seed=3)
    out = render(rack_of("probe.grid", grid=grid), hiss, tail=False)
    change = np.abs(np.fft.rfft(out.samples[0])) ** 2, np.abs(np.fft.rfft(hiss.samples[0])) ** 2
    low, high = (
        10 * np.log10(change[0][s].sum() / change[1][s].sum()) for s in (slice(0, 11_000), slice(14_000, 24_000))
    )
    assert abs(low) < 0.5
    assert abs(high + 24.0) < 0.5


def test_an_asset_is_read_and_travels_with_the_preset(tmp_path):
    soft = noise(0.5, 16_000, seed=1, level=-26.0)
    write(tmp_path / "soft voice.wav", soft)
    rack = rack_of("probe.reference", recording=str(tmp_path / "soft voice.wav"))
    out = render(rack, AUDIO)
    np.testing.assert_allclose(out.samples, AUDIO.samples * 10 ** (-6 / 20), rtol=0.02, atol=1e-5)
    folder = tmp_path / "presets"
    folder.mkdir()
    Preset.of(rack, name="with reference").save(folder / "reference.json")
    again = Preset.load(folder / "reference.json").rack(HOST)
    np.testing.assert_allclose(render(again, AUDIO).samples, out.samples, atol=1e-6)


def test_an_analyzer_gets_an_enhancer_of_another_rate_by_its_role():
    judge = HOST.create("probe.judge")
    assert judge.needs["enhancer"].spec.id == "probe.enhance"
    hiss = noise(1.0, 48_000, seed=2, level=-70.0)
    (quiet,) = analyze(judge, hiss)
    (loud,) = analyze(HOST.create("probe.judge"), noise(1.0, 48_000, seed=2, level=-12.0))
    assert quiet.summary["removed_db"] > 10.0  # far below the threshold: taken away
    assert loud.summary["removed_db"] < 6.0  # what is taken of it lies above 8 kHz


def test_an_analyzer_is_tapped_inside_a_rack():
    judge = HOST.create("probe.judge")
    rack = rack_of("probe.sixteen")
    render(rack, AUDIO, tail=False, taps={"in": judge})
    tapped = judge.finish()[0]
    alone = analyze(HOST.create("probe.judge"), AUDIO)[0]
    np.testing.assert_allclose(tapped.values, alone.values, atol=1e-4)


def test_where_nobody_enhances_the_role_is_named():
    host = host_with([spec for spec in probes.SPECS if spec.role != "enhancer"], "probes", discover=False)
    with pytest.raises(PluginError, match=r"'probe\.judge' needs a processor of the role 'enhancer'"):
        host.create("probe.judge")


def test_two_hard_devices_share_a_rack():
    """Free length first, then 16 kHz, then mono to stereo: the whole order of nature."""
    rack = Rack([HOST.create(id) for id in ("probe.tempo", "probe.sixteen", "probe.widen", "probe.grid")])
    out = render(rack, AUDIO)
    assert out.channels == 2
    assert np.isfinite(out.samples).all()
    assert out.frames >= round(AUDIO.frames / 1.25)
