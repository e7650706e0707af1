"""The two figures of TRNet's paper, from the folder of an evaluation.

>>> from voxrack_ser.trnet.pictures import draw
>>> draw("runs/trnet/folds", "figures")  # coefficient.png, representations.png  # doctest: +SKIP

or, from a shell, ``python -m voxrack_ser.trnet.pictures runs/trnet/folds figures``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from voxrack.notebook.emotion_colours import colours
from voxrack.notebook.plots import CURVES, GRID, INK, MUTED, drawing
from voxrack.replace import make_folder

from .conditions import MATCHED, SNRS, UNMATCHED, noisy
from .figures import SHOWN, WEIGHING
from .folder import TrnetEvaluation
from .report import TITLES
from .representation import SHOWN as RATIOS
from .representation import chosen, shift, silhouette

Folder = str | os.PathLike[str]
NAMES = ("coefficient", "representations")
_PERPLEXITY = 30.0


def draw(folder: Folder, target: Folder) -> list[Path]:
    """Draw both: into a folder, or, where ``target`` has a suffix, as ``NAME-coefficient.png`` and so on.

    Returns
    -------
    list of Path
        What was written.
    """
    place = Path(target)
    if place.suffix and not place.is_dir():
        files = [place.with_name(f"{place.stem}-{name}{place.suffix}") for name in NAMES]
    else:
        make_folder(place)
        files = [place / f"{name}.png" for name in NAMES]
    coefficient(folder, files[0])
    representations(folder, files[1])
    return files


def coefficient(folder: Folder, path: Folder | None = None) -> Any:
    """Figure 2: mean and standard deviation of c over the ratio, for TRNet, its two ablations, and ours.

    Parameters
    ----------
    folder : str or Path
        Of a finished evaluation.
    path : str or Path, optional
        Write the picture there too (.png, .svg, .pdf), whole or not at all.

    Returns
    -------
    matplotlib.figure.Figure
    """
    evaluation = TrnetEvaluation.load(folder)
    found = evaluation.about["figures"]["trust"]
    title = f"estimated coefficient c, in front: {evaluation.about['enhancer']}"
    with drawing(16, 4.2, path, title) as figure:
        for axes, system in zip(figure.subplots(1, len(WEIGHING), sharey=True), WEIGHING, strict=True):
            _draw_coefficient(axes, found[system])
            axes.set_title(TITLES[system], loc="left", color=INK, fontweight="bold")
        figure.axes[0].set_ylabel("c: 1 trusts the recording, 0 the enhancer")
    return figure


def representations(folder: Folder, path: Folder | None = None) -> Any:
    """Figure 3: t-SNE of the representations of -c, -e and TRNet at 20, 10 and 0 dB of matched noise.

    The upper row is coloured by ratio, the lower by emotion, with the centres; the numbers above are measured in the
    space itself, of which a t-SNE shows neighbours and no distances. One network of each: the first split and seed.
    """
    evaluation = TrnetEvaluation.load(folder)
    split = evaluation.about["splits"][0]
    title = f"representations, {split['name']}, in front: {evaluation.about['enhancer']}"
    with drawing(13, 8.6, path, title) as figure:
        panels = figure.subplots(2, 3)
        for column, system in enumerate(SHOWN):
            answers = evaluation.answers(system)[split["folder"]][0]
            groups, labels = chosen(answers)
            points = _flat(np.concatenate(groups))
            ratios = [f"{ratio.snr:g} dB" for ratio in RATIOS for _ in labels]
            shades = dict(zip(dict.fromkeys(ratios), CURVES))
            _scatter(panels[0, column], points, ratios, shades)
            panels[0, column].set_title(f"{TITLES[system]}\nshift by noise {shift(groups):.2f}", loc="left", color=INK)
            _scatter(panels[1, column], points, labels * len(groups), colours(answers.classes))
            told = silhouette(np.concatenate(groups), labels * len(groups))
            panels[1, column].set_title(f"silhouette of emotions {told:.3f}", loc="left", color=INK)
        for row in panels:
            row[-1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return figure


def _draw_coefficient(axes: Axes, found: dict[str, Any]) -> None:
    places = np.arange(len(SNRS) + 1)
    for origin, colour, aside in ((MATCHED, CURVES[0], -0.06), (UNMATCHED, CURVES[1], 0.06)):
        names = ["clean", *(condition.name for condition in noisy(origin))]
        mean = np.array([found[name]["mean"] for name in names])
        deviation = np.array([found[name]["deviation"] for name in names])
        rho = found[f"{origin}_rho"]["rho"]
        told = f"{origin}, ρ = {rho:.2f}" if rho is not None else f"{origin}, c is constant"
        axes.errorbar(places + aside, mean, deviation, color=colour, label=told, marker="o", markersize=4, capsize=3,
                      linewidth=1.6)  # fmt: skip
    axes.set_xticks(places, ["clean", *(f"{snr}" for snr in SNRS)])
    axes.set_xlabel("ratio of speech to noise (dB)")
    axes.set_ylim(-0.05, 1.05)
    axes.grid(axis="y", color=GRID)
    axes.legend(loc="best", frameon=False)


def _flat(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """t-SNE (van der Maaten and Hinton 2008) in two dimensions; the same every time."""
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(points) - 1) / 3)
    return TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(points)


def _scatter(axes: Axes, points: NDArray[np.float64], groups: Sequence[str], shades: Mapping[str, str]) -> None:
    """Small pale points, and the centre of each group as a large one."""
    names = np.array(groups)
    for name, colour in shades.items():
        own = points[names == name]
        if not len(own):
            continue
        axes.scatter(own[:, 0], own[:, 1], s=9, color=colour, alpha=0.35, linewidths=0)
        axes.scatter(*own.mean(axis=0), s=150, color=colour, edgecolors="white", linewidths=1.5, label=name, zorder=3)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color(MUTED)


def main(words: Sequence[str]) -> int:
    """``FOLDER PICTURES``; returns the exit code."""
    from voxrack.errors import VoxrackError

    if len(words) != 2:
        print("python -m voxrack_ser.trnet.pictures FOLDER PICTURES", file=sys.stderr)
        return 2
    try:
        for path in draw(words[0], words[1]):
            print(path)
    except VoxrackError as error:
        print(f"voxrack: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
