"""Six devices that ask the most of the contract, and an enhancer for the one that needs one."""

from __future__ import annotations

from voxrack import Axis, DeviceSpec, Param, hookimpl

LEVEL = Param("level", 0.0, lo=-24.0, hi=24.0, unit="dB", help="gain of the output")
GRID = Param(
    "grid",
    0.0,
    kind="array",
    lo=-24.0,
    hi=12.0,
    unit="dB",
    axes=(Axis("frequency", 49, "Hz", tuple(500.0 * i for i in range(49))), Axis("line", 6)),
    help="gain of every line at every frequency; the lines are averaged",
)

SPECS = (
    DeviceSpec(
        "probe.widen",
        "processor",
        "probes.streaming:Widen",
        params=(Param("delay", 12.0, lo=0.0, hi=30.0, unit="ms", structural=True), LEVEL),
        channels=(1,),
        transparent={"delay": 0.0, "level": 0.0},
        title="Widen",
        summary="mono in, stereo out: the right channel comes later",
    ),
    DeviceSpec(
        "probe.sixteen",
        "processor",
        "probes.streaming:Sixteen",
        params=(LEVEL,),
        rates=(16_000,),
        transparent={"level": 0.0},
        title="Sixteen",
        summary="a gain that runs at 16 kHz and looks 5 ms ahead",
    ),
    DeviceSpec(
        "probe.tempo",
        "processor",
        "probes.whole:Tempo",
        params=(Param("speed", 1.25, lo=0.5, hi=2.0, scale="log"),),
        streaming=False,
        length="free",
        transparent={"speed": 1.0},
        title="Tempo",
        summary="a tape that runs faster or slower",
    ),
    DeviceSpec(
        "probe.grid",
        "processor",
        "probes.streaming:Grid",
        params=(GRID,),
        transparent={"grid": 0.0},
        title="Grid",
        summary="a linear-phase equaliser of 49 frequencies by 6 lines",
    ),
    DeviceSpec(
        "probe.reference",
        "processor",
        "probes.streaming:Reference",
        params=(Param("recording", "", kind="asset", structural=True, fit=False), LEVEL),
        transparent={"recording": "", "level": 0.0},
        title="Reference",
        summary="a gain that brings -20 dBFS to the level of a recording",
    ),
    DeviceSpec(
        "probe.judge",
        "analyzer",
        "probes.judge:Judge",
        params=(Param("floor", -100.0, lo=-120.0, hi=-40.0, unit="dB"),),
        needs={"enhancer": "processor"},
        title="Judge",
        summary="how much an enhancer takes away, every 10 ms",
    ),
    DeviceSpec(
        "probe.enhance",
        "processor",
        "probes.streaming:Enhance",
        params=(Param("threshold", -50.0, lo=-90.0, hi=-20.0, unit="dB"),),
        role="enhancer",
        rates=(16_000,),
        title="Enhance",
        summary="turns down what is softer than a threshold",
    ),
)


@hookimpl
def voxrack_devices() -> tuple[DeviceSpec, ...]:
    return SPECS
