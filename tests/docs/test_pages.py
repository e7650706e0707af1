"""The reference is whole: every verb, device, parameter, recipe, preset, card and public name has its entry."""

from __future__ import annotations

import json
import re
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
from docs.pages import cards, devices, generate, notebooks, presets, python_names, recipes, verbs
from docs.pages.markdown import plain
from docs.pages.mathml import mathml

from voxrack import default_host

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
WRITTEN = {
    str(path.relative_to(DOCS)): path.read_text(encoding="utf-8")
    for path in sorted(DOCS.rglob("*.md"))
    if "generated" not in path.parts
}
EQUATION = re.compile(r"^\$\$\n(.*?)\n\$\$|(?<![$\\])\$([^$\n]+)\$(?!\$)", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is generated, in a folder of its own that holds the hand-written guides to verbs."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "verbs").symlink_to(DOCS / "verbs")
    return generate(folder)


def test_every_verb_has_a_page_with_all_its_options(pages: dict[str, str]) -> None:
    for name, command in verbs.commands().items():
        assert name in [Path(p).stem for p in WRITTEN if p.startswith("verbs/")] or f"verbs/{name}.md" in pages, name
        assert f"`{name}`" in pages["verbs.inc"]
        for part in [command, *_below(command)]:
            for parameter in part.params:
                if isinstance(parameter, click.Option) and not parameter.hidden:
                    assert all(option in pages[f"options/{name}.inc"] for option in parameter.opts), (name, parameter)


def test_every_guide_to_a_verb_is_of_a_verb_and_shows_its_options() -> None:
    guides = {Path(name).stem: text for name, text in WRITTEN.items() if name.startswith("verbs/")}
    assert guides.keys() - {"index"} <= verbs.commands().keys()
    for name, text in guides.items():
        assert name == "index" or f"../generated/options/{name}.inc" in text


def test_every_device_has_a_page_with_all_its_parameters(pages: dict[str, str]) -> None:
    own = devices.own()
    assert len(own) > 40
    for entry in own:
        page = pages[f"devices/{entry.spec.id}.md"]
        assert plain(entry.spec.summary) in page
        assert entry.spec.id in pages[f"devices/{entry.plugin}.md"]
        for param in entry.spec.params:
            assert f"| `{param.id}` |" in page, f"{entry.spec.id}: {param.id}"


def test_every_recipe_has_a_page_with_all_its_options(pages: dict[str, str]) -> None:
    own = recipes.own()
    assert len(own) > 7
    for spec in own:
        for option in spec.options:
            assert f"| `{option.id}` |" in pages[f"recipes/{spec.id}.md"], f"{spec.id}: {option.id}"


def test_every_notebook_is_told_of(pages: dict[str, str]) -> None:
    told = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb") if f"`{path.stem}`" in pages["notebooks.inc"]}
    assert len(told) >= 6
    assert told >= set(re.findall(r"\d\d_\w+", (ROOT / "notebooks" / "README.md").read_text()))


def test_every_notebook_has_a_page_with_its_picture_and_all_that_it_says(pages: dict[str, str]) -> None:
    readmes = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "notebooks/README.md")]
    for path in notebooks.own():
        made = pages[f"notebooks/{path.stem}.md"]
        assert f"](/screenshots/{path.stem}.png)" in made
        assert (DOCS / "screenshots" / f"{path.stem}.png").read_bytes()[:4] == b"\x89PNG"
        assert all(f"docs/screenshots/{path.stem}.png)" in text for text in readmes), path.stem
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert all(line.rstrip("\n") in made for line in cell["source"])


def test_pictures_are_of_notebooks_and_stay_small() -> None:
    pictures = list((DOCS / "screenshots").iterdir())
    assert {picture.stem for picture in pictures} == {path.stem for path in notebooks.own()}
    assert sum(picture.stat().st_size for picture in pictures) < 1_500_000


def test_a_notebook_without_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"08_new has no picture: python tools/screenshots\.py 08_new"):
        notebooks.notebook(tmp_path / "08_new.ipynb", "What is seen in it.")
    with pytest.raises(ValueError, match="01_rack has no picture"):
        notebooks.notebook(notebooks.own()[0], "")


def test_every_factory_preset_has_a_section(pages: dict[str, str]) -> None:
    assert presets.pages()
    for name in default_host().presets():
        assert f"\n## `{name}`\n" in "\n" + pages["presets.inc"]


def test_every_card_is_a_page_and_its_figures_stand_in_one_place(pages: dict[str, str]) -> None:
    assert cards.own()
    for name, path in cards.own().items():
        text = path.read_text(encoding="utf-8")
        assert pages[f"cards/{name}.md"] == text
        section = text.partition("\n## Figures\n")[2].partition("\n## ")[0]
        assert section and section.strip() in pages[f"figures/{name}.inc"]


def test_no_page_repeats_a_figure_of_a_card() -> None:
    """A figure with its interval stands in the card alone; pages include the card's section."""
    measured = re.compile(r"\d+\.\d+ \[\d+\.\d+, \d+\.\d+\]")
    in_cards = {found for path in cards.own().values() for found in measured.findall(path.read_text(encoding="utf-8"))}
    assert len(in_cards) > 20
    for name, text in WRITTEN.items():
        assert not in_cards & set(measured.findall(text)), f"{name}: include ../generated/figures/NAME.inc instead"


def test_weights_that_do_not_ship_are_said_not_to(pages: dict[str, str]) -> None:
    missing = {e.spec.id for e in devices.own() if e.spec.weights} - cards.own().keys()
    for id in missing:
        assert f"No weights of `{id}` ship" in pages[f"figures/{id}.inc"]


def test_every_public_name_is_in_the_reference(pages: dict[str, str]) -> None:
    for package in python_names.PACKAGES:
        for name in import_module(package).__all__:
            assert re.search(rf":: {re.escape(package)}\.{name}\n", pages[f"python/{package}.md"]), f"{package}.{name}"


def test_packages_with_public_names_are_all_listed() -> None:
    listed = python_names.PACKAGES.keys()
    for init in [*(ROOT / "host").rglob("__init__.py"), *(ROOT / "plugins").glob("*/__init__.py")]:
        if re.search(r"^__all__ = ", init.read_text(encoding="utf-8"), re.MULTILINE):
            name = ".".join(init.parent.relative_to(ROOT).parts[1:])
            assert name in listed, f"{name} has public names; add it to docs/pages/python_names.py"


@pytest.mark.parametrize("name", [name for name, text in WRITTEN.items() if "$" in text])
def test_every_equation_is_understood(name: str) -> None:
    without_code = re.sub(r"^```.*?^```|`[^`\n]*`", "", WRITTEN[name], flags=re.DOTALL | re.MULTILINE)
    for found in EQUATION.finditer(without_code):
        assert mathml(found[1] or found[2], "block").startswith("<math")


def test_an_equation_that_is_not_understood_is_refused() -> None:
    for latex in (r"a = \nonsense b", r"a &= b"):
        with pytest.raises(ValueError, match="not understood"):
            mathml(latex, "block")


@pytest.mark.parametrize("name", WRITTEN)
def test_headings_are_in_order_and_pictures_have_words(name: str) -> None:
    text = re.sub(r"^```.*?^```", "", WRITTEN[name], flags=re.DOTALL | re.MULTILINE)
    levels = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for words in re.findall(r"!\[(.*?)\]\(", text):
        assert len(words) > 20, f"{name}: say what is seen in the picture"


def test_every_page_is_reached_from_home() -> None:
    text = "".join(WRITTEN.values())
    for name in WRITTEN:
        place = name.removesuffix(".md")
        if place != "index" and not place.startswith("verbs/"):
            assert place in text or Path(place).name in WRITTEN["explanation/index.md"], f"{name} is in no navigation"


def _below(command: click.Command) -> list[Any]:
    if not isinstance(command, click.Group):
        return []
    direct = list(command.commands.values())
    return [part for sub in direct for part in (sub, *_below(sub))]
