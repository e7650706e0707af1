"""How long an hour of audio takes a recogniser, block by block, as it comes from a file or a microphone."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np

from voxrack import default_host
from voxrack.instance import AnalyzerDevice
from voxrack.testing import voice

BLOCK = 4096
HOUR = 3600


def one_hour(device: str = "ser.best", weights: str = "", rate: int = 44_100, seconds: int = HOUR) -> dict[str, Any]:
    """Analyse synthetic speech with pauses, over and over.

    Returns
    -------
    dict
        ``seconds`` and ``processor_seconds`` of work, ``windows``, those with speech, and by how many megabytes the
        process grew after its first minute of audio.
    """
    analyzer = default_host().create(device, {"weights": weights})
    assert isinstance(analyzer, AnalyzerDevice)
    minute = np.tile(voice(10.0, rate).samples, 6)
    analyzer.prepare(rate, 1)
    grown, began, worked = 0.0, time.perf_counter(), time.process_time()
    for number in range(max(1, round(seconds / 60))):
        for start in range(0, minute.shape[1], BLOCK):
            analyzer.push(minute[:, start : start + BLOCK])
        if number == 0:
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    summary = analyzer.finish()[0].summary
    return {
        "device": device,
        "weights": summary["weights"],
        "sample_rate": rate,
        "audio_seconds": summary["duration_s"],
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - worked,
        "windows": summary["windows"],
        "windows_with_speech": summary["windows_with_speech"],
        "grown_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown) / 1024,
    }
