"""Properties of any rack, drawn at random: block size, linearity, alignment, round trip of its numbers."""

from __future__ import annotations

import math

import numpy as np
import toys
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import make

from voxrack.audio import Audio
from voxrack.bus import Bus
from voxrack.rack import Rack
from voxrack.rendering import render, stream
from voxrack.slots import Slot

RATE = 16_000
LEVELS = st.one_of(st.just(-math.inf), st.floats(-40, 6))


@st.composite
def slots(draw, most=3):
    made = []
    for _ in range(draw(st.integers(0, most))):
        kind = draw(st.sampled_from(["scale", "late", "echo", "endless", "narrow"]))
        if kind == "scale":
            device = make(toys.SCALE, factor=draw(st.floats(-2, 2)))
        elif kind == "endless":
            device = make(toys.ENDLESS, t60=draw(st.floats(0.01, 0.3)))
        elif kind == "narrow":
            device = make(toys.NARROW_LATE, frames=draw(st.integers(0, 300)))
        else:
            device = make(toys.LATE, frames=draw(st.integers(0, 900)), echo=kind == "echo")
        made.append(Slot(device, bypass=draw(st.booleans()), mix=draw(st.sampled_from([1.0, 0.0, 0.3]))))
    return made


@st.composite
def racks(draw):
    names = ["a", "b", "c"][: draw(st.integers(0, 3))]
    buses = []
    for index, name in enumerate(names):
        later = {to: draw(LEVELS) for to in names[index + 1 :] if draw(st.booleans())}
        buses.append(Bus(name, draw(slots(2)), later, draw(LEVELS)))
    sends = {name: draw(LEVELS) for name in names if draw(st.booleans())}
    offset = draw(st.sampled_from([0.0, 3.0, -2.0]))
    return Rack(
        draw(slots()), buses, sends, draw(LEVELS), draw(slots(1)), draw(st.sampled_from(["as-is", "mono"])), offset
    )


@st.composite
def signals(draw):
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    return rng.uniform(-1, 1, (draw(st.integers(1, 2)), draw(st.integers(1, 3000)))).astype(np.float32)


RATES = st.sampled_from([8000, 16_000, 22_050, 44_100])


@settings(max_examples=120, deadline=None)
@given(racks(), signals(), RATES, st.lists(st.integers(0, 3000), max_size=6), st.booleans())
def test_the_size_of_the_blocks_does_not_matter(rack, x, rate, cuts, tail):
    whole = render(rack, Audio(x, rate), tail=tail).samples
    pieces = np.split(x, sorted(min(cut, x.shape[1]) for cut in cuts), axis=1)
    cut = np.concatenate(list(stream(rack, pieces, rate, tail=tail)), axis=1)
    assert cut.shape == whole.shape
    np.testing.assert_allclose(cut, whole, atol=1e-5 * max(1.0, np.abs(whole).max()))


@settings(max_examples=60, deadline=None)
@given(racks(), signals(), RATES)
def test_length_and_finiteness(rack, x, rate):
    y = render(rack, Audio(x, rate))
    assert y.frames >= x.shape[1] and np.isfinite(y.samples).all()
    assert y.frames <= x.shape[1] + rack.tail and y.frames <= x.shape[1] + 30 * rate
    assert render(rack, Audio(x, rate), tail=False).frames == x.shape[1]


@settings(max_examples=60, deadline=None)
@given(racks(), signals(), RATES)
def test_a_rack_of_linear_devices_is_linear_and_silent_on_silence(rack, x, rate):
    y = render(rack, Audio(x, rate), tail=False).samples
    half = render(rack, Audio(x / 2, rate), tail=False).samples
    np.testing.assert_allclose(half, y / 2, atol=1e-5 * max(1.0, np.abs(y).max()))
    assert not render(rack, Audio(np.zeros_like(x), rate), tail=False).samples.any()


@settings(max_examples=60, deadline=None)
@given(racks(), signals())
def test_a_copy_sounds_the_same(rack, x):
    np.testing.assert_array_equal(render(rack.copy(), Audio(x, RATE)).samples, render(rack, Audio(x, RATE)).samples)


@settings(max_examples=60, deadline=None)
@given(racks(), st.sampled_from(["plain", "unit", "logit"]))
def test_the_numbers_of_a_rack_pack_and_unpack(rack, space):
    layout = rack.layout()
    values = rack.values()
    back = layout.unpack(layout.pack(values, space), space)
    assert layout.size == len(layout.names())
    for address, value in back.items():
        rack.set(address, value)
        # in logits the far ends are 1e-9 short of the end, and off is the bottom of the fader
        expected = max(values[address], -100.0) if space == "logit" else values[address]
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-4)
