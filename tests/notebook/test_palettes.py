"""Colours that mean something are told apart by people who see two primaries only."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from voxrack import notebook, track_html
from voxrack.notebook.emotion_colours import COLOURS

# Machado, Oliveira and Fernandes 2009, severity 1: linear RGB as a dichromat sees it.
EYES = {
    "usual": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
LEAST = 10.0  # CIE76 difference; 2.3 is just noticed side by side
PAGE = Path(notebook.__file__).with_name("page.js").read_text(encoding="utf-8")
TAKES = tuple(re.findall(r"#[0-9a-f]{6}", PAGE.partition("const COLOURS = ")[2].partition(";")[0]))


def lab(colour: str, eye: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of an sRGB colour."""
    rgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = matrix @ np.clip(eye @ linear, 0, 1) / (0.9505, 1.0, 1.089)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("palette", [tuple(COLOURS.values()), TAKES], ids=["emotions", "takes"])
def test_every_two_colours_differ(eye, palette):
    assert len(palette) >= 6
    seen = {colour: lab(colour, np.array(EYES[eye])) for colour in palette}
    nearest = min(itertools.combinations(palette, 2), key=lambda two: np.linalg.norm(seen[two[0]] - seen[two[1]]))
    assert np.linalg.norm(seen[nearest[0]] - seen[nearest[1]]) > LEAST, nearest


def test_tracks_are_drawn_in_the_colours_of_takes():
    assert track_html._COLOURS == TAKES
