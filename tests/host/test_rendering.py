"""Rendering: the tail rule, taps, events, files in constant memory, what a failure leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile
import toys
from toys import make, recorder

from voxrack import files
from voxrack.audio import Audio
from voxrack.bus import Bus
from voxrack.errors import InputError, RoutingError, UsageError
from voxrack.rack import Rack
from voxrack.rendering import analyze, render, render_file, stream
from voxrack.slots import Slot

RATE = 16_000


def noise(frames=RATE, channels=1, seed=1):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, frames)).astype(np.float32)


@pytest.mark.parametrize("t60", [0.2, 0.5, 2.0])
def test_the_tail_ends_one_second_after_the_output_fell_below_minus_90(t60):
    x = np.zeros((1, RATE), np.float32)
    x[0, -1] = 1.0
    y = render(Rack([make(toys.ENDLESS, t60=t60)]), Audio(x, RATE)).samples[0]
    last_loud = int(np.flatnonzero(np.abs(y) >= 10 ** (-90 / 20))[-1])
    assert last_loud == pytest.approx(RATE - 1 + 1.5 * t60 * RATE, abs=2)  # 90 dB at 60 dB per t60
    assert y.shape[0] == last_loud + 1 + RATE


def test_a_tail_that_never_falls_ends_after_thirty_seconds():
    y = render(Rack([make(toys.ENDLESS, t60=100.0)]), Audio(noise(), RATE))
    assert y.frames == RATE + 30 * RATE


def test_silence_at_the_end_counts_towards_the_second():
    x = noise()
    x[:, RATE // 2 :] = 0.0
    y = render(Rack([make(toys.ENDLESS, t60=0.01)]), Audio(x, RATE))
    loud = int(np.flatnonzero(np.abs(y.samples[0]) >= 10 ** (-90 / 20))[-1])
    assert y.frames == loud + 1 + RATE < 2 * RATE


@pytest.mark.parametrize("block", [1, 100, 16_384, 50_000])
def test_rendering_does_not_depend_on_the_block(block):
    x = Audio(noise(3000 if block == 1 else RATE), RATE)
    rack = Rack([make(toys.LATE, frames=321), make(toys.ENDLESS)])
    np.testing.assert_allclose(render(rack, x, block=block).samples, render(rack, x, block=777).samples, atol=1e-6)


def test_stream_takes_any_sizes_and_gives_the_same():
    x = noise()
    rack = Rack([make(toys.LATE, frames=50)])
    cuts = np.split(x, [1, 1, 2, 5000, 5003, 15_999], axis=1)
    np.testing.assert_array_equal(np.concatenate(list(stream(rack, cuts, RATE)), axis=1), x)
    with pytest.raises(RoutingError, match="'backwards'"):
        list(stream(Rack([make(toys.BACKWARDS)]), [x], RATE))


def test_events_fall_on_their_sample_at_any_block_size():
    x = np.ones((1, 4000), np.float32)
    for block in (1, 64, 4000):
        y = render(Rack([make(toys.SCALE)]), Audio(x, RATE), block=block, events=[(1234, "scale.factor", 2.0)]).samples[
            0
        ]
        assert (y[:1234] == 1).all() and (y[1234:] == 2).all()
    with pytest.raises(UsageError, match=r"no address 'scale.factr'"):
        render(Rack([make(toys.SCALE)]), Audio(x, RATE), events=[(0, "scale.factr", 1.0)])
    with pytest.raises(UsageError, match="cannot change while the rack runs"):
        render(Rack([make(toys.LATE)]), Audio(x, RATE), events=[(5, "late.frames", 1)])


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ((1.5, "scale.factor", 1.0), r"'scale.factor' has sample 1.5; it takes a whole number, 0 or more"),
        ((np.nan, "scale.factor", 1.0), "has sample nan"),
        ((-5, "scale.factor", 1.0), "has sample -5"),
        (("x", "scale.factor", 1.0), "has sample 'x'"),
        ((10**9, "scale.factor", 99), r"'scale.factor' got 99; it takes -10 to 10"),
        ((10**9, "scale.factor", "loud"), "got 'loud'"),
        ((3, "scale.factor"), r"an event is \(sample, address, value\)"),
        ((3, 4, 5), "an event is"),
        (None, "an event is"),
    ],
)
def test_a_wrong_event_is_refused_before_anything_sounds(event, told):
    given = iter([noise()])
    with pytest.raises(UsageError, match=told):
        next(stream(Rack([make(toys.SCALE)]), given, RATE, events=[event]))
    assert next(given, None) is not None


@pytest.mark.parametrize("block", [0, -1, 1.5, "x", None])
def test_a_block_is_a_whole_number_of_samples(block):
    with pytest.raises(UsageError, match="it takes a whole number of samples, 1 or more"):
        render(Rack([]), Audio(noise(), RATE), block=block)


def test_numpy_counts_as_well():
    x = noise()
    y = render(Rack([make(toys.SCALE)]), Audio(x, RATE), block=np.int64(512), events=[(np.int32(7), "dry", -6.0)])
    assert y.frames == x.shape[1]


@pytest.mark.parametrize("rate", ["44100", None, 44_100.5, np.nan])
def test_a_sample_rate_is_a_whole_number(rate):
    with pytest.raises(InputError, match="or no whole number"):
        list(stream(Rack([]), [noise()], rate))


def test_taps_hear_the_signal_in_time():
    x = noise()
    taps = {"in": recorder(), "late": recorder(), "late_2": recorder(), "out": recorder()}
    render(Rack([make(toys.LATE, frames=300), make(toys.LATE, frames=200)]), Audio(x, RATE), taps=taps)
    for place, tap in taps.items():
        heard = tap.finish()[0].values.T
        np.testing.assert_array_equal(heard[:, : RATE - 500], x[:, : RATE - 500], err_msg=place)
    with pytest.raises(UsageError, match="no place 'nowhere' to tap"):
        render(Rack([]), Audio(x, RATE), taps={"nowhere": recorder()})


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_taps_among_resampled_devices_hear_the_signal_in_time(rate):
    """Behind latency outside and inside, to a sample of the native rate: half by rounding, half by finding the peak."""
    x = np.zeros((1, rate // 2), np.float32)
    at, width = rate // 10, rate // 1000
    x[0, at - width : at + width + 1] = np.hanning(2 * width + 3)[1:-1]
    taps = {place: recorder() for place in ("late", "inner", "narrow", "bus_narrow", "master.end")}
    rack = Rack(
        [make(toys.LATE, frames=777), Slot(make(toys.NARROW_LATE, frames=37), "inner"), make(toys.NARROW)],
        [Bus("side", [make(toys.LATE, frames=55), Slot(make(toys.NARROW_LATE, frames=9), "bus_narrow")])],
        {"side": -6.0},
        master=[Slot(make(toys.NARROW_LATE, frames=7), "end")],
    )
    render(rack, Audio(x, rate), taps=taps)
    for place, tap in taps.items():
        track = tap.finish()[0]
        heard = float(track.times_s[np.argmax(track.values[:, 0])])
        assert abs(heard - at / rate) <= 1 / 16_000 + 1e-9, (place, heard)


def test_an_analyzer_gets_the_format_it_wants():
    x = noise(44_100, channels=2)
    track = analyze(recorder(rates=(16_000,), channels=(1,)), Audio(x, 44_100))[0]
    assert track.values.shape == (16_000, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_is_refused_with_its_place(bad):
    x = noise()
    blocks = [x[:, :5000], x[:, 5000:].copy()]
    blocks[1][0, 345] = bad
    with pytest.raises(InputError, match=r"first at sample 5345 \(0\.334 s\)"):
        list(stream(Rack([]), blocks, RATE))


def test_empty_and_changing_inputs_are_refused():
    with pytest.raises(InputError, match="no samples"):
        list(stream(Rack([]), [], RATE))
    with pytest.raises(InputError, match="no samples"):
        list(stream(Rack([]), [np.zeros((1, 0), np.float32)], RATE))
    with pytest.raises(InputError, match=r"2 channels at 0\.062 s; those before had 1"):
        list(stream(Rack([]), [noise(1000), noise(1000, 2)], RATE))
    with pytest.raises(InputError, match="sample rate 10 Hz"):
        list(stream(Rack([]), [noise()], 10))
    with pytest.raises(UsageError, match="expected a Rack"):
        list(stream("fx.gain", [noise()], RATE))


def test_one_sample_is_enough():
    y = render(Rack([make(toys.LATE, frames=500), make(toys.NARROW)]), Audio(np.ones((1, 1), np.float32), 48_000))
    assert y.frames >= 1 and np.isfinite(y.samples).all()


def test_render_file_reports_and_equals_render(tmp_path):
    x = noise(50_000, 2)
    source, target = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, x.T, RATE, subtype="FLOAT")
    rack = Rack([make(toys.LATE, frames=100), make(toys.LATE, frames=40, echo=True), make(toys.SCALE, factor=3.0)])
    shares = []
    report = render_file(rack, source, target, progress=shares.append)
    np.testing.assert_array_equal(files.read(target).samples, render(rack, Audio(x, RATE)).samples)
    assert (report.latency, report.tail, report.frames_in, report.frames_out) == (100, 40, 50_000, 50_040)
    assert report.peak_out == pytest.approx(3 * report.peak_in) and shares[-1] == 1.0 and shares == sorted(shares)
    with pytest.raises(UsageError, match="is the input itself"):
        render_file(rack, source, source)


def test_a_failure_leaves_the_old_target_and_nothing_else(tmp_path):
    source, target = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, noise(50_000).T, RATE)
    target.write_bytes(b"precious")

    def interrupt(share):
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_file(Rack([]), source, target, progress=interrupt)
    assert target.read_bytes() == b"precious" and sorted(p.name for p in tmp_path.iterdir()) == ["in.wav", "out.wav"]


def test_a_killed_process_leaves_the_old_target(tmp_path):
    source, target = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, noise(RATE * 60).T, RATE)
    target.write_bytes(b"precious")
    script = textwrap.dedent("""
        import os, signal, sys
        from voxrack.bus import Bus
        from voxrack.rack import Rack
        from voxrack.slots import Slot
        from voxrack.rendering import render_file
        def progress(share):
            if share > 0.3:
                os.kill(os.getpid(), signal.SIGKILL)
        render_file(Rack([]), sys.argv[1], sys.argv[2], progress=progress)
    """)
    done = subprocess.run([sys.executable, "-c", script, source, target])
    assert done.returncode == -signal.SIGKILL and target.read_bytes() == b"precious"


def test_a_long_file_is_rendered_in_constant_memory(tmp_path):
    """Ten minutes of stereo (212 MB as float32) must not raise the resident size by more than 60 MB."""
    source, target = tmp_path / "long.wav", tmp_path / "out.wav"
    second = noise(44_100, 2).T
    with soundfile.SoundFile(source, "w", 44_100, 2, "PCM_16") as file:
        for _ in range(600):
            file.write(second)
    script = textwrap.dedent("""
        import re, sys
        sys.path.insert(0, sys.argv[3])
        import toys
        from toys import make, recorder
        from voxrack.bus import Bus
        from voxrack.rack import Rack
        from voxrack.rendering import render_file
        def most():  # kB of this program alone: ru_maxrss begins with the size of the process that forked it
            return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
        rack = Rack([make(toys.LATE, frames=900)], [Bus("a", [make(toys.SCALE)])], {"a": 0.0})
        render_file(rack, sys.argv[4], sys.argv[2])  # a short one first: libraries are loaded
        before = most()
        report = render_file(rack, sys.argv[1], sys.argv[2], subtype="PCM_16")
        after = most()
        print(report.frames_out, after // 1024, (after - before) // 1024)
    """)
    short = tmp_path / "short.wav"
    soundfile.write(short, second, 44_100)
    tests = os.path.dirname(toys.__file__)
    out = subprocess.run(
        [sys.executable, "-c", script, source, target, tests, short], capture_output=True, text=True, check=True
    )
    frames, total, grown = map(int, out.stdout.split())
    assert frames == 600 * 44_100
    assert grown < 60 and total < 500, f"resident size grew by {grown} MB to {total} MB"
