"""Pictures of the notebooks as they stand in JupyterLab, for README and notebooks/README.md: docs/screenshots/*.png.

    python tools/screenshots.py [NAME...]          # such as 01_rack; without a name all of them

Each notebook is run from top to bottom in headless Chromium, on the bundled clip, and its main widget is played.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from browser.conftest import FLAGS, chromium  # noqa: E402
from browser.lab import Notebook, lab_of, set_parameters  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
LARGEST = 200_000  # bytes of a picture
TALLEST = 1500  # pixels
AIR = 5  # pixels around what is pictured
# For each notebook: parameters other than its own, and what is in the picture (all matches from the first to the last).
SHOTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "01_rack": ({"SECONDS": 8.0}, (".vx-player >> nth=0", ".vx-strip >> nth=1")),
    "02_train": ({"EPOCHS": 60}, (".vx-training",)),
    "03_match": ({"SECONDS": 6.0, "STEPS": 20}, (".jp-OutputArea-output:has(table):has(.vx-player)", "img >> nth=1")),
    "04_atlas": ({"COUNT": 200}, (".vx-heat",)),
    "05_pca": ({"SECONDS": 6.0, "DESCRIBED": 4}, (".vx-player >> nth=0", ".vx-pca")),
    "06_emotion_timeline": ({}, (".vx-timeline >> nth=0",)),
    "07_convert": ({}, (".vx-player >> nth=0", ".vx-strip >> nth=0")),
}


def take(notebook: Notebook, selectors: tuple[str, ...]) -> bytes:
    """Run a notebook that is open, play its main widget, and picture that."""
    for failure in notebook.run_all():
        raise SystemExit(f"the notebook failed: {failure}")
    page = notebook.page
    places = [page.locator(f".jp-NotebookPanel:not(.lm-mod-hidden) {selector}") for selector in selectors]
    places[0].wait_for()
    page.wait_for_timeout(1000)
    # below the toolbar's edge, which else is in the picture
    places[0].evaluate("node => { node.style.scrollMarginTop = '24px'; node.scrollIntoView({ block: 'start' }); }")
    button = places[0].locator(".vx-play")
    if button.count():
        play(page, button.first)
        takes = places[0].locator(".vx-take")
        page.wait_for_timeout(1500)
        if takes.count() > 1:  # of the first there is an average now; the last one is heard in the picture
            takes.last.click()
    page.wait_for_timeout(1500)
    boxes = [box for box in (place.bounding_box() for place in places) if box]
    top, left = min(box["y"] for box in boxes) - AIR, min(box["x"] for box in boxes) - AIR
    right = max(box["x"] + box["width"] for box in boxes) + AIR
    foot = min(max(box["y"] + box["height"] for box in boxes) + AIR, top + TALLEST)
    shot = page.screenshot(clip={"x": left, "y": top, "width": right - left, "height": foot - top})
    if button.count():
        button.first.click()
    return shot


def play(page: Any, button: Any) -> None:
    """Press ▶ until it plays: the first time, a browser may open its audio output late."""
    for _ in range(12):
        button.click()
        page.wait_for_timeout(3500)
        if button.inner_text() != "▶":
            return
    raise SystemExit("the player does not play")


def small(shot: bytes) -> bytes:
    """The picture in as many colours as fit into the limit."""
    from PIL import Image

    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    for colours in (256, 128, 64, 32, 16):
        out = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(out, "png", optimize=True)
        if out.tell() <= LARGEST:
            return out.getvalue()
    raise SystemExit(f"the picture takes {out.tell()} bytes in 16 colours; make it smaller than {LARGEST}")


def main(names: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    wanted = names or [name for name in SHOTS if (ROOT / "notebooks" / f"{name}.ipynb").exists()]
    files = [f"{name}.ipynb" for name in wanted]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        sync_playwright() as driver,
        tempfile.TemporaryDirectory() as home,
        lab_of(Path(home), *files) as lab,
        driver.chromium.launch(executable_path=chromium(), headless=True, args=FLAGS) as browser,
    ):
        for name, file in zip(wanted, files):
            set_parameters(lab.folder / file, SHOTS[name][0])
        notebook = Notebook(browser, lab, files[0], timeout=900)
        notebook.page.set_viewport_size({"width": 1120, "height": 1800})
        notebook.page.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
        for name, file in zip(wanted, files):
            if file != files[0]:
                notebook.open(file)
            target = FOLDER / f"{name}.png"
            target.write_bytes(small(take(notebook, SHOTS[name][1])))
            print(f"{target.relative_to(ROOT)}: {target.stat().st_size / 1000:.0f} kB", flush=True)
            notebook.page.evaluate("() => panel.sessionContext.shutdown()")


if __name__ == "__main__":
    main(sys.argv[1:])
