"""Compile every kernel of the built-in effects and of enhance.light once, so that parallel tests share one cache."""

from __future__ import annotations

import numpy as np

from voxrack import Audio, default_host, render

for entry in default_host().devices("processor"):
    if entry.plugin == "fx" or (entry.spec.id == "enhance.light" and entry.status == "available"):
        for channels in (1, 2):
            render(default_host().create(entry.spec.id), Audio(np.zeros((channels, 2000)), 48_000), tail=False)
