"""What the verbs share: the set they take, its space, the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxrack.commands import common
from voxrack.errors import UsageError
from voxrack.replace import Replacement

if TYPE_CHECKING:
    import pandas

    from ..collection import Collection

set_argument = click.argument("collection", metavar="SET", type=click.Path(path_type=Path))
space_option = click.option(
    "--space", type=click.Choice(["auto", "raw", "perceptual", "logit"]), default="auto", show_default=True,
    help="Where presets are compared: DiffVox's own numbers, units of about equal effect, or places in the ranges.",
)  # fmt: skip
duplicates_option = click.option(
    "--duplicates", type=click.Choice(["refuse", "keep", "first"]), default="refuse", show_default=True,
    help="Presets that agree in every value.",
)  # fmt: skip


def _picture(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a picture's name before any work is done."""
    if path is not None:
        from ..pictures import check

        check(path)
        Replacement(path)  # refuses a folder that is not there or cannot be written to
    return path


def ends_in(suffix: str) -> Callable[[click.Context, click.Parameter, Path | None], Path | None]:
    """A callback that refuses another suffix before any work is done."""

    def checked(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
        if path is not None and path.suffix != suffix:
            raise UsageError(f"-o takes the name of a {suffix} file; got '{path.name}': "
                             f"write '{path.with_suffix(suffix).name}'")  # fmt: skip
        if path is not None:
            Replacement(path)
        return path

    return checked


plot_option = click.option(
    "--plot", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), callback=_picture,
    help="Picture: .png, .svg or .pdf.",
)  # fmt: skip


def load(path: Path, duplicates: Any = "refuse") -> Collection:
    """The set; what a person should know of it goes to standard error."""
    from ..collection import Collection

    collection = Collection.load(path, duplicates=duplicates)
    for remark in collection.remarks:
        common.say(remark)
    return collection


def draw(figure: Callable[[], Any], path: Path | None) -> None:
    """Write the picture, where one is wanted."""
    if path is not None:
        from ..pictures import save

        save(figure(), path)


def say_constant(constant: tuple[str, ...]) -> None:
    """Say which parameters are left out, and why."""
    if constant:
        shown = ", ".join(constant[:6]) + (f" and {len(constant) - 6} more" if len(constant) > 6 else "")
        common.say(f"the same in every preset, left out: {shown}")


def records(frame: pandas.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON takes them; the index comes first under its name."""
    table = frame.reset_index() if frame.index.name else frame
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
