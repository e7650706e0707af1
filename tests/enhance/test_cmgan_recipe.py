"""Recipe of enhance.cmgan: two optimisers, PESQ that teaches the discriminator, mixtures or pairs, exact resuming."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from enhance.cmgan_bench import saved, theirs

from voxrack import Audio, loop, weights, write
from voxrack.datasets import Item, Split, load_all
from voxrack.errors import InputError, UsageError
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack.recipe import check_recipe, create, options
from voxrack.runs import Run
from voxrack.task import seeded
from voxrack.testing import noise, voice
from voxrack_enhance.cmgan.generator import enhance
from voxrack_enhance.cmgan.loading import load_generator
from voxrack_enhance.cmgan.pairs import Pairs
from voxrack_enhance.cmgan.scores import scores
from voxrack_enhance.recipes import cmgan
from voxrack_enhance.recipes.cmgan import CmganRecipe, CmganTask
from voxrack_enhance.specs import RECIPES

SPEC = next(spec for spec in RECIPES if spec.id == "enhance.cmgan")
TINY = {"width": 4, "blocks": 1, "batch": 2, "seconds": 0.2, "steps": 2, "epochs": 2, "workers": 1, "dropout": 0.1}
NOBODY = Split("all", (), ())
RATE = 16_000


@pytest.fixture(autouse=True)
def few_held(monkeypatch):
    """Two pairs of validation are enough here."""
    monkeypatch.setattr(cmgan, "HELD", 2)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Bit for bit holds for one number of threads, and other tests of this process may have changed it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def toy_scores(monkeypatch):
    """In PESQ's place: one less the relative error, which takes no package and no time."""

    def toy(clean: torch.Tensor, found: torch.Tensor, workers: int) -> torch.Tensor:
        error = (found - clean).square().mean(-1) / clean.square().mean(-1).clamp_min(1e-9)
        return (1.0 / (1.0 + error)).detach().cpu().where(error.cpu() < 1e6, math.nan)

    monkeypatch.setattr(cmgan, "scores", toy)
    monkeypatch.setattr(cmgan, "need_pesq", lambda: None)


def pairs(seconds: float = 0.2, count: int = 3) -> Pairs:
    clean = [voice(1.0, RATE, seed).samples[0] for seed in range(count)]
    return Pairs([c + noise(1.0, RATE, seed, level=-30.0).samples[0] for seed, c in enumerate(clean)], clean, seconds)


def made(**changed: Any) -> CmganTask:
    with seeded(0):
        return CmganTask(CmganRecipe(**{**TINY, **changed}), pairs(), pairs(), None)


def go(folder: Path, stop: Callable[[], bool] | None = None, **changed: Any) -> Run:
    return loop.train(made(**changed), folder, seed=3, accelerator="cpu", stop=stop)


# ---- what it is ------------------------------------------------------------------------------
def test_defaults_are_the_papers():
    assert check_recipe(SPEC) == "" and all(param.help for param in SPEC.options)
    recipe = create(SPEC, options(SPEC))
    assert recipe == CmganRecipe()
    assert (recipe.learning_rate, recipe.batch, recipe.seconds, recipe.epochs, recipe.halve) == (5e-4, 4, 2.0, 120, 30)
    assert (recipe.width, recipe.blocks, recipe.adversarial) == (64, 4, 0.05)


def test_the_discriminator_learns_twice_as_fast_and_both_are_halved(toy_scores):
    task = made(learning_rate=1e-3, halve=2)
    optimisers = task.optimisers()
    rates = lambda: {name: o.param_groups[0]["lr"] for name, o in optimisers.items()}  # noqa: E731
    assert rates() == {"generator": 1e-3, "discriminator": 2e-3}
    schedulers = task.schedulers(optimisers)
    for _ in range(2):
        for name, scheduler in schedulers.items():
            optimisers[name].step()
            scheduler.step()
    assert rates() == {"generator": 5e-4, "discriminator": 1e-3}


# ---- training --------------------------------------------------------------------------------
def test_a_run_trains_both_and_leaves_weights_that_load(toy_scores, tmp_path):
    task, start = made(), made()
    run = loop.train(task, tmp_path / "run", seed=3, accelerator="cpu")
    for name, module in task.modules.items():
        pairs = list(zip(module.parameters(), start.modules[name].parameters(), strict=True))
        assert any(not torch.equal(a, b) for a, b in pairs), name
    lines = run.metrics()
    assert [line["epoch"] for line in lines] == [1, 2]
    assert {"loss", "complex", "magnitude", "samples", "adversarial", "discriminator_loss", "pesq", "pesq_failed"} <= (
        lines[0]["train"].keys()
    )
    assert lines[0]["train"]["pesq_failed"] == 0.0 and lines[0]["validation"].keys() == {
        "validation_loss", "validation_pesq",
    }  # fmt: skip
    assert not any(name.startswith("layers") for name in weights.load(run.folder).tensors)  # the generator alone
    found = load_generator(run.folder)
    assert found.options == {"width": 4, "blocks": 1, "dropout": 0.1}
    assert enhance(found, torch.randn(1, 3000)).isfinite().all()


def test_without_a_discriminator_the_generator_trains_alone(tmp_path):
    task = made(adversarial=0.0, steps=1, epochs=1)
    assert task.modules.keys() == task.optimisers().keys() == {"generator"}
    line = loop.train(task, tmp_path / "run", accelerator="cpu").metrics()[0]
    assert "pesq" not in line["train"] and line["validation"].keys() == {"validation_loss"}


def test_it_overfits_a_batch(tmp_path):
    task = made(adversarial=0.0, learning_rate=1e-2, width=8, dropout=0.0, steps=15, epochs=1)
    batch = task.batches(0, torch.Generator().manual_seed(0))[0]
    task.batches = lambda epoch, generator: [batch] * 15
    before, after = [], []
    original = CmganTask.step

    def watched(batch: Any, running: Any) -> dict[str, Any]:
        numbers = original(task, batch, running)
        (before if not before else after).append(float(numbers["loss"]))
        return numbers

    task.step = watched
    loop.train(task, tmp_path / "run", epochs=1, accelerator="cpu")
    assert after[-1] < 0.7 * before[0]


def test_stopped_at_any_step_it_ends_with_the_same_weights(toy_scores, tmp_path):
    straight = go(tmp_path / "straight")
    for at in (1, 3):
        asked = iter(range(1, 100))
        folder = tmp_path / f"stopped_{at}"
        assert not go(folder, stop=lambda asked=asked, at=at: next(asked) == at).finished
        again = go(folder)
        assert again.finished
        mine, yours = weights.load(again.folder).tensors, weights.load(straight.folder).tensors
        assert all(torch.equal(mine[key], yours[key]) for key in yours)
        keys = ("train", "validation")
        assert [[line[k] for k in keys] for line in again.metrics()] == [
            [line[k] for k in keys] for line in straight.metrics()
        ]


def test_training_goes_on_from_a_published_checkpoint(toy_scores, tmp_path):
    from enhance.cmgan_bench import small

    torch.save(theirs(small(8, 2)), tmp_path / "ckpt")
    task = made(start=str(tmp_path / "ckpt"))
    assert task.generator.options["width"] == 8 and len(task.generator.blocks) == 2
    assert all(p.requires_grad for p in task.generator.parameters())
    assert torch.equal(task.generator.state_dict()["mask.last.weight"], small(8, 2).state_dict()["mask.last.weight"])
    saved(tmp_path)
    assert made(start=str(tmp_path / "cmgan.safetensors")).generator.options["blocks"] == 1


# ---- PESQ ------------------------------------------------------------------------------------
def test_scores_are_pesq_and_what_fails_is_marked():
    pesq = pytest.importorskip("pesq", reason="needs the extra metrics")
    clean = torch.from_numpy(np.concatenate([voice(1.0, RATE, seed).samples for seed in range(2)]))
    noisy = clean + torch.from_numpy(noise(1.0, RATE, 5, level=-30.0).samples)
    found = scores(torch.cat((clean, torch.zeros(1, RATE))), torch.cat((noisy[:1], clean[1:], noisy[:1])), 1)
    expected = pesq.pesq(RATE, clean[0].numpy(), noisy[0].numpy(), "wb")
    assert found[0].item() == pytest.approx((expected - 1.0) / 3.5, rel=1e-5)
    assert found[1].item() > 1.0 and found[2].isnan()  # PESQ of itself is 4.64


def test_a_failed_pesq_is_counted_and_the_run_goes_on(monkeypatch, tmp_path):
    monkeypatch.setattr(cmgan, "need_pesq", lambda: None)
    monkeypatch.setattr(cmgan, "scores", lambda *_: torch.tensor([math.nan, 0.5]))
    assert go(tmp_path / "half", steps=1, epochs=1).metrics()[0]["train"]["pesq_failed"] == 0.5
    monkeypatch.setattr(cmgan, "scores", lambda *_: torch.tensor([math.nan, math.nan]))
    line = go(tmp_path / "all", steps=1, epochs=1).metrics()[0]
    assert line["train"]["pesq_failed"] == 1.0 and "pesq" not in line["train"]
    assert line["validation"]["validation_pesq"] is None


def test_without_pesq_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pesq", None)
    with pytest.raises(UsageError, match=r"(?s)pip install 'voxrack\[metrics\]'.*adversarial=0"):
        made()
    assert made(adversarial=0.0).monitor == "validation_loss"


# ---- data ------------------------------------------------------------------------------------
def test_pieces_of_pairs_stay_together_and_short_ones_are_repeated():
    clean = np.arange(1000, dtype=np.float32)
    noisy, piece = Pairs([clean + 0.5], [clean], 0.1).draw(np.random.default_rng(0), 3)
    assert piece.shape == (3, 1600) and np.array_equal(noisy, piece + 0.5)
    assert np.array_equal(piece[0], np.tile(clean, 2)[:1600])
    long = Pairs([np.arange(5000, dtype=np.float32)] * 2, [np.arange(5000, dtype=np.float32)] * 2, 0.1)
    starts = long.draw(np.random.default_rng(0), 20)[1][:, 0]
    assert len(set(starts)) > 10 and starts.max() <= 3400
    with pytest.raises(InputError, match="no pair"):
        Pairs([], [], 0.1)


def test_pairs_are_prepared_by_file_name(tmp_path):
    clean, noisy = tmp_path / "clean", tmp_path / "noisy"
    clean.mkdir()
    noisy.mkdir()
    for name, rate in (("a", 16_000), ("b", 48_000), ("c", 16_000), ("lonely", 16_000)):
        sound = voice(0.5, rate, 1)
        write(clean / f"{name}.wav", sound)
        if name != "lonely":
            frames = sound.frames - (100 if name == "c" else 0)
            write(noisy / f"{name}.wav", Audio(0.5 * sound.samples[:, :frames], rate))
    table = "path,speaker,label\n" + "".join(f"clean/{name}.wav,s,calm\n" for name in ("a", "b", "c", "lonely"))
    (tmp_path / "pairs.csv").write_text(table)
    recipe = create(SPEC, options(SPEC, {**TINY, "seconds": 0.5, "noisy": str(noisy), "adversarial": 0.0}))
    with FeatureWriter(tmp_path / "f.safetensors", SPEC.id, {"noisy": str(noisy)}) as writer:
        recipe.prepare(load_all([tmp_path / "pairs.csv"]), writer, lambda *_: None)
    features = FeatureFile(tmp_path / "f.safetensors")
    assert len(features) == 2 and len(features.failures) == 2
    why = " ".join(text for _, text in features.failures)
    assert "they are no pair" in why and "no such file" in why
    np.testing.assert_allclose(features.get("noisy", 0), 0.5 * features.get("samples", 0), atol=1e-5)
    task = recipe.task(features, Split("all", (0, 1), ()), seed=0, epochs=None)
    batch = task.batches(0, torch.Generator())[1]
    torch.testing.assert_close(batch["noisy"], 0.5 * batch["target"], rtol=1e-3, atol=1e-4)
    assert task.monitor == ""


def test_mixtures_come_from_the_training_part(tmp_path):
    path = tmp_path / "f.safetensors"
    with FeatureWriter(path, SPEC.id, {"noisy": ""}) as writer:
        for speaker in (1, 19, 21):
            item = Item(f"ravdess/{speaker:02d}", "ravdess", f"ravdess/{speaker:02d}", "calm", 1.0, f"{speaker:064d}")
            writer.add(item, {"samples": voice(1.0, RATE, speaker).samples[0]})
    recipe = CmganRecipe(**{**TINY, "adversarial": 0.0})
    train, held = recipe.sources(FeatureFile(path), NOBODY)
    assert held is not None and len(train.speech) == len(held.speech) == 1
    assert np.array_equal(train.speech[0], voice(1.0, RATE, 1).samples[0])
    task = recipe.task(FeatureFile(path), NOBODY, seed=0, epochs=None)
    batch = task.batches(0, torch.Generator())[0]
    assert batch["noisy"].shape == batch["target"].shape == (2, 3200)
    again = task.batches(0, torch.Generator())
    assert torch.equal(again[0]["noisy"], batch["noisy"]) and not torch.equal(again[1]["noisy"], batch["noisy"])
