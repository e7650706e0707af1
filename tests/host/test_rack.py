"""The desk: routing, alignment, widths, bypass and mix, addresses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import toys
from toys import make

from voxrack.audio import Audio
from voxrack.bus import Bus
from voxrack.errors import DeviceError, RoutingError, UsageError
from voxrack.params import Axis, Param
from voxrack.rack import Rack
from voxrack.rendering import render
from voxrack.slots import Chain, Slot

RATE = 48_000


def noise(channels: int = 1, frames: int = 6000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (channels, frames)).astype(np.float32)


def run(rack: Rack, x: np.ndarray, rate: int = RATE, **more) -> np.ndarray:
    return render(rack, Audio(x, rate), **more).samples


def test_an_empty_rack_passes_the_signal_bit_for_bit():
    x = noise(2)
    np.testing.assert_array_equal(run(Rack([]), x), x)


def test_latency_is_removed_and_the_length_kept():
    x = noise()
    np.testing.assert_array_equal(run(Rack([make(toys.LATE, frames=777)]), x), x)


def test_an_effect_that_delays_lengthens_by_its_tail():
    x = noise()
    y = run(Rack([make(toys.LATE, frames=500, echo=True)]), x)
    assert y.shape[1] == x.shape[1] + 500
    np.testing.assert_array_equal(y[:, 500:], x)
    assert run(Rack([make(toys.LATE, frames=500, echo=True)]), x, tail=False).shape == x.shape


def test_parallel_paths_of_different_latency_are_aligned():
    x = noise()
    rack = Rack(
        [make(toys.LATE, frames=33)],
        [
            Bus("slow", [make(toys.LATE, frames=900)], sends={"late": -6.0}),
            Bus("fast", [make(toys.SCALE)]),
            Bus("late", [make(toys.LATE, frames=50)]),
        ],
        sends={"slow": 0.0, "fast": 0.0, "late": 0.0},
    )
    half = 10 ** (-6 / 20)
    np.testing.assert_allclose(run(rack, x), x * (1 + 1 + 1 + 1 + half), rtol=2e-6)
    assert rack.latency == 33 + 900 + 50


def test_dry_and_sends_in_decibels_and_off():
    x = noise()
    rack = Rack([], [Bus("a", [make(toys.SCALE, factor=-1.0)])], sends={"a": -math.inf}, dry=-20.0)
    np.testing.assert_allclose(run(rack, x), x * 0.1, rtol=1e-6)
    rack.set("send.a", "0 dB")
    rack.set("dry", -math.inf)
    np.testing.assert_allclose(run(rack, x), -x, rtol=1e-6)


def test_a_bus_sends_after_its_own_level():
    x = noise()
    rack = Rack(
        [],
        [Bus("a", [], sends={"b": 0.0}, level=-20.0), Bus("b", [make(toys.SCALE, factor=3.0)])],
        {"a": 0.0},
        dry=-math.inf,
    )
    np.testing.assert_allclose(run(rack, x), x * (0.1 + 0.3), rtol=1e-6)


def test_mono_widens_where_a_device_or_a_sum_needs_it():
    x = noise()
    rack = Rack([], [Bus("wide", [make(toys.WIDEN)])], sends={"wide": 0.0})
    y = run(rack, x)
    np.testing.assert_allclose(y[0], 2 * x[0], rtol=1e-6)
    np.testing.assert_allclose(y[1], 0 * x[0], atol=1e-7)


def test_stereo_is_folded_for_a_mono_device_and_six_channels_are_refused_by_name():
    x = noise(2)
    y = run(Rack([make(toys.WIDEN)]), x)
    np.testing.assert_allclose(y[0], x.mean(axis=0), atol=1e-7)
    with pytest.raises(RoutingError, match=r"'widen' .toy.widen. takes 1 channels and the signal has 6.*'mono'"):
        run(Rack([make(toys.WIDEN)]), noise(6))
    assert run(Rack([make(toys.WIDEN)], input="mono"), noise(6)).shape[0] == 2
    assert run(Rack([make(toys.SCALE)]), noise(6)).shape[0] == 6


def test_bypass_keeps_the_latency_and_mix_is_aligned():
    x = noise()
    rack = Rack(
        [Slot(make(toys.LATE, frames=200), "late", bypass=True), Slot(make(toys.LATE, frames=90), "part", mix=0.25)]
    )
    np.testing.assert_allclose(run(rack, x), x, atol=1e-7)
    assert rack.latency == 290


def test_a_change_glides_and_does_not_depend_on_the_block_size():
    x = np.ones((1, 9600), np.float32)
    events = [
        (1000, "scale.mix", 0.0),
        (5003, "scale.bypass", True),
        (5500, "scale.mix", 1.0),
        (7001, "scale.bypass", False),
        (3000, "dry", -6.0),
    ]
    outs = []
    for block in (1, 37, 480, 4096, 9600):
        outs.append(run(Rack([make(toys.SCALE, factor=3.0)]), x, block=block, events=events)[0])
    for out in outs[1:]:
        np.testing.assert_allclose(out, outs[0], atol=2e-6)
    assert outs[0].max() == 3.0
    assert np.abs(np.diff(outs[0])).max() < 2 * 3 / (0.02 * RATE)  # no step larger than a 20 ms glide allows


def test_a_device_switched_on_again_starts_from_silence():
    x = np.zeros((1, 48_000), np.float32)
    x[0, 0] = 1.0
    rack = Rack([make(toys.ENDLESS, t60=20.0)])
    y = run(rack, x, tail=False, events=[(4800, "endless.bypass", True), (24_000, "endless.bypass", False)])
    assert np.abs(y[0, 4000]) > 0.5
    np.testing.assert_array_equal(y[0, 6000:], 0.0)


def test_offset_moves_the_input():
    x = noise()
    late = run(Rack([make(toys.LATE, frames=11)], offset=10.0), x)
    assert late.shape[1] == x.shape[1] + 480
    np.testing.assert_array_equal(late[:, 480:], x)
    early = run(Rack([make(toys.LATE, frames=11)], offset=-10.0), x)
    np.testing.assert_array_equal(early[:, : x.shape[1] - 480], x[:, 480:])
    assert early.shape == x.shape and not early[:, -480:].any()


def test_the_master_processes_the_sum():
    x = noise()
    rack = Rack([], [Bus("a", [])], {"a": 0.0}, master=[make(toys.SCALE, factor=0.5)])
    np.testing.assert_allclose(run(rack, x), x, atol=1e-7)
    assert "master.scale.factor" in rack.parameters()
    rack.set("master.scale.factor", 1.0)
    np.testing.assert_allclose(run(rack, x), 2 * x, atol=1e-7)


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000, 96_000])
def test_a_native_rate_runs_inside_another_rate_with_whole_latency(rate):
    t = np.arange(rate) / rate
    x = (0.4 * np.sin(2 * np.pi * 440 * t) + 0.2 * np.sin(2 * np.pi * 2500 * t))[None].astype(np.float32)
    rack = Rack([make(toys.NARROW), make(toys.NARROW_LATE, frames=133), make(toys.NARROW)])
    outs = [run(rack, x, rate, block=block, tail=False) for block in (1000, 64, 4096)]
    for out in outs[1:]:
        np.testing.assert_array_equal(out, outs[0])
    middle = slice(rate // 10, -rate // 10)
    error = outs[0][0, middle] - x[0, middle]
    assert np.sqrt(np.mean(error**2)) < 3e-4 * np.sqrt(np.mean(x**2)), "the signal comes back in place, within -70 dB"
    assert outs[0].shape == x.shape


def test_a_mix_around_a_native_rate_is_aligned():
    t = np.arange(44_100) / 44_100
    x = (0.5 * np.sin(2 * np.pi * 1000 * t))[None].astype(np.float32)
    y = run(Rack([Slot(make(toys.NARROW_LATE, frames=77), "n", mix=0.5)]), x, 44_100, tail=False)
    np.testing.assert_allclose(y[0, 4410:-4410], x[0, 4410:-4410], atol=3e-4)


def test_neighbours_of_one_rate_share_the_way_there_and_back():
    one, two = Rack([make(toys.NARROW)]), Rack([make(toys.NARROW), make(toys.NARROW)])
    split = Rack([make(toys.NARROW), make(toys.SCALE), make(toys.NARROW)])
    for rack in (one, two, split):
        rack.prepare(RATE, 1, 512)
    assert one.latency == two.latency and split.latency == 2 * one.latency
    assert one.latency < 0.01 * RATE


def test_a_rack_says_that_a_band_is_lost():
    assert "works at 16000 Hz; above 8 kHz nothing passes" in Rack([make(toys.NARROW)]).notes(48_000)[0]
    assert Rack([make(toys.NARROW)]).notes(16_000) == ()


def test_whole_signal_devices_stand_among_the_inserts_only():
    x = noise(2)
    rack = Rack(
        [make(toys.LATE, frames=50), make(toys.BACKWARDS), make(toys.LATE, frames=70)], [Bus("a", [])], {"a": 0.0}
    )
    np.testing.assert_allclose(run(rack, x), 2 * x[:, ::-1], rtol=1e-6)
    assert run(Rack([make(toys.HALVE)]), x).shape[1] == x.shape[1] // 2
    with pytest.raises(RoutingError, match=r"'backwards' .toy.backwards. wants the whole signal"):
        rack.prepare(RATE, 1, 512)
    with pytest.raises(RoutingError, match="among the inserts only"):
        Rack([], [Bus("a", [make(toys.BACKWARDS)])])
    with pytest.raises(RoutingError, match="changes the length"):
        run(Rack([Slot(make(toys.HALVE), mix=0.5)]), x)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Rack([], sends={"nowhere": 0.0}), "send to bus 'nowhere'"),
        (lambda: Rack([], [Bus("a", []), Bus("b", [], sends={"a": 0.0})]), "sends forward only"),
        (lambda: Rack([], [Bus("a", [], sends={"a": 0.0})]), "sends forward only"),
        (lambda: Rack([], [Bus("a", []), Bus("a", [])]), "two buses are called 'a'"),
        (lambda: Rack([Slot(make(toys.SCALE), "x"), Slot(make(toys.SCALE), "x")]), "two slots are called 'x'"),
        (lambda: Slot(make(toys.SCALE), "send"), "slot name 'send' is not allowed"),
        (lambda: Slot(make(toys.SCALE), mix=1.5), "'mix' got 1.5; it takes 0 to 1"),
        (lambda: Rack([], dry=99.0), "it takes -inf"),
        (lambda: Rack([make(toys.SCALE)]).set("scale.facto", 1), "did you mean 'scale.factor'"),
        (lambda: Rack([make(toys.SCALE)]).set("scale.factor", 11), "scale.factor: .*got 11; it takes -10 to 10"),
    ],
)
def test_what_cannot_be_wired_or_set_is_refused_by_name(build, message):
    with pytest.raises(UsageError, match=message):
        build()


@pytest.mark.parametrize("how", ["nan", "short", "double", "crash"])
def test_a_device_that_breaks_the_contract_is_named(how):
    with pytest.raises(DeviceError, match=r"toy\.bad"):
        run(Rack([make(toys.BAD, how=how)]), noise())


def test_every_number_has_an_address():
    rack = Rack(
        [make(toys.SCALE), make(toys.SCALE)],
        [Bus("a", [], {"b": -3.0}), Bus("b", Chain([make(toys.SCALE)]))],
        {"a": -1.0},
    )
    assert list(rack.slots()) == ["scale", "scale_2", "scale_3"]
    assert rack.get("send.a.b") == -3.0 and rack.get("send.a") == -1.0 and rack.get("bus.b.level") == 0.0
    layout = rack.layout()
    vector = layout.pack(rack.values(), "logit")
    back = layout.unpack(vector, "logit")
    assert vector.shape == (len(layout.names()),)
    for address, value in back.items():
        assert value == pytest.approx(rack.get(address), abs=1e-6), address


def test_a_copy_is_independent_and_equal():
    rack = Rack(
        [make(toys.SCALE, factor=2.0)], [Bus("a", [make(toys.LATE, frames=9)])], {"a": -3.0}, dry=-1.0, offset=1.0
    )
    twin = rack.copy()
    assert twin.values() == rack.values()
    twin.set("scale.factor", 1.0)
    assert rack.get("scale.factor") == 2.0


def test_a_rack_is_a_processor():
    x = noise(1, 1000)
    rack = Rack([make(toys.LATE, frames=100)])
    assert rack.prepare(RATE, 1, 500) == 1
    for _ in range(2):
        out = np.concatenate(
            [rack.process(x[:, :500]), rack.process(x[:, 500:]), rack.flush(60), rack.flush(60)], axis=1
        )
        assert out.shape == (1, 1100) and rack.flush(10).shape == (1, 0)
        np.testing.assert_array_equal(out[:, 100:], x)
        rack.reset()


def test_one_number_of_an_array_is_read_with_its_range_and_unit():
    spec = replace(
        toys.SCALE, params=(*toys.SCALE.params, Param("curve", 1.0, "array", 0.0, 9.0, "s", axes=(Axis("band", 3),)))
    )
    rack = Rack([make(spec)])
    rack.set("scale.curve[1]", "500 ms")
    np.testing.assert_array_equal(rack.get("scale.curve"), [1.0, 0.5, 1.0])
    for wrong, message in (("soft", r"'scale.curve\[2\]' got 'soft'; it takes 0 to 9 s"), (10.0, "got 10.0")):
        with pytest.raises(UsageError, match=message):
            rack.set("scale.curve[2]", wrong)
    with pytest.raises(UsageError, match="outside the array"):
        rack.set("scale.curve[3]", 1.0)
