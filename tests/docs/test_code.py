"""The code of the documentation runs: Python blocks one after the other on each page, and marked blocks of shell.

Other blocks of shell are held against click: their verbs and options exist. A block that cannot run here says so in
the line above it (``% skip: reason``).
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from command_line import run
from doc_blocks import Block, blocks, calls, check_call, fenced

from voxrack.clip import clip_path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
WRITTEN = sorted(path for path in DOCS.rglob("*.md") if "generated" not in path.parts)
TEXTS = {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in WRITTEN}
ELSEWHERE = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("notebooks/README.md", "presets/README.md")}


def pages_with(language: str) -> list[str]:
    return [name for name, text in TEXTS.items() if blocks(text, language)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to be in and to import from, with what pages call take.flac, takes/ and my_plugin."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "takes").mkdir()
    for name in ("take.flac", "takes/one.flac"):
        shutil.copy(clip_path(), tmp_path / name)
    (thirty_lines,) = fenced((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), "python")
    (tmp_path / "my_plugin.py").write_text(thirty_lines, encoding="utf-8")
    yield tmp_path
    for name in ("my_plugin", "my_meter"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", pages_with("python"))
def test_the_python_of_a_page_runs(name: str, folder: Path) -> None:
    names: dict[str, object] = {"__name__": "page"}
    ran = 0
    for block in blocks(TEXTS[name], "python"):
        if block.mark == "skip":
            assert block.reason, f"{name}: a block that is skipped says why"
            continue
        if block.mark == "file":
            (folder / block.reason).write_text(block.code, encoding="utf-8")
            continue
        exec(compile(block.code, name, "exec"), names)
        ran += 1
    assert ran or all(block.mark == "skip" for block in blocks(TEXTS[name], "python"))


@pytest.mark.parametrize("name", TEXTS)
def test_python_names_that_a_page_links_to_exist(name: str) -> None:
    for role, target in re.findall(r"\{py:(\w+)\}`([\w.]+)`", TEXTS[name]):
        module, _, attribute = target.rpartition(".")
        assert hasattr(import_module(module), attribute), f"{name}: {role} {target}"


@pytest.mark.parametrize("name", [*pages_with("sh"), *ELSEWHERE])
def test_the_shell_of_a_page_names_verbs_and_options_that_exist(name: str) -> None:
    text = TEXTS.get(name) or ELSEWHERE[name]
    found = [words for block in _shell(text) for words in calls(block.code)]
    for words in found:
        check_call(words)


@pytest.mark.parametrize("name", [name for name in pages_with("sh") if "% run\n" in TEXTS[name]])
def test_the_shell_that_is_marked_runs(name: str, folder: Path) -> None:
    marked = [block for block in blocks(TEXTS[name], "sh") if block.mark == "run"]
    assert marked
    for block in marked:
        for words in calls(block.code):
            result = run(*words)
            assert result.exit_code == 0, f"{' '.join(words)}: {result.output}"


@pytest.mark.parametrize(
    "line",
    [
        "voxrack rendr a b -o c",
        "voxrack render a b --putput c",
        "voxrack render a b -o c -j many",
        "voxrack render a b",
        "voxrack render a -o c",
        "voxrack preset",
        "voxrack preset chek a",
        "voxrack devices --kind tool",
        "voxrack fit a b c -o d",
    ],
)
def test_a_wrong_line_is_found(line: str) -> None:
    (words,) = calls(line)
    with pytest.raises(AssertionError):
        check_call(words)


def _shell(text: str) -> list[Block]:
    return blocks(text, "sh")
