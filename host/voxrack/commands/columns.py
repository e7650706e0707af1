"""How a table goes into a terminal: names and numbers stay whole, what is too wide goes on below."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

WIDE, CLOSE = 3, 2  # blanks that a column takes beside its text
PROSE = 16  # letters that a column of sentences gets at least, so that it is not set word by word


@dataclass(frozen=True)
class Part:
    """Columns side by side and their widths; ``close`` where they stand nearer to each other."""

    columns: list[int]
    widths: list[int]
    close: bool


def split(
    columns: Sequence[str], rows: Sequence[Sequence[str]], screen: int, *, numbers: Collection[int] = (), keys: int = 1
) -> list[Part]:
    """The parts of a table, one below the other.

    Numbers never break; other cells break between words, and inside a word only where it is wider than half the
    screen. Where the columns do not fit side by side, every part begins with the first ``keys`` of them.

    Parameters
    ----------
    columns, rows : sequence of str
        Header and cells.
    screen : int
        Width in letters.
    numbers : collection of int
        Columns that never break.
    keys : int
        How many columns tell a row from the others.

    Returns
    -------
    list of Part
        Empty where a part would be wider than the screen: :func:`paragraphs` is for these.
    """
    cells = [[name, *(row[at] for row in rows)] for at, name in enumerate(columns)]
    full = [max(_width(line) for cell in column for line in cell.split("\n")) for column in cells]
    if sum(full) + WIDE * len(full) <= screen:
        return [Part(list(range(len(full))), full, False)]
    least = [full[at] if at in numbers else _least(column, full[at], screen) for at, column in enumerate(cells)]
    parts = []
    for part in _parts(least, screen, keys):
        room = screen - CLOSE * len(part)
        if sum(least[at] for at in part) > room:
            return []
        parts.append(Part(part, _share([full[at] for at in part], [least[at] for at in part], room), True))
    return parts


def paragraphs(columns: Sequence[str], rows: Sequence[Sequence[str]], keys: int = 1) -> list[str]:
    """Lines: the key cells of a row one below the other, then its other cells behind their headers."""
    widest = max((_width(name) for name in columns[keys:]), default=0)
    lines = []
    for row in rows:
        lines += row[:keys]
        for name, cell in zip(columns[keys:], row[keys:], strict=True):
            lines.append(f"  {name}{' ' * (widest - _width(name))}  {cell}".rstrip())
    return lines


def _least(column: Sequence[str], full: int, screen: int) -> int:
    words = [_width(word) for cell in column for word in cell.split()]
    prose = PROSE if any(" " in cell for cell in column[1:]) else 0
    return max(1, min(full, max([prose, *words]), max(screen // 2, PROSE)))


def _parts(least: Sequence[int], screen: int, keys: int) -> list[list[int]]:
    head = list(range(min(keys, len(least))))
    parts = [list(head)]
    for at in range(len(head), len(least)):
        wider = [*parts[-1], at]
        if len(parts[-1]) > len(head) and sum(least[i] for i in wider) + CLOSE * len(wider) > screen:
            parts.append(list(head))
        parts[-1].append(at)
    return parts


def _share(full: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths between ``least`` and ``full``; what is left goes to the narrow ones first."""
    widths, spare = list(least), room - sum(least)
    while spare > 0 and any(width < most for width, most in zip(widths, full, strict=True)):
        at = min((i for i in range(len(widths)) if widths[i] < full[i]), key=lambda i: widths[i])
        widths[at] += 1
        spare -= 1
    return widths


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
