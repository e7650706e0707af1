"""One colour for each emotion, the same in every picture and in the notebook's timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

COLOURS: Mapping[str, str] = {  # told apart in broad bands, the commonest also by the colour-blind
    "neutral": "#a08c62", "calm": "#4fb0a5", "happy": "#f0b323", "sad": "#3a6fb0", "angry": "#cf3a2b",
    "fearful": "#7d4fa8", "disgust": "#5e8a2c", "surprised": "#e47bb0", "bored": "#7a5c48", "excited": "#ee7d21",
    "frustrated": "#93304f",
}  # fmt: skip
OTHERS = ("#1f8fa6", "#b35c9e", "#8aa51e", "#5a5fc7", "#c47a4a")
SILENT, DOUBT = "#d5d9de", "#8d96a3"


def colours(labels: Sequence[str]) -> dict[str, str]:
    """A colour for each label: an emotion's own, the same in every picture, or one of the others in turn."""
    unknown = [label for label in labels if label not in COLOURS]
    return {label: COLOURS.get(label) or OTHERS[unknown.index(label) % len(OTHERS)] for label in labels}
