"""The examples in docstrings are true: every module that has any is run through doctest."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for room in ("host", "plugins") for path in (ROOT / room).rglob("*.py"))
WITH_EXAMPLES = [path for path in SOURCES if ">>> " in path.read_text(encoding="utf-8")]


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("name", [module_of(path) for path in WITH_EXAMPLES])
def test_the_examples_of_a_module_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.attempted or _all_skipped(name)
    assert not found.failed


def _all_skipped(name: str) -> bool:
    tests = doctest.DocTestFinder().find(import_module(name))
    return all(example.options.get(doctest.SKIP) for test in tests for example in test.examples)


def test_there_are_examples() -> None:
    assert {"voxrack.audio", "voxrack.params", "voxrack.rack"} <= {module_of(path) for path in WITH_EXAMPLES}
