"""How the site is built: a small one with the same settings. The whole one is built by ``make docs``, in CI too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("furo", reason="the docs extra is not installed; 'make docs' installs it")

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = """# A page

```{toctree}
:caption: More

other
```

Inline $x^2$, and

$$
\\mathcal{L} = \\sum_i \\left( x_i - \\hat x_i \\right)^2
$$

```sh
voxrack plugins
```
"""


def build(folder: Path, text: str) -> int:
    """Build one page as the site is built, without the generated ones; Sphinx's status."""
    from sphinx.application import Sphinx

    (folder / "index.md").write_text(text, encoding="utf-8")
    if "\nother\n" in text:
        (folder / "other.md").write_text("# Another page\n", encoding="utf-8")
    changed = {
        "extensions": ["myst_parser", "docs.pages.access", "docs.pages.mathml"],
        "html_static_path": [str(DOCS / "static")],
    }
    app = Sphinx(
        folder, DOCS, folder / "out", folder / "doctrees", "html", changed, status=None, warning=None,
        warningiserror=True,
    )  # fmt: skip
    app.build()
    return app.statuscode


def test_a_page_needs_nothing_from_elsewhere_and_its_equations_are_mathml(tmp_path: Path) -> None:
    assert build(tmp_path, PAGE) == 0
    html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert html.count("<math") == 2
    assert '<div class="equation" tabindex="0"' in html and '<pre tabindex="0">' in html
    assert 'role="heading">' not in html
    fetched = re.findall(r"<(?:script|link|img|iframe)[^>]*?(?:src|href)=\"([^\"]+)\"", html)
    assert fetched
    assert not [place for place in fetched if "//" in place]
    styles = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "out" / "_static").rglob("*.css"))
    assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", styles)
    assert (tmp_path / "out" / "searchindex.js").is_file()


@pytest.mark.parametrize("wrong", ["[there](nowhere.md)", "$a = \\nonsense b$", "```{include} nowhere.inc\n```"])
def test_what_leads_nowhere_is_an_error(tmp_path: Path, wrong: str) -> None:
    assert build(tmp_path, f"# A page\n\n{wrong}\n") != 0
