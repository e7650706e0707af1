"""The rack of DiffVox, as it stands before anything is fitted."""

from __future__ import annotations

import math

from voxrack import Bus, Rack, Slot
from voxrack.host import Host, default_host


def vocal_rack(host: Host | None = None) -> Rack:
    """Gain, equaliser and compressor; then pan, delay and reverb side by side; then gain (DiffVox spec, section 1).

    Values are the paper's initial ones (section 2) where it has any that are not drawn at random; the reverb is its
    default hall. Slots: ``pre``, ``peq``, ``compressor``, ``pan``, ``delay``, ``reverb``, ``master.post``.

    Parameters
    ----------
    host : Host, optional
        By default everything installed.
    """
    host = host or default_host()
    peq = host.create("fx.peq", {
        "peak1.frequency": 800.0, "peak2.frequency": 4000.0, "low_shelf.frequency": 115.0,
        "high_shelf.frequency": 6000.0, "low_pass.frequency": 17500.0, "high_pass.frequency": 200.0,
    })  # fmt: skip
    compressor = host.create("fx.compressor", {
        "threshold": -18.0, "expander_threshold": -48.0, "ratio": 2.0, "expander_ratio": 0.5, "attack": 50.0,
        "release": 50.0, "averaging": 0.14, "look_ahead": 0.023,
    })  # fmt: skip
    delay = host.create("fx.delay", {
        "time": 400.0, "feedback": 0.1, "level": -20.0, "low_pass.frequency": 8000.0, "odd_pan": 0.0, "even_pan": 0.0,
    })  # fmt: skip
    return Rack(
        [Slot(host.create("fx.gain"), "pre"), Slot(peq, "peq"), Slot(compressor, "compressor")],
        [
            Bus("direct", [Slot(host.create("fx.pan"), "pan")]),
            Bus("delay", [Slot(delay, "delay")], sends={"reverb": -40.0}),
            Bus("reverb", [Slot(host.create("fx.reverb"), "reverb")]),
        ],
        sends={"direct": 0.0, "delay": 0.0, "reverb": 0.0},
        dry=-math.inf,
        master=[Slot(host.create("fx.gain"), "post")],
        input="mono",
    )
