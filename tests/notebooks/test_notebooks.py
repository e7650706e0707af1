"""The notebooks: thin, stored clean, and running from top to bottom on the bundled clip."""

from __future__ import annotations

import ast
import json
import re
import time
from pathlib import Path

import pytest
from learned import need

nbformat = pytest.importorskip("nbformat", reason="needs the extra notebook")
nbclient = pytest.importorskip("nbclient", reason="needs the extra dev")

FOLDER = Path(__file__).resolve().parent.parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
TIMELINE = FOLDER / "06_emotion_timeline.ipynb"
WIDGET = "application/vnd.jupyter.widget-view+json"
LIMIT = 120  # seconds a cell may take before the run is given up; the aim is 60 for all of them, printed below


def load(path: Path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    assert "01_rack.ipynb" in [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_clean_and_valid(path):
    notebook = load(path)
    nbformat.validate(notebook)
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(notebook))
    parameters = [cell for cell in code_cells(notebook) if "parameters" in cell.metadata.get("tags", [])]
    assert len(parameters) == 1
    assert parameters[0] is code_cells(notebook)[0]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_thin_no_function_no_class_public_names_only(path):
    for cell in code_cells(load(path)):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)), cell.source
            names = []
            if isinstance(node, ast.ImportFrom):
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
                plugin = (node.module or "").startswith("voxrack_")
                assert not plugin, f"a notebook asks the host for devices: {node.module}"
            elif isinstance(node, ast.Attribute):
                names = [node.attr]
            assert not [name for name in names if name.startswith("_")], cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_prose_leads_every_stretch_of_code(path):
    kinds = [cell.cell_type for cell in load(path).cells]
    assert kinds[0] == "markdown"
    assert kinds.count("markdown") >= kinds.count("code")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Executes a notebook in fast mode in an empty folder; returns it with its outputs."""
    monkeypatch.setenv("VOXRACK_FAST", "1")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))

    def go(path: Path, **values: object):
        notebook = load(path)
        for name, value in values.items():
            cell = code_cells(notebook)[0]
            line = f"{name} = {value!r}"
            lines = [line if old.startswith(f"{name} =") else old for old in cell.source.splitlines()]
            assert line in lines, f"{path.name} has no parameter {name}"
            cell.source = "\n".join(lines)
        work = tmp_path / "work"
        work.mkdir()
        client = nbclient.NotebookClient(notebook, timeout=LIMIT, resources={"metadata": {"path": str(work)}})
        began = time.monotonic()
        done = client.execute()
        print(f"\n{path.stem}: {time.monotonic() - began:.0f} s in fast mode")
        return done

    return go


BELOW = ("01_rack", "02_train", "03_match", "04_atlas", "05_pca")  # each has a test of its own
OTHERS = [path for path in NOTEBOOKS if path.stem not in BELOW]


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_runs_from_top_to_bottom(path, run):
    if path == TIMELINE:
        need("ser.best", "enhance.light")
    run(path)


def outputs(notebook) -> list[dict]:
    return [output.get("data", {}) for cell in code_cells(notebook) for output in cell.outputs]


def test_the_rack_notebook_shows_what_it_promises(run, tmp_path):
    done = run(FOLDER / "01_rack.ipynb")
    shown = outputs(done)
    assert sum(WIDGET in data for data in shown) == 3  # player, controls, second player
    assert sum("image/png" in data for data in shown) == 1  # before and after
    assert sum("<audio" in data.get("text/html", "") for data in shown) == 1  # the dry voice
    assert sum("voxrack-track" in data.get("text/html", "") for data in shown) == 1  # its loudness, wet
    assert shown[-1]["text/plain"] == "True"  # the reloaded preset renders the same samples
    assert (tmp_path / "work" / "out" / "my-telephone.json").is_file()


def test_the_rack_notebook_takes_a_file_of_the_users(run, tmp_path):
    import numpy as np

    from voxrack import Audio, write

    own = tmp_path / "my väice.wav"
    seconds = np.arange(24_000 * 2) / 24_000
    write(own, Audio(np.stack([0.2 * np.sin(2 * np.pi * f * seconds) for f in (220, 331)]).astype(np.float32), 24_000))
    done = run(FOLDER / "01_rack.ipynb", FILE=str(own), PRESET="telephone", START=0.5)
    voice = next(data["text/plain"] for data in outputs(done) if "Audio(" in data.get("text/plain", ""))
    assert voice == "Audio(1.500 s, 24000 Hz, stereo, 36000 frames)"
    assert outputs(done)[-1]["text/plain"] == "True"


def test_the_atlas_notebook_shows_what_it_promises(run, tmp_path):
    shown = outputs(run(FOLDER / "04_atlas.ipynb"))
    assert sum(WIDGET in data for data in shown) == 2  # heat map, player
    assert sum("image/png" in data for data in shown) == 3  # statistics, components, map
    assert shown[-1]["text/plain"] == "True"  # the saved collection is the same, to the last bit
    assert {file.name for file in (tmp_path / "work" / "out").iterdir()} == {"presets.parquet", "drawn-one.json"}


def test_the_pca_notebook_saves_what_it_found(run, tmp_path):
    from voxrack import Preset

    shown = outputs(run(FOLDER / "05_pca.ipynb"))
    assert sum(WIDGET in data for data in shown) == 3  # player, explorer, the player again
    assert sum("image/png" in data for data in shown) == 1  # directions
    assert shown[-1]["text/plain"] == "True"  # the reloaded preset renders the same samples
    preset = Preset.load(tmp_path / "work" / "out" / "my-walk.json")
    assert preset.check() == []
    assert (preset.provenance["how"], len(preset.provenance["parents"])) == ("pca", 1)


@pytest.mark.parametrize("name", ["04_atlas", "05_pca"])
def test_the_atlas_notebooks_take_a_collection_of_the_users(run, tmp_path, name):
    """Of another rack than the vocal one, and small."""
    import numpy as np

    from voxrack import Preset, default_host

    rack = Preset.load(default_host().presets()["slap-back"]).rack()
    layout = rack.layout().fittable()
    rng = np.random.default_rng(0)
    own = tmp_path / "my presets"
    own.mkdir()
    for number in range(6):
        units = layout.pack(rack.values(), "unit")
        units = np.clip(units + rng.normal(0.0, 0.02, len(units)) * (units > 0.0), 0.02, 0.98)
        for place, value in layout.unpack(units, "unit").items():
            rack.set(place, value)
        Preset.of(rack, name=f"mine {number}").save(own / f"mine-{number}.json")
    shown = outputs(run(FOLDER / f"{name}.ipynb", SET=str(own)))
    assert shown[-1]["text/plain"] == "True"


@pytest.mark.parametrize("name", ["04_atlas", "05_pca"])
def test_a_collection_that_is_not_there_is_told(run, tmp_path, name):
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="is not there; a set is a folder of presets"):
        run(FOLDER / f"{name}.ipynb", SET=str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("name", "parameter", "told"),
    [("01_rack", "FILE", "no such file"), ("02_train", "DATA", "no such folder"), ("03_match", "DRY", "no such file")],
)
def test_a_path_that_is_not_there_is_told_by_name(run, tmp_path, name, parameter, told):
    with pytest.raises(nbclient.exceptions.CellExecutionError) as failed:
        run(FOLDER / f"{name}.ipynb", **{parameter: str(tmp_path / "nowhere")})
    assert f"{tmp_path / 'nowhere'}" in str(failed.value)
    assert told in str(failed.value)


def test_the_match_notebook_shows_the_fit_to_be_heard(run, tmp_path):
    shown = outputs(run(FOLDER / "03_match.ipynb"))
    views = [data for data in shown if WIDGET in data]
    assert len(views) == 2  # the pair, the fit
    assert "unprocessed" in views[1]["text/html"]  # for those who read it where there are no widgets
    assert (tmp_path / "work" / "out" / "my-match.json").is_file()


def printed(notebook) -> str:
    return "".join(output.get("text", "") for cell in code_cells(notebook) for output in cell.outputs)


def test_the_training_notebook_stops_and_goes_on(run, tmp_path):
    done = run(FOLDER / "02_train.ipynb")
    shown = outputs(done)
    assert sum(WIDGET in data for data in shown) == 2  # the training, the timeline
    assert sum("image/png" in data for data in shown) == 1  # the curves
    assert "32 recordings of 4 speakers" in printed(done)
    assert "finished after epoch 40" in printed(done)
    assert any(re.match("'after epoch [0-9]+: ", data.get("text/plain", "")) for data in shown)  # the run, listened to
    folder = tmp_path / "work" / "out" / "run"
    assert (folder / "model.safetensors").is_file()
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == list(range(1, 41))


def test_the_timeline_notebook_takes_a_recording_and_weights_of_the_users(run, tmp_path):
    from random_recogniser import LABELS, random_recogniser

    from voxrack import write
    from voxrack.testing import voice

    write(tmp_path / "call.wav", voice(6.0, 8_000, seed=3, channels=2))
    weights = random_recogniser(tmp_path / "random.safetensors")
    own = {"FILE": str(tmp_path / "call.wav"), "START": 1.0, "WEIGHTS": str(weights)}
    done = run(TIMELINE, **own, ENHANCER="fx.high_pass", WEIGHING="ser.nobody")  # any processor can stand in front
    shown = outputs(done)
    assert sum(WIDGET in data for data in shown) == 3  # the timeline, the stricter one, the one with the switch
    assert sum("image/png" in data for data in shown) == 2  # before and after, the picture to keep
    assert "there is no device 'ser.nobody'" in printed(done)
    assert any(data.get("text/plain") == "Audio(5.000 s, 8000 Hz, stereo, 40000 frames)" for data in shown)
    assert any(data.get("text/plain") == "'no speech'" for data in shown)
    assert any(label in printed(done) for label in (*LABELS, "unsure"))
