"""Racks as modules against the running desk: routing, levels, mixes, widths, gradients, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from voxrack import Audio, Bus, DeviceSpec, Rack, Slot, render
from voxrack.errors import RoutingError, UsageError
from voxrack.host import default_host
from voxrack.instance import Device
from voxrack.testing import voice
from voxrack_match import RackModule, render_module, vocal_rack

RATE = 44100
HOST = default_host()


def _decibel(found: np.ndarray, wanted: np.ndarray) -> float:
    return 20 * math.log10(max(float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted)), 1e-12))


def _wired() -> Rack:
    """Mono inserts, a bus that sends on, a mix, a bypass, levels, dry, an offset, a master."""
    tone = HOST.create("fx.peak", gain=6.0, frequency=900.0)
    return Rack(
        [Slot(tone, "tone", mix=0.6), Slot(HOST.create("fx.gain", level=-60.0), "off", bypass=True),
         Slot(HOST.create("fx.compressor", threshold=-30.0, look_ahead=2.0), "comp", mix=0.7)],
        [Bus("side", [HOST.create("fx.pan", pan=40.0)], sends={"echo": -6.0}, level=-3.0),
         Bus("echo", [HOST.create("fx.delay", time=120.0)], level=2.0)],
        sends={"side": -1.0, "echo": -12.0},
        dry=-9.0,
        master=[Slot(HOST.create("fx.high_pass", {"frequency": 60.0}), "rumble")],
        input="mono",
        offset=3.0,
    )  # fmt: skip


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("offset", [3.0, -5.0])
def test_module_is_the_desk(channels: int, offset: float) -> None:
    rack = _wired()
    rack.set("offset", offset)
    samples = np.concatenate([voice(1.0, RATE, seed).samples[:1] for seed in range(channels)])
    source = Audio(samples, RATE)
    heard = render(rack, source, tail=False).samples
    found = render_module(rack, source).samples
    assert found.shape == heard.shape == (2, source.frames)
    assert _decibel(found, heard) < -60.0


def test_a_given_number_is_the_rack_with_it() -> None:
    rack, source = _wired(), voice(0.6, RATE, 3)
    changes = {"tone.mix": 0.2, "tone.gain": -5.0, "send.side": -7.0, "send.side.echo": -2.0, "bus.echo.level": -4.0,
               "dry": -20.0, "comp.threshold": -24.0, "master.rumble.frequency": 200.0}  # fmt: skip
    x = torch.from_numpy(source.samples)[None]
    given = RackModule(rack, RATE)(x, {address: torch.tensor(value) for address, value in changes.items()})
    for address, value in changes.items():
        rack.set(address, value)
    torch.testing.assert_close(given, RackModule(rack, RATE)(x), rtol=1e-4, atol=1e-6)


def test_a_batch_of_settings_is_each_alone() -> None:
    module, x = RackModule(_wired(), RATE), torch.from_numpy(voice(0.4, RATE, 4).samples)[None]
    many = {"tone.mix": torch.tensor([0.1, 0.9]), "send.echo": torch.tensor([-3.0, -30.0]),
            "comp.ratio": torch.tensor([1.5, 6.0])}  # fmt: skip
    both = module(x, many)
    assert both.shape == (2, 2, x.shape[-1])
    for i in range(2):
        torch.testing.assert_close(both[i], module(x, {a: v[i] for a, v in many.items()})[0], rtol=1e-4, atol=1e-6)


def test_every_number_of_the_vocal_rack_has_a_finite_gradient() -> None:
    rack = vocal_rack()
    for address in rack.parameters():  # a band of 0 dB has no frequency, a centred pan no mix
        if address.endswith(".gain") or address in ("pan.pan", "pre.level", "master.post.level"):
            rack.set(address, 5.0)
        elif address.endswith("_pan"):
            rack.set(address, 30.0 if "odd" in address else -50.0)
    rack.set("compressor.expander_threshold", -30.0)
    rack.set("delay.time", 120.0)
    table = rack.parameters()
    params = {
        a: torch.tensor(np.array(rack.get(a), dtype=np.float64), requires_grad=True)
        for a, p in table.items()
        if p.fit and p.kind in ("float", "array") and a != "dry"
    }
    x = torch.from_numpy(voice(0.7, RATE, 5).samples)[None]
    RackModule(rack, RATE)(x, params).square().sum().backward()
    for address, value in params.items():
        assert value.grad is not None and torch.isfinite(value.grad).all(), address
    silent = [address for address, value in params.items() if value.grad is not None and not value.grad.any()]
    assert not silent


def test_gradient_of_mixes_and_levels_is_the_slope() -> None:
    module, x = RackModule(_wired(), RATE), torch.from_numpy(voice(0.3, RATE, 6).samples)[None].double()
    for address, value in (("tone.mix", 0.6), ("send.side.echo", -6.0), ("bus.side.level", -3.0), ("dry", -9.0)):
        at = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        module(x, {address: at}).square().sum().backward()
        step = 1e-5
        with torch.no_grad():
            ahead, back = (module(x, {address: at + s * step}).square().sum() for s in (1, -1))
        assert at.grad is not None
        assert float(at.grad) == pytest.approx(float((ahead - back) / (2 * step)), rel=1e-5), address


def test_off_is_off() -> None:
    rack = Rack([HOST.create("fx.gain")], dry=-math.inf)
    assert not RackModule(rack, RATE)(torch.ones(1, 2, 100)).any()


def test_the_error_names_the_slot_that_has_no_module() -> None:
    spec = DeviceSpec("test.plain", "processor", "match.test_rack_module:Plain")
    with pytest.raises(RoutingError, match=r"slot 'rough' \(test.plain\) is not differentiable"):
        RackModule(Rack([Slot(Device(spec), "rough")]), RATE)


class Plain:
    """A processor without a module."""

    latency = tail = 0

    def __init__(self, values: object, needs: object, assets: object) -> None:
        """Nothing to keep."""


@pytest.mark.parametrize("address", ["tone.loudness", "nothing.mix", "tone", "send.nowhere", "off.bypass"])
def test_an_unknown_address_is_refused(address: str) -> None:
    module = RackModule(_wired(), RATE)
    with pytest.raises(UsageError, match=address.split(".")[-1] if address != "tone" else "tone"):
        module(torch.ones(1, 1, 64), {address: torch.tensor(0.5)})


def test_render_module_refuses_another_precision() -> None:
    with pytest.raises(UsageError, match="float16"):
        render_module(vocal_rack(), voice(0.1, RATE, 1), dtype="float16")  # pyright: ignore[reportArgumentType]
