"""Training from prepared features on a machine that holds torch, numpy, safetensors and voxrack, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from toy_recipe import write_features

from voxrack import weights
from voxrack.bare import recipe, recipes
from voxrack.errors import UsageError
from voxrack.runs import Run

ROOT = Path(__file__).resolve().parents[2]
# what torch itself, safetensors and Fabric bring along
BROUGHT = (
    "torch", "torchgen", "functorch", "triton", "typing_extensions", "filelock", "fsspec", "jinja2", "markupsafe",
    "sympy", "mpmath", "networkx", "numpy", "safetensors", "packaging", "lightning_fabric", "lightning_utilities",
    "tqdm", "yaml", "voxrack",
)  # fmt: skip

BLOCKED = """
import sys

ALLOWED = set(sys.argv[1].split(","))

class Only:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        there = top in sys.stdlib_module_names or top in ALLOWED or top.startswith("_")
        return self.finder.find_spec(name, path, target) if there else None

sys.meta_path[:] = [Only(finder) for finder in sys.meta_path]
sys.argv[1:] = sys.argv[2:]
import runpy
runpy.run_module("voxrack.bare", run_name="__main__")
"""


def bare(*words: object, more: tuple[str, ...] = (), without: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    allowed = ",".join({*BROUGHT, *more} - {*without})
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("host", "plugins", "tests"))}
    words = (sys.executable, "-c", BLOCKED, allowed, *words)
    return subprocess.run([str(word) for word in words], env=env, capture_output=True, text=True)


@pytest.mark.parametrize("without", [(), ("lightning_fabric",)], ids=["fabric", "plain"])
def test_a_toy_is_trained_where_nothing_else_can_be_imported(tmp_path, without):
    features = write_features(tmp_path / "f.safetensors")
    words = ("toy_recipe:SPEC", features.path, tmp_path / "run", "--epochs", 2, "--set", "width=5", "--validation", 1)
    ended = bare(*words, "--accelerator", "cpu", more=("toy_recipe",), without=without)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["state"] == "finished" and "epoch 2 of 2 done" in ended.stderr
    config = Run(tmp_path / "run").config()
    assert config["asked"]["options"] == {"bands": 4, "width": 5, "rate": 0.01, "dropout": 0.3}
    assert config["sessions"][0]["engine"].startswith("plain" if without else "lightning_fabric")
    assert weights.load(tmp_path / "run").tensors["0.weight"].shape == (5, 4)


def test_a_recogniser_of_a_plugin_is_trained_there_by_its_id(tmp_path):
    """The paper's CNN on made-up features: the plugin's package, its recipe and its network need nothing else."""
    import numpy as np

    from voxrack.datasets import Item
    from voxrack.feature_file import FeatureWriter
    from voxrack.recipe import options, structural

    spec = recipes()["ser.mfcc_cnn"]
    generator = np.random.default_rng(0)
    with FeatureWriter(tmp_path / "f.safetensors", spec.id, structural(spec, options(spec))) as writer:
        for number in range(8):
            label = ("happy", "sad")[number % 2]
            values = generator.normal(size=(60, 40))
            writer.add(Item(str(number), "toy", f"toy/{number // 4}", label, 1.0), {"frames": values})
    ended = bare("ser.mfcc_cnn", tmp_path / "f.safetensors", tmp_path / "run", "--epochs", 1, "--accelerator", "cpu",
                 more=("voxrack_ser", "voxrack_fx", "voxrack_match", "voxrack_atlas"))  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert weights.load(tmp_path / "run").metadata["labels"] == ["happy", "sad"]


def test_wrong_use_is_told_in_one_line(tmp_path):
    features = write_features(tmp_path / "f.safetensors")
    ended = bare("toy_recipe:SPEC", features.path, tmp_path / "run", "--set", "bands=8", more=("toy_recipe",))
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1
    assert "option 'bands' is 4 in the features, 8 was asked for" in ended.stderr


def test_recipes_are_found_without_a_host():
    assert "ser.mfcc_cnn" in recipes()
    with pytest.raises(UsageError, match=r"no recipe 'ser\.mfcc_cn'; did you mean 'ser\.mfcc_cnn'"):
        recipe("ser.mfcc_cn")
    with pytest.raises(UsageError, match="cannot be imported"):
        recipe("no_such_module:SPEC")
    with pytest.raises(UsageError, match="is no RecipeSpec"):
        recipe("toy_recipe:ToneTask")
