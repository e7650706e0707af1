"""One colour for each emotion, the same in every picture and in the notebook's timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

COLOURS: Mapping[str, str] = {  # told apart by the colour-blind too: tests/notebook/test_palettes.py measures it
    "neutral": "#92702e", "calm": "#56999c", "happy": "#d8b831", "sad": "#285472", "angry": "#9e1e26",
    "fearful": "#946fc9", "disgust": "#566b3f", "surprised": "#f54381", "bored": "#613f3a", "excited": "#c66d11",
    "frustrated": "#a32758",
}  # fmt: skip
OTHERS = ("#1f8fa6", "#b35c9e", "#8aa51e", "#5a5fc7", "#c47a4a")
SILENT, DOUBT = "#d5d9de", "#8d96a3"


def colours(labels: Sequence[str]) -> dict[str, str]:
    """A colour for each label: an emotion's own, the same in every picture, or one of the others in turn."""
    unknown = [label for label in labels if label not in COLOURS]
    return {label: COLOURS.get(label) or OTHERS[unknown.index(label) % len(OTHERS)] for label in labels}
