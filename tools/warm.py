"""Compile every kernel that tests use once, so that parallel tests share one cache and never write it at once."""

from __future__ import annotations

import librosa
import numpy as np

from voxrack import Audio, default_host, render

for entry in default_host().devices("processor"):
    if entry.plugin == "fx" or (entry.spec.id == "enhance.light" and entry.status == "available"):
        for channels in (1, 2):
            render(default_host().create(entry.spec.id), Audio(np.zeros((channels, 2000)), 48_000), tail=False)

# librosa compiles with numba, too, into the folder where it is installed
tone = np.sin(np.arange(16_000) / 10)
librosa.pyin(tone, fmin=60, fmax=700, sr=16_000)
librosa.feature.delta(librosa.feature.mfcc(y=tone, sr=16_000))
librosa.feature.chroma_stft(y=tone, sr=16_000)
librosa.power_to_db(librosa.feature.melspectrogram(y=tone, sr=16_000))
