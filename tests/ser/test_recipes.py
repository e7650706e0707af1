"""The recipes of the papers: pieces, normalisation, batches, what is exported, and the papers' protocols."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from conftest import data_root
from ser.small_features import features, iemocap

from voxrack.datasets import Split, load, splits
from voxrack.errors import InputError, UsageError
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack.files import read
from voxrack.recipe import check_recipe, create, options
from voxrack.task import seeded
from voxrack_ser.frontends import Mfcc, ThreeChannels, Waveform, frontend
from voxrack_ser.models import build
from voxrack_ser.recipes.acrnn import first_and_last, happy_often
from voxrack_ser.recipes.common import EmotionTask, SerRecipe
from voxrack_ser.specs import RECIPES

PAPERS = [spec for spec in RECIPES if spec.id not in ("ser.best", "ser.trnet")]  # which have tests of their own
TOY = SerRecipe("ser.mfcc_lstm", "mfcc_lstm", Mfcc(), {"width": 24, "hidden": 16}, 5e-3, 0.0, 8, 5)


def made(id: str, **settings: object) -> SerRecipe:
    spec = next(spec for spec in PAPERS if spec.id == id)
    return create(spec, options(spec, settings))


def toy_task(file: FeatureFile, recipe: SerRecipe = TOY, **held: int) -> EmotionTask:
    with seeded(0):
        return recipe.task(file, splits(file.items, "kfold:2", **held)[0], seed=0, epochs=None)


def train(task: EmotionTask, epochs: int) -> None:
    optimiser = task.optimisers()["network"]
    task.network.train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for epoch in range(epochs):
            for batch in task.batches(epoch, torch.Generator().manual_seed(epoch)):
                optimiser.zero_grad()
                task.loss(batch, torch.Generator())[0].backward()
                optimiser.step()


# ---- what the recipes say --------------------------------------------------------------------
@pytest.mark.parametrize("spec", PAPERS, ids=lambda spec: spec.id)
def test_every_option_arrives_and_is_explained(spec):
    assert check_recipe(spec) == ""
    assert all(param.help for param in spec.options)
    recipe = create(spec, options(spec, {"learning_rate": 0.0123, "batch": 7, "epochs": 11, "normalise": "none"}))
    assert (recipe.id, recipe.learning_rate, recipe.batch, recipe.epochs) == (spec.id, 0.0123, 7, 11)
    assert recipe.normalise == "none"


def test_settings_are_those_of_the_papers():
    lstm, cnn, cornn = made("ser.mfcc_lstm"), made("ser.mfcc_cnn"), made("ser.cornn")
    assert (lstm.learning_rate, lstm.settings["width"]) == (5e-4, 1024)
    assert (cnn.learning_rate, cnn.weight_decay) == (5e-5, 1e-4)
    assert (cornn.learning_rate, cornn.batch, cornn.epochs) == (1e-3, 40, 250)
    acrnn = made("ser.acrnn")
    assert (acrnn.learning_rate, acrnn.batch, acrnn.epochs) == (1e-5, 60, 100)
    assert cornn.settings["dropout"] == 0.2
    assert lstm.frontend == cnn.frontend == Mfcc(22050, 40, 4096, 728)
    assert made("ser.mfcc_lstm", n_fft=2048).frontend.n_fft == 2048
    assert made("ser.acrnn").frontend == cornn.frontend == ThreeChannels()


def test_ablations_reach_the_network(tmp_path):
    file = features(tmp_path / "f.safetensors", bands=40)
    for parts, missing in (("no_conformer", "blocks.0."), ("no_bilstm", "lstm.")):
        recipe = made("ser.cornn", parts=parts, width=8)
        names = toy_task(file, recipe).network.state_dict()
        assert not [name for name in names if name.startswith(missing)]


# ---- ACRNN's pieces --------------------------------------------------------------------------
def test_training_pieces_of_acrnn():
    assert first_and_last(250, "sad") == [(0, 250)]
    assert first_and_last(480, "sad") == [(0, 300), (180, 480)]
    assert happy_often(480, "sad") == [(0, 300), (180, 480)]
    assert happy_often(480, "happy") == [(0, 300), (100, 400)]
    assert happy_often(500, "happy") == [(0, 300), (100, 400), (200, 500)]
    assert happy_often(300, "happy") == [(0, 300)]
    assert made("ser.acrnn").training_cuts is happy_often
    assert made("ser.acrnn", cuts="ends").training_cuts is first_and_last


def test_happy_gives_more_pieces_in_training_and_two_in_recognition(tmp_path):
    file = features(tmp_path / "f.safetensors", frames=(560, 561), takes=1)
    task = toy_task(file, made("ser.acrnn"))
    per_label = {label: sum(target == n for _, _, target in task.pieces) for n, label in enumerate(task.labels)}
    speakers = len({file.items[index].speaker for index in task.split.train})
    assert per_label == {"neutral": 2 * speakers, "happy": 3 * speakers, "sad": 2 * speakers}
    assert task.network.cuts(560) == [(0, 300), (260, 560)]


# ---- the task --------------------------------------------------------------------------------
def test_statistics_come_from_the_training_clips_alone(tmp_path):
    file = features(tmp_path / "f.safetensors")
    task = toy_task(file)
    own = torch.cat([file.get("frames", index) for index in task.split.train])
    torch.testing.assert_close(task.network.normalise.mean, own.mean(0), rtol=1e-4, atol=1e-4)
    everything = torch.cat([file.get("frames", index) for index in range(len(file))]).mean(0)
    assert (task.network.normalise.mean - everything).abs().min() > 0.5  # speakers differ: a leak would show
    plain = toy_task(file, dataclasses.replace(TOY, normalise="none"))
    assert torch.equal(plain.network.normalise.mean, torch.zeros(40))


def test_an_epoch_is_every_piece_once(tmp_path):
    task = toy_task(features(tmp_path / "f.safetensors"))
    first = task.batches(0, torch.Generator().manual_seed(3))
    again = task.batches(0, torch.Generator().manual_seed(3))
    other = task.batches(1, torch.Generator().manual_seed(4))
    assert sorted(row for group in first.groups for row in group) == list(range(len(task.pieces)))
    assert first.groups == again.groups != other.groups
    batch = first[0]
    assert batch["x"].shape[:2] == (len(first.groups[0]), int(batch["lengths"].max()))
    assert len(first[1:]) == len(first) - 1
    for row, (index, (start, stop), target) in enumerate(task.pieces[r] for r in first.groups[0]):
        torch.testing.assert_close(batch["x"][row, : stop - start], file_rows(task, index)[start:stop])
        assert batch["targets"][row] == target


def file_rows(task: EmotionTask, index: int) -> torch.Tensor:
    return task.features.get("frames", index)


def test_training_learns_and_generalises_where_there_is_something_to_learn(tmp_path):
    task = toy_task(features(tmp_path / "f.safetensors", takes=4))
    train(task, 12)
    found = task.probabilities(task.split.train).argmax(1)
    wanted = [task.labels.index(task.features.items[index].label) for index in task.split.train]
    assert np.mean(found == wanted) > 0.95


def test_validation_speakers_decide_only_where_they_are_asked_for(tmp_path):
    file = features(tmp_path / "f.safetensors")
    assert (toy_task(file).monitor, toy_task(file).validate()) == ("", {})
    task = toy_task(file, dataclasses.replace(TOY, patience=3), validation_speakers=1)
    assert (task.monitor, task.patience) == ("validation_uar", 3)
    measured = task.validate()
    assert set(measured) == {"validation_uar", "validation_nll"}
    assert 0.0 <= measured["validation_uar"] <= 1.0


def test_classes_weigh_alike_when_balanced(tmp_path):
    file = features(tmp_path / "f.safetensors", labels=("neutral", "sad"), takes=2)
    rare = [index for index in range(len(file)) if file.items[index].label == "sad"][:2]
    common = [index for index in range(len(file)) if file.items[index].label == "neutral"]
    split = Split("toy", tuple(sorted(rare + common)), ())
    task = dataclasses.replace(TOY, balance="classes").task(file, split, seed=0, epochs=1)
    assert task.weights is not None
    torch.testing.assert_close(task.weights[1] / task.weights[0], torch.tensor(len(common) / 2))


def test_one_class_is_refused(tmp_path):
    file = features(tmp_path / "f.safetensors")
    sad = tuple(index for index in range(len(file)) if file.items[index].label == "sad")
    with pytest.raises(InputError, match="clips of 'sad only' are all 'sad'; a recogniser needs two"):
        TOY.task(file, Split("sad only", sad, ()), seed=0, epochs=1)


def test_no_labels_are_refused(tmp_path):
    file = features(tmp_path / "f.safetensors", labels=("",))
    with pytest.raises(InputError, match="clips of 'all' have no labels"):
        TOY.task(file, Split("all", tuple(range(len(file))), ()), seed=0, epochs=1)


def test_what_is_exported_recognises_alike(tmp_path):
    task = toy_task(features(tmp_path / "f.safetensors"))
    train(task, 1)
    tensors, metadata = task.export()
    again = build(metadata, tensors)
    from voxrack_ser.inference import answer

    clips = [task.features.get("frames", index) for index in task.split.test]
    np.testing.assert_array_equal(answer(again, clips).probabilities.numpy(), task.probabilities(task.split.test))
    assert metadata["labels"] == ["neutral", "happy", "sad"]
    assert frontend(metadata) == Mfcc()


def test_half_precision_trains_too(tmp_path):
    file = features(tmp_path / "f.safetensors", takes=4)
    task = toy_task(file, dataclasses.replace(TOY, bfloat16=True))
    exact = toy_task(file)
    batch = task.batches(0, torch.Generator().manual_seed(0))[0]
    task.network.eval(), exact.network.eval()
    rough, fine = task.loss(batch, torch.Generator())[0], exact.loss(batch, torch.Generator())[0]
    assert rough.dtype == torch.float32
    assert rough != fine
    torch.testing.assert_close(rough, fine, rtol=2e-2, atol=2e-2)


# ---- front ends ------------------------------------------------------------------------------
@pytest.mark.parametrize("made", [Mfcc(), ThreeChannels(), Waveform()], ids=lambda made: made.name)
def test_short_sounds_and_other_rates_have_features(made):
    for rate in (16000, 22050, 44100):
        found = made(torch.randn(2, 200), rate)
        assert found.shape[0] == 2 and found.shape[1] >= 1 and torch.isfinite(found).all()
    assert frontend({"frontend": made.metadata()}) == made


def test_an_unknown_front_end_is_refused_by_name():
    with pytest.raises(InputError, match="'ears'"):
        frontend({"frontend": {"name": "ears"}})


def test_the_longest_clip_of_ravdess_has_160_frames():
    assert Mfcc()(torch.randn(116_246), 22050).shape == (160, 40)


def test_analysing_hears_what_preparing_stored(tmp_path):
    corpus = load(iemocap(tmp_path / "iemocap", sessions=1))
    recipe = made("ser.cornn")
    with FeatureWriter(tmp_path / "f.safetensors", recipe.id, {}) as writer:
        recipe.prepare(corpus, writer, lambda *_: None)
    file = FeatureFile(tmp_path / "f.safetensors")
    assert len(file) == len(corpus)
    audio = read(corpus.utterances[3].path)
    live = recipe.frontend(torch.from_numpy(audio.samples), audio.sample_rate)[0]
    torch.testing.assert_close(recipe.frontend.finish(file.get("frames", 3)), live)
    assert file.shape("statistics") == (240,)


# ---- IEMOCAP's protocols, on a miniature tree --------------------------------------------------
@pytest.mark.parametrize(("protocol", "folds", "tested"), [("iemocap-10", 10, 1), ("iemocap-5", 5, 2)])
def test_iemocap_protocols(tmp_path, protocol, folds, tested):
    corpus = load(iemocap(tmp_path / "iemocap"))
    recipe = dataclasses.replace(made("ser.cornn", width=8), batch=16)
    with FeatureWriter(tmp_path / "f.safetensors", recipe.id, {}) as writer:
        recipe.prepare(corpus, writer, lambda *_: None)
    file = FeatureFile(tmp_path / "f.safetensors")
    made_splits = splits(file.items, protocol)
    assert len(made_splits) == folds
    for split in made_splits:
        assert len({file.items[index].speaker for index in split.test}) == tested
        assert len(split.train) + len(split.test) == 80  # 10 speakers x 8 improvised turns of the four classes
    task = recipe.task(file, made_splits[0], seed=0, epochs=1)
    assert task.labels == ("neutral", "happy", "sad", "angry")
    train(task, 1)
    assert task.probabilities(made_splits[0].test).shape == (8 * tested, 4)


def test_iemocap_protocols_refuse_another_corpus(tmp_path):
    with pytest.raises(UsageError, match="iemocap"):
        splits(features(tmp_path / "f.safetensors").items, "iemocap-10")


# ---- real recordings ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("id", "settings", "epochs"),
    [
        ("ser.mfcc_lstm", {"width": 64, "learning_rate": 1e-3}, 60),
        ("ser.mfcc_cnn", {"learning_rate": 5e-3}, 40),
        ("ser.cornn", {"width": 16, "learning_rate": 5e-3}, 20),
    ],
)
def test_thirty_two_real_clips_can_be_learnt(tmp_path, id, settings, epochs):
    corpus = load(data_root() / "data" / "ravdess")
    chosen = tuple(u for u in corpus.utterances if u.speaker in ("ravdess/03", "ravdess/04"))[::3][:32]
    recipe = made(id, batch=8, **settings)
    with FeatureWriter(tmp_path / "f.safetensors", id, {}) as writer:
        recipe.prepare(dataclasses.replace(corpus, utterances=chosen), writer, lambda *_: None)
    file = FeatureFile(tmp_path / "f.safetensors")
    split = Split("by heart", tuple(range(32)), ())
    with seeded(0):
        task = recipe.task(file, split, seed=0, epochs=epochs)
    train(task, epochs)
    wanted = [task.labels.index(item.label) for item in file.items]
    assert np.mean(task.probabilities(split.train).argmax(1) == wanted) > 0.9  # guessing gives 0.13
