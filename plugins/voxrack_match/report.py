"""A picture of a fit: equaliser and compressor curves, echoes, decay, spectra of dry, wet and match, losses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxrack import Rack

from .analysis import long_term_spectrum
from .problem import gain_to_level

if TYPE_CHECKING:
    from .result import FitResult

_COLOURS = {"dry": "#888888", "wet": "#d1495b", "match": "#00798c"}


def draw(result: FitResult, path: Path) -> Path:
    """Write the picture; its format follows the suffix.

    Raises
    ------
    UsageError
        Where matplotlib is not installed, or the suffix is not one it writes.
    """
    import io

    from voxrack.errors import UsageError
    from voxrack.files import write_bytes

    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg", "pdf"):
        raise UsageError(f"a picture is written as .png, .svg or .pdf; got {path.name!r}")
    data = io.BytesIO()
    figure(result).savefig(data, format=kind, dpi=110)
    write_bytes(path, data.getvalue())
    return path


def figure(result: FitResult) -> Any:
    """The picture as a matplotlib figure; panels for devices that the rack does not have are left out."""
    from voxrack.errors import UsageError

    try:
        from voxrack.notebook.plots import Picture
    except ImportError:
        raise UsageError("a picture needs matplotlib: pip install 'voxrack[notebook]'") from None
    rack, rate = result.preset.rack(), result.pair.sample_rate
    panels: list[Callable[[Any], None]] = [lambda axes: _spectra(axes, result)]
    for prefix, slot in rack.slots().items():
        panel = _PANELS.get(slot.device.spec.id)
        if panel is not None and not slot.bypass and _heard(rack, slot):
            panels.append(lambda axes, panel=panel, prefix=prefix: panel(axes, rack, prefix, rate))
    if result.history:
        panels.append(lambda axes: _losses(axes, result))
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    sheet = Picture(figsize=(5 * columns, 3.4 * rows), layout="constrained")
    grid = sheet.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(grid, panels):
        panel(axes)
        axes.grid(alpha=0.25)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    sheet.suptitle(
        f"{result.preset.name}: weighted total {result.before['total']:.3f} unprocessed, "
        f"{result.after['total']:.3f} fitted"
    )
    return sheet


def _heard(rack: Rack, slot: Any) -> bool:
    for bus in rack.buses:
        if slot in tuple(bus.chain):
            return bool(np.isfinite(bus.level))
    return True


def _spectra(axes: Any, result: FitResult) -> None:
    match = result.render().samples
    rate = result.pair.sample_rate
    match = match * 10 ** (gain_to_level(match, rate)[0] / 20)
    for name, signal in (("dry", result.pair.dry), ("wet", result.pair.wet), ("match", match)):
        axes.semilogx(*long_term_spectrum(signal, rate), label=name, color=_COLOURS[name])
    axes.set(title="long-term spectra at −18 LUFS", xlabel="Hz", ylabel="dB")
    axes.legend()


def _impulse(rack: Rack, prefix: str, rate: int, seconds: float, channels: int) -> np.ndarray:
    device = rack.slots()[prefix].copy().device
    runner = Rack([device])
    x = np.zeros((channels, round(seconds * rate)), np.float32)
    x[:, 0] = 1.0
    from voxrack import Audio, render

    return render(runner, Audio(x, rate), tail=False).samples


def _equaliser(axes: Any, rack: Rack, prefix: str, rate: int) -> None:
    out = _impulse(rack, prefix, rate, 1.0, 1)[0]
    frequencies = np.fft.rfftfreq(out.size, 1 / rate)
    level = 20 * np.log10(np.maximum(np.abs(np.fft.rfft(out)), 1e-6))
    keep = frequencies >= 20
    axes.semilogx(frequencies[keep], level[keep], color=_COLOURS["match"])
    axes.set(title=f"{prefix}: equaliser", xlabel="Hz", ylabel="dB", ylim=(max(-40.0, level[keep].min() - 1), None))


def _compressor(axes: Any, rack: Rack, prefix: str, rate: int) -> None:
    get = lambda id: rack.get(f"{prefix}.{id}")  # noqa: E731
    level = np.linspace(-80.0, 0.0, 321)
    above = (1 - 1 / get("ratio")) * (get("threshold") - level)
    below = (1 - 1 / get("expander_ratio")) * (get("expander_threshold") - level)
    out = level + np.minimum(0.0, np.minimum(above, below)) + get("make_up")
    axes.plot(level, level, color=_COLOURS["dry"], linewidth=0.8)
    axes.plot(level, out, color=_COLOURS["match"])
    axes.set(
        title=f"{prefix}: attack {get('attack'):.3g} ms, release {get('release'):.3g} ms",
        xlabel="dB in", ylabel="dB out", ylim=(-90, 20),
    )  # fmt: skip


def _echoes(axes: Any, rack: Rack, prefix: str, rate: int) -> None:
    out = _impulse(rack, prefix, rate, 2.0, 1)
    size = max(1, rate // 500)
    count = out.shape[1] // size
    energy = np.square(out[:, : count * size]).reshape(out.shape[0], count, size).sum(axis=2)
    times = np.arange(count) * size / rate * 1000
    for row, name in zip(energy, ("left", "right")):
        axes.plot(times, 10 * np.log10(np.maximum(row, 1e-9)), label=name, linewidth=1)
    axes.set(title=f"{prefix}: echoes every {rack.get(f'{prefix}.time'):.0f} ms", xlabel="ms", ylabel="dB")
    axes.set_ylim(bottom=max(-90.0, 10 * np.log10(max(float(energy.max()), 1e-9)) - 60))
    axes.legend()


def _decay(axes: Any, rack: Rack, prefix: str, rate: int) -> None:
    decay = np.asarray(rack.get(f"{prefix}.decay"))
    frequencies = 22050.0 * np.arange(decay.size) / (decay.size - 1)
    axes.semilogx(np.maximum(frequencies, 100.0), decay, color=_COLOURS["match"])
    axes.set(title=f"{prefix}: reverberation time", xlabel="Hz", ylabel="T60 in s", ylim=(0, None))


def _losses(axes: Any, result: FitResult) -> None:
    steps = [line["step"] for line in result.history]
    for key in ("total", "mss_lr", "mss_ms", "mldr_lr", "mldr_ms"):
        values = [np.nan if line.get(key) is None else line[key] for line in result.history]
        axes.plot(steps, values, label=key, linewidth=2 if key == "total" else 1)
    axes.set(title="losses", xlabel="step", yscale="log")
    axes.legend(fontsize="small")


_PANELS = {"fx.peq": _equaliser, "fx.compressor": _compressor, "fx.delay": _echoes, "fx.reverb": _decay}
