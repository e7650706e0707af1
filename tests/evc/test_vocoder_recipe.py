"""The vocoder's recipe: packed, trained, loaded, evaluated; and what ships."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from evc.small_voice import SMALL, glide, vowel, write

from voxrack import Audio, weights
from voxrack.clip import clip
from voxrack.errors import InputError, UsageError
from voxrack.recipe import options
from voxrack.training import train_recipe
from voxrack_evc.f0 import track
from voxrack_evc.level import levelled
from voxrack_evc.mel import HOP, RATE, log_mel
from voxrack_evc.recipes.vocoder import VocoderRecipe, heard
from voxrack_evc.specs_vocoder import VOCODER_RECIPE as SPEC
from voxrack_evc.vocoder import Vocoder, copies, load
from voxrack_evc.vocoder.drawing import Stretches
from voxrack_evc.vocoder.losses import distance
from voxrack_evc.vocoder.network import Filters
from voxrack_evc.vocoder.packing import Packing
from voxrack_evc.vocoder.spoiling import blurred, spoilt


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write(tmp_path_factory.mktemp("vocoder") / "features.safetensors")


@pytest.fixture(scope="module")
def run(features, tmp_path_factory):
    return train_recipe(SPEC, features, tmp_path_factory.mktemp("run") / "r", settings=SMALL, epochs=8)


# ---- packing and drawing --------------------------------------------------------------------------
def test_what_is_packed_lies_on_one_grid_at_one_level(features):
    for row in range(len(features)):
        samples, f0, voicing = (features.get(name, row) for name in ("samples", "f0", "voicing"))
        assert len(samples) == HOP * len(f0) == HOP * len(voicing)
        assert levelled(samples.numpy(), RATE)[1] == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("samples", [np.zeros(RATE), 0.1 * np.ones(RATE // 4)])
def test_silence_and_scraps_are_left_out(samples):
    with pytest.raises(InputError):
        Packing()(Audio(samples[None].astype(np.float32), RATE))


def test_stretches_repeat_and_have_the_recordings_own_mel(features):
    drawn = Stretches(features, range(4), 20, 3, [5, 6])
    one, again = drawn[1], Stretches(features, range(4), 20, 3, [5, 6])[1:][0]
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["samples"], drawn[0]["samples"])
    mel, sound = heard(one["samples"])
    assert mel.shape == (3, 80, 20) and sound.shape == (3, 20 * HOP) and one["f0"].shape == (3, 20)
    for row in range(4):  # the stretch is found in a recording by its pitch; there its mel is the same but for a gain
        whole = features.get("f0", row)
        for start in range(len(whole) - 19):
            if torch.equal(whole[start : start + 20], one["f0"][0]):
                gap = mel[0] - log_mel(features.get("samples", row))[:, start : start + 20]
                assert float(gap[:40].std()) < 1e-3
                return
    pytest.fail("the stretch is of no recording")


def test_what_is_too_short_to_draw_from_is_told(features):
    with pytest.raises(InputError, match="no recording is as long"):
        Stretches(features, range(4), 4000, 2, [0])


def test_a_spoilt_mel_is_smoother_and_the_same_for_its_seed():
    mel = torch.randn(2, 80, 40, generator=torch.Generator().manual_seed(0))
    assert torch.equal(spoilt(mel, 3), spoilt(mel, 3))
    assert blurred(mel, 1.0, 2.0).std() < 0.4 * mel.std()
    assert torch.equal(blurred(mel, 0.0, 0.0), mel)
    assert blurred(torch.ones(1, 80, 9), 1.2, 2.5) == pytest.approx(np.ones((1, 80, 9)), abs=1e-6)


# ---- the network and its loss ---------------------------------------------------------------------
def test_an_untrained_network_is_no_network():
    mel = log_mel(torch.from_numpy(vowel(np.full(20, 130.0)))).numpy()
    f0, voicing = np.full(20, 130.0), np.full(20, 0.9)
    one, other = (Vocoder(network).synthesise(mel, f0, voicing) for network in (None, Filters(24, 2).eval()))
    assert one == pytest.approx(other, abs=float(1e-4 * np.abs(one).max()))
    assert 20 * np.log10(one.std() / vowel(np.full(20, 130.0)).std()) == pytest.approx(0.0, abs=6.0)


def test_distance_is_of_spectra():
    sound = torch.from_numpy(vowel(glide(120.0, 150.0)))[None]
    assert float(distance(sound, sound)) == 0.0
    assert float(distance(sound, -sound)) == 0.0  # of magnitudes
    assert float(distance(sound, 2 * sound)) == pytest.approx(float(distance(2 * sound, sound)))
    assert float(distance(sound, 2 * sound)) > float(distance(sound, 1.1 * sound)) > 0.0


def test_gradients_reach_every_weight_and_are_finite(features):
    task = VocoderRecipe({"width": 24, "blocks": 2}, batch=4, frames=32, rounds=1).task(
        features, None, seed=0, epochs=1
    )
    torch.manual_seed(0)
    torch.nn.init.normal_(task.network.leave[1].weight, std=0.02)
    batch = task.batches(0, torch.Generator().manual_seed(0))[0]
    task.loss(batch, torch.Generator())[0].backward()
    for name, weight in task.network.named_parameters():
        assert weight.grad is not None and weight.grad.isfinite().all() and weight.grad.any(), name


# ---- training and loading -------------------------------------------------------------------------
def test_training_brings_copies_of_unheard_voices_nearer(run, features):
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    for name in ("validation_distance", "validation_spoilt"):
        assert lines[-1]["validation"][name] < 0.95 * lines[0]["validation"][name]
    vocoder = load(run.folder)
    assert vocoder.sha256 == weights.sha256(run.folder / "model.safetensors")
    row = next(i for i, item in enumerate(features.items) if item.speaker == "ravdess/21")
    sound = features.get("samples", row)
    f0, voicing = (features.get(name, row).numpy() for name in ("f0", "voicing"))
    mel = log_mel(sound).numpy()
    apart = [
        float(distance(torch.from_numpy(one.synthesise(mel, f0, voicing))[None], sound[None]))
        for one in (vocoder, Vocoder())
    ]
    assert apart[0] < 0.95 * apart[1]


def test_weights_of_something_else_are_refused(tmp_path, run):
    path = tmp_path / "other.safetensors"
    weights.save(path, {"a": torch.zeros(2)}, {"recipe": "ser.best"})
    with pytest.raises(InputError, match=r"no weights of evc\.vocoder"):
        load(path)
    held = weights.load(run.folder)
    weights.save(path, {"enter.weight": torch.zeros(2)}, held.metadata)
    with pytest.raises(InputError, match="does not fit"):
        load(path)


def test_missing_weights_name_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "folder_of", lambda package: tmp_path)
    with pytest.raises(InputError, match=r"voxrack train evc\.vocoder"):
        load()


# ---- evaluating -----------------------------------------------------------------------------------
@pytest.fixture
def measures(monkeypatch):
    """DNSMOS without its network of some seconds."""
    for package in ("pesq", "pystoi", "speechmos"):
        pytest.importorskip(package, reason="needs the extra metrics")
    from voxrack import metrics_quality

    monkeypatch.setattr(metrics_quality, "dnsmos", lambda *given, **more: (3.0, 3.5, 2.5))
    return metrics_quality


def evaluated(run, features, folder, **settings):
    recipe = VocoderRecipe(weights=str(run.folder), utterances=2, **settings)
    return recipe.evaluate(features, folder=folder, protocol="copies")


def test_an_evaluation_hears_test_speakers_through_every_system(run, features, measures, tmp_path, capsys):
    report = evaluated(run, features, tmp_path)
    found = {one["system"]: one for one in report.json()["figures"]}
    assert tuple(found) == copies.SYSTEMS
    assert found["recording"]["pesq"]["mean"] == pytest.approx(4.64, abs=0.01)
    assert all(one["n"] == 2 and one["speakers"] == 2 for one in found.values())
    assert found["no network, fitted"]["pesq"]["mean"] > found["Griffin-Lim"]["pesq"]["mean"]
    rows = [json.loads(line) for line in (tmp_path / "copies" / "rows.jsonl").read_text().splitlines()]
    assert {row["speaker"] for row in rows} == {"ravdess/21", "ravdess/22"}
    report.tables()
    assert "evc.vocoder, fitted" in capsys.readouterr().out
    assert report.plot(tmp_path / "picture.png")[0].stat().st_size > 10_000


def test_an_evaluation_goes_on_where_it_stopped_and_refuses_another_folder(run, features, measures, tmp_path):
    evaluated(run, features, tmp_path)
    file = tmp_path / "copies" / "rows.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-2]))
    evaluated(run, features, tmp_path)
    assert len(file.read_text().splitlines()) == len(lines)
    with pytest.raises(UsageError, match="utterances = 2, not 1"):
        VocoderRecipe(weights=str(run.folder), utterances=1).evaluate(features, folder=tmp_path, protocol="copies")


@pytest.mark.parametrize("asked", [{"folds": ("1",)}, {"validation_speakers": 2}, {"epochs": 3}, {"protocol": "folds"}])
def test_an_evaluation_that_would_train_is_refused(run, features, asked, tmp_path):
    with pytest.raises(UsageError):
        VocoderRecipe(weights=str(run.folder)).evaluate(features, folder=tmp_path, **asked)


# ---- what ships -----------------------------------------------------------------------------------
def test_the_shipped_weights_and_their_card_belong_together():
    path = weights.find("evc.vocoder", "voxrack_evc")
    assert weights.card_problems(path) == []
    assert path.stat().st_size < 15_000_000
    told = load()
    assert sum(p.numel() for p in told.network.parameters()) > 1_000_000


def test_the_shipped_weights_copy_the_bundled_clip_better_than_an_untrained_network():
    sound, _ = levelled(clip().mono().resample(RATE).samples[0], RATE)
    sound = sound[: len(sound) // HOP * HOP]
    mel = log_mel(torch.from_numpy(sound)).numpy()
    f0, voicing = track(sound)
    shipped = load()
    untrained = Vocoder(Filters(**shipped.network.options).eval())
    apart = [
        float(np.abs(log_mel(torch.from_numpy(one.synthesise(mel, f0, voicing))).numpy() - mel).mean())
        for one in (shipped, untrained)
    ]
    assert apart[0] < BOUND < apart[1]


BOUND = 0.41
"""Nepers."""


def test_the_recipes_defaults_make_the_shipped_network():
    values = options(SPEC)
    assert load().network.options == {"width": values["width"], "blocks": values["blocks"]}
