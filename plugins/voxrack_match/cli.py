"""``voxrack fit``: a preset from a dry and a wet recording."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxrack.errors import UsageError

if TYPE_CHECKING:
    from .fitting import Progress
    from .result import FitResult

_CODES = "Exit codes: 0 done, 2 wrong use, 3 bad input."
_json = click.option("--json", "as_json", is_flag=True, help="Machine-readable, on standard output.")
_debug = click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")


def _names(context: click.Context, option: click.Parameter, text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


@click.command("fit", epilog=_CODES, short_help="Fit a rack to a dry and a wet recording.")
@click.argument("dry", type=click.Path())
@click.argument("wet", type=click.Path())
@click.option("-o", "--out", required=True, type=click.Path(), help="The preset to write (.json).")
@click.option("--rack", metavar="PRESET", help="Fit the rack of this preset. Default: the vocal rack.")
@click.option("--preset", "start", metavar="START", default="auto", show_default=True,
              help="Begin at this preset's numbers, or: auto, typical, neutral.")  # fmt: skip
@click.option("--steps", type=click.IntRange(min=0), help="At most. Default: 400.")
@click.option("--time-budget", type=float, metavar="SECONDS", help="At most; the schedule is stretched to it.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the choice of chunks.")
@click.option("--ablate", callback=_names, metavar="NAMES", help="Leave out buses or slots: delay,reverb.")
@click.option("--hold", callback=_names, metavar="ADDRESSES", help="Do not move these: compressor,peq.low_pass.")
@click.option("--run", type=click.Path(), metavar="DIR", help="Folder for metrics, checkpoints, best preset.")
@click.option("--resume", is_flag=True, help="Go on with the run in that folder.")
@click.option("--plot", type=click.Path(), metavar="FILE", help="Write a picture (.png, .svg, .pdf).")
@_json
@_debug
def fit_command(
    dry: str, wet: str, out: str, rack: str | None, start: str, steps: int | None, time_budget: float | None,
    device: str, seed: int, ablate: tuple[str, ...], hold: tuple[str, ...], run: str | None, resume: bool,
    plot: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Fit a rack to DRY and the WET recording that was made of it, and write the preset.

    Rendering DRY through the preset gives the match, at the wet's level. Ctrl-C ends the fit and keeps the best.

    \b
    Examples:
      voxrack fit dry.wav wet.wav -o mine.json && voxrack render mine.json dry.wav -o match.wav
      voxrack fit dry.wav wet.wav -o mine.json --time-budget 60 --plot mine.png
      voxrack fit dry.wav wet.wav -o mine.json --run runs/mine --resume
      voxrack fit dry.wav wet.wav -o eq.json --rack my-eq.json --preset neutral
    """
    from voxrack.files import write_text  # noqa: F401  (the target's folder is checked before an hour's work)

    target = _writable(Path(out), (".json",))
    picture = None if plot is None else _writable(Path(plot), (".png", ".svg", ".pdf"))
    if resume and run is None:
        raise UsageError("--resume needs --run DIR, the folder of the run to go on with")
    if device not in ("cpu",) and not device.startswith("cuda"):
        raise UsageError(f"device '{device}' is unknown; it takes cpu or cuda")
    _has_device(device)
    from .fitting import fit

    with _Screen(not as_json) as screen:
        result = fit(
            dry, wet, _preset(rack), steps=steps, time_budget=time_budget, seed=seed, device=device,
            start=start, ablate=ablate, hold=hold, callback=screen, run=run, resume=resume, name=target.stem,
        )  # fmt: skip
    result.save(target)
    if picture is not None:
        result.picture(picture)
    if as_json:
        click.echo(json.dumps({"preset": str(target), **result.summary()}, ensure_ascii=False))
    else:
        _print(result, target)
    return 0


def _preset(name: str | None) -> Any:
    if name is None:
        return None
    from voxrack import Preset, default_host

    factory = default_host().presets()
    return Preset.load(factory[name] if name in factory and not Path(name).exists() else name)


def _writable(path: Path, suffixes: tuple[str, ...]) -> Path:
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"cannot write {path}: it takes a name that ends in {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    return path


def _has_device(device: str) -> None:
    if device != "cpu":
        import torch

        if not torch.cuda.is_available():
            raise UsageError(f"device '{device}' is not there: torch sees no CUDA device; use --device cpu")


class _Screen:
    """Progress on standard error: a live line on a terminal, a plain one now and then elsewhere."""

    def __init__(self, plain: bool) -> None:
        self._plain, self._next = plain, 0.0
        self._live: Any = None

    def __enter__(self) -> _Screen:
        if sys.stderr is not None and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(console=Console(stderr=True), refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, now: Progress) -> None:
        if self._live is not None:
            self._live.update(line(now))
        elif self._plain and now.seconds >= self._next:
            click.echo(line(now), err=True)
            self._next = now.seconds + 10.0


def line(now: Progress) -> str:
    """``"step 120/1000 · 3.1 steps/s · 284 s left · total 1.204 (best 1.198) · mss 0.52 0.81 mldr 0.31 0.44"``."""
    terms = now.terms
    left = "?" if not math.isfinite(now.remaining) else f"{now.remaining:.0f}"
    return (
        f"step {now.step}/{now.steps} · {now.step / max(now.seconds, 1e-9):.1f} steps/s · {left} s left · "
        f"total {now.total:.3f} (best {now.best:.3f}) · mss {terms['mss_lr']:.2f} {terms['mss_ms']:.2f} "
        f"mldr {terms['mldr_lr']:.2f} {terms['mldr_ms']:.2f}"
    )


def _print(result: FitResult, target: Path) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("loss", "unprocessed", "fitted"):
        grid.add_column(column, justify="left" if column == "loss" else "right")
    for name, before, after in result.rows():
        grid.add_row(name, f"{before:.3f}", f"{after:.3f}")
    console = Console(markup=False, highlight=False)
    console.print(grid)
    for note in result.notes:
        console.print(f"· {note}")
    console.print(f"{target}: {result.steps} steps in {result.seconds:.0f} s")
