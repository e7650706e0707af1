"""The Python reference: every public name of the packages, from its docstring."""

from __future__ import annotations

import inspect
from importlib import import_module

from .markdown import code, page, plain, table, toctree

PACKAGES = {
    "voxrack": "Audio, devices, racks, presets, rendering",
    "voxrack.notebook": "Widgets and pictures for JupyterLab",
    "voxrack.datasets": "Corpora, noise sets, splits by speaker",
    "voxrack.testing": "What the author of a plugin needs in tests",
    "voxrack_match": "Fitting a rack to a record",
    "voxrack_atlas": "Collections of presets",
}
MODULES = {
    "voxrack.clip": "The bundled voice",
    "voxrack.files": "Audio files in and out",
    "voxrack.errors": "Refusals and their exit codes",
    "voxrack.hooks": "What a plugin can offer",
    "voxrack.device": "What a device must be able to do",
    "voxrack.recipe": "What a recipe is",
    "voxrack.task": "What the training loop trains",
    "voxrack.features": "Features in torch",
    "voxrack.metrics": "Measures of recognisers and enhancers",
    "voxrack.weights": "Weights and model cards",
    "voxrack.timeline": "What a recogniser heard over time",
}


def pages() -> dict[str, str]:
    """Files: ``python/MODULE.md`` and the list ``python.inc``."""
    out = {f"python/{name}.md": package(name, about) for name, about in PACKAGES.items()}
    out |= {f"python/{name}.md": module(name, about) for name, about in MODULES.items()}
    names = {**PACKAGES, **MODULES}
    rows = [(f"[{code(name)}](/generated/python/{name}.md)", plain(about)) for name, about in names.items()]
    out["python.inc"] = page(
        table(("module", "what is in it"), rows), toctree((f"/generated/python/{name}" for name in names), "hidden")
    )
    return out


def package(name: str, about: str) -> str:
    """Every name of ``__all__``."""
    there = import_module(name)
    parts = [entry(name, public, getattr(there, public)) for public in sorted(there.__all__, key=str.lower)]
    return page(f"# {code(name)}: {_lower(about)}", _rst(f".. py:currentmodule:: {name}"), *parts)


def entry(module: str, name: str, thing: object) -> str:
    """The directive that documents one name."""
    if inspect.isclass(thing):
        members = "" if issubclass(thing, BaseException) else "\n   :members:"
        return _rst(f".. autoclass:: {module}.{name}{members}")
    if inspect.isroutine(thing):
        return _rst(f".. autofunction:: {module}.{name}")
    return _rst(f".. py:data:: {module}.{name}\n   :value: {_short(repr(thing))}")


def module(name: str, about: str) -> str:
    """What a module defines and documents; what ``voxrack`` shows as its own is described there."""
    elsewhere = ", ".join(import_module("voxrack").__all__)
    return page(
        f"# {code(name)}: {_lower(about)}",
        _rst(f".. automodule:: {name}\n   :members:\n   :exclude-members: {elsewhere}"),
    )


def _rst(text: str) -> str:
    return f"```{{eval-rst}}\n{text}\n```"


def _lower(text: str) -> str:
    return text if text[1:2].isupper() else text[0].lower() + text[1:]


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"
