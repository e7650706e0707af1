"""The vocal rack in plain NumPy and SciPy: the floor for speed, and a second opinion on the result.

Filters through ``scipy.signal``; what is recursive and not linear (the compressor's ballistics) is a
Python loop, as it has to be there; delay and reverb advance in chunks as long as their shortest line.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.signal import firwin2, lfilter, sosfilt

Signal = NDArray[np.float64]
LINES = (997, 1153, 1327, 1559, 1801, 2099)  # samples at 44.1 kHz


def biquad(kind: str, rate: float, frequency: float, q: float, gain: float = 0.0) -> Signal:
    """One second-order section (RBJ cookbook), shape (6,)."""
    w, amplitude = 2 * np.pi * frequency / rate, 10 ** (gain / 40)
    c, alpha = np.cos(w), np.sin(w) / (2 * q)
    root = 2 * np.sqrt(amplitude) * alpha
    up, down = amplitude + 1, amplitude - 1
    if kind == "low_pass":
        b, a = [(1 - c) / 2, 1 - c, (1 - c) / 2], [1 + alpha, -2 * c, 1 - alpha]
    elif kind == "high_pass":
        b, a = [(1 + c) / 2, -1 - c, (1 + c) / 2], [1 + alpha, -2 * c, 1 - alpha]
    elif kind == "peak":
        b = [1 + alpha * amplitude, -2 * c, 1 - alpha * amplitude]
        a = [1 + alpha / amplitude, -2 * c, 1 - alpha / amplitude]
    else:
        s = -1 if kind == "high_shelf" else 1
        b = [
            amplitude * (up - s * down * c + root),
            2 * s * amplitude * (down - s * up * c),
            amplitude * (up - s * down * c - root),
        ]
        a = [up + s * down * c + root, -2 * s * (down + s * up * c), up + s * down * c - root]
    return np.array(b + a) / a[0]


def equaliser(x: Signal, rate: float, values: dict[str, Any], bands: tuple[str, ...]) -> Signal:
    """Bands named ``peak1``, ``low_shelf`` … in series."""
    sections = [
        biquad(
            band.rstrip("12"), rate, values[f"{band}.frequency"], values[f"{band}.q"], values.get(f"{band}.gain", 0.0)
        )
        for band in bands
    ]
    return np.asarray(sosfilt(np.array(sections), x))


def compressor(x: Signal, rate: float, v: dict[str, Any]) -> Signal:
    """Channels independent; whole-sample look-ahead."""

    def coefficient(ms: float) -> float:
        return 1 - np.exp(-2200 / (ms * rate))

    c = coefficient(v["averaging"])
    energy = lfilter([c], [1, c - 1], np.maximum(x * x, 1e-8))
    level = 10 * np.log10(energy)
    down = (1 - 1 / v["ratio"]) * (v["threshold"] - level)
    expand = (1 - 1 / v["expander_ratio"]) * (v["expander_threshold"] - level)
    wanted = 10 ** (np.minimum(0, np.minimum(down, expand)) / 20)
    attack, release = coefficient(v["attack"]), coefficient(v["release"])
    gain = np.empty_like(wanted)
    for channel in range(x.shape[0]):
        g = 1.0
        for n, f in enumerate(wanted[channel].tolist()):
            g += (attack if f < g else release) * (f - g)
            gain[channel, n] = g
    ahead = round(v["look_ahead"] * rate / 1000)
    gain = np.concatenate((gain[:, ahead:], np.repeat(gain[:, -1:], ahead, axis=1)), axis=1)
    return x * gain * 10 ** (v["make_up"] / 20)


def pan(x: Signal, position: float) -> Signal:
    """(1 or 2, frames) to (2, frames); position -100 … 100."""
    angle = (position + 100) / 200 * np.pi / 2
    return np.sqrt(2) * np.array([[np.cos(angle)], [np.sin(angle)]]) * x


def delay(x: Signal, rate: float, v: dict[str, Any]) -> Signal:
    """Ping-pong: two cross-fed lines, the low-pass in the loop; (1, frames) to (2, frames)."""
    late, frames = round(v["time"] * rate / 1000), x.shape[1]
    section = biquad("low_pass", rate, v["low_pass.frequency"], v["low_pass.q"])[None]
    odd, even = np.zeros(frames + late), np.zeros(frames + late)
    states = [np.zeros((1, 2)), np.zeros((1, 2))]
    for start in range(0, frames, late):
        stop = min(frames, start + late)
        back = [np.zeros(stop - start), np.zeros(stop - start)]
        if start >= late:
            for i, line in enumerate((odd, even)):
                back[i], states[i] = sosfilt(section, line[start - late : stop - late], zi=states[i])
        source = x[0, start - late : stop - late] if start >= late else np.zeros(stop - start)
        odd[start:stop] = source + v["feedback"] * back[1]
        even[start:stop] = v["feedback"] * back[0]
    level = 10 ** (v["level"] / 20)
    return level * (pan(odd[None, :frames], v["odd_pan"]) + pan(even[None, :frames], v["even_pan"]))


def reverb(x: Signal, rate: float, v: dict[str, Any]) -> Signal:
    """Six-line feedback delay network with linear-phase absorption (44.1 kHz, size 1)."""
    upper = np.zeros((6, 6))
    upper[np.triu_indices(6, 1)] = v["rotation"]
    mix, into, out_of = expm(upper - upper.T), np.asarray(v["input"]), np.asarray(v["output"])
    grid = np.linspace(0, 1, 49)
    taps = [firwin2(97, grid, 10 ** (-3 * m / (rate * np.asarray(v["decay"])))) for m in LINES]
    chunk, frames = LINES[0] - 48, x.shape[1]
    held = [np.zeros(m - 48) for m in LINES]
    states = [np.zeros(96) for _ in LINES]
    wet = np.empty((2, frames))
    for start in range(0, frames, chunk):
        n = min(chunk, frames - start)
        arriving = np.array([line[:n] for line in held])
        wet[:, start : start + n] = out_of @ arriving
        damped = np.empty_like(arriving)
        for j in range(6):
            damped[j], states[j] = lfilter(taps[j], [1.0], arriving[j], zi=states[j])
        entering = mix @ damped + into @ x[:, start : start + n]
        held = [np.concatenate((line[n:], entering[j])) for j, line in enumerate(held)]
    return equaliser(wet, rate, v, ("peak1", "peak2", "low_shelf", "high_shelf"))


def vocal_rack(x: Signal, rate: float, values: dict[str, Any]) -> Signal:
    """The whole rack; ``values`` by the addresses of ``benchmarks.render.vocal_rack``."""

    def of(slot: str) -> dict[str, Any]:
        return {address[len(slot) + 1 :]: value for address, value in values.items() if address.startswith(f"{slot}.")}

    u = equaliser(x, rate, of("peq"), ("peak1", "peak2", "low_shelf", "high_shelf", "low_pass", "high_pass"))
    u = compressor(u, rate, of("compressor"))
    w = delay(u.mean(axis=0, keepdims=True), rate, of("delay"))
    send = 10 ** (values["send.delay.reverb"] / 20)
    return pan(u, values["pan.pan"]) + w + reverb(u + send * w, rate, of("reverb"))
