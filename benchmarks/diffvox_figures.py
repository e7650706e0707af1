"""What the slides of DiffVox and its notebook print of the published presets, and the notebook's recipe for effects."""

from __future__ import annotations

import numpy as np

RATIOS = (13.858, 9.721, 8.224, 7.175, 6.373)  # %, internal set
NEEDED = {"internal": 59.23, "MedleyDB": 65.22, "MedleyDB on internal": 76.92}  # % of components for 99 %
SLIDE = (  # pair, Spearman's coefficient internal, MedleyDB
    ("peq.low_pass.frequency", "reverb.decay[44]", 0.60, 0.32),
    ("peq.peak2.gain", "peq.peak2.q", -0.60, -0.10),
    ("delay.time", "delay.feedback", -0.58, -0.20),
    ("peq.low_pass.frequency", "reverb.decay[43]", 0.56, 0.35),
    ("compressor.threshold", "compressor.make_up", -0.55, 0.06),
    ("peq.low_pass.frequency", "reverb.decay[45]", 0.53, 0.19),
    ("compressor.expander_threshold", "compressor.expander_ratio", -0.52, -0.30),
    ("delay.time", "delay.level", -0.51, -0.02),
    ("delay.feedback", "delay.low_pass.frequency", 0.49, 0.41),
    ("reverb.peak2.gain", "reverb.peak2.frequency", -0.46, -0.47),
)
TESTED = 74  # whitened scores that the paper tests
LOOK_AHEAD = 17  # its place in the vector


def recipe(raw: np.ndarray) -> np.ndarray:
    """The notebook's matrix: mean |Spearman| over the published numbers themselves, effects by their places."""
    from scipy.stats import rankdata

    upper = [104 + 6 * row + column for row in range(6) for column in range(row + 1, 6)]
    effects = [range(3), range(3, 6), range(6, 8), range(8, 10), range(10, 12), range(12, 14), range(14, 23),
               [23], range(24, 31), [*range(31, 104), *upper, *range(140, 150)]]  # fmt: skip
    strength = np.abs(np.corrcoef(rankdata(raw, axis=0), rowvar=False))
    out = np.full((len(effects), len(effects)), np.nan)
    for i, one in enumerate(effects):
        for j, other in enumerate(effects):
            block = strength[np.ix_(list(one), list(other))]
            block = block[np.triu_indices(len(block), 1)] if i == j else block
            out[i, j] = block.mean() if block.size else np.nan
    return out
