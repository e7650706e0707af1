"""Widgets for JupyterLab: player, controls, live rendering, explorers of presets, pictures. Imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_WHERE = {
    "ABPlayer": "player", "Controls": "controls", "EmotionTimeline": "timeline", "HeatMap": "heat_map", "Live": "live",
    "LiveTraining": "training", "PcaExplorer": "pca", "before_after": "plots", "timeline_picture": "timeline_plot",
}  # fmt: skip
_ALSO = {"Curves": "LiveTraining", "Timeline": "EmotionTimeline"}  # shorter names, where nothing else is of that name

if TYPE_CHECKING:
    from .controls import Controls
    from .heat_map import HeatMap
    from .live import Live
    from .pca import PcaExplorer
    from .player import ABPlayer
    from .plots import before_after
    from .timeline import EmotionTimeline
    from .timeline import EmotionTimeline as Timeline
    from .timeline_plot import timeline_picture
    from .training import LiveTraining
    from .training import LiveTraining as Curves

__all__ = [
    "ABPlayer", "Controls", "Curves", "EmotionTimeline", "HeatMap", "Live", "LiveTraining", "PcaExplorer", "Timeline",
    "before_after", "timeline_picture",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    name = _ALSO.get(name, name)
    if name not in _WHERE:
        raise AttributeError(f"module 'voxrack.notebook' has no attribute '{name}'; it offers {', '.join(__all__)}")
    try:
        module = import_module(f".{_WHERE[name]}", __name__)
    except ModuleNotFoundError as error:
        if error.name not in ("anywidget", "ipywidgets", "traitlets", "matplotlib"):
            raise
        raise ImportError(
            f"voxrack.notebook.{name} needs '{error.name}', which is not installed; "
            "install the notebook extra: pip install 'voxrack[notebook]'"
        ) from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
