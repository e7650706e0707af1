"""The three trainings, what they hand over, and converting with it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from evc.small_evc import EMBEDDING, LABELS, train, write

from voxrack.errors import InputError, UsageError
from voxrack.weights import load
from voxrack_evc.conversion import Converter
from voxrack_evc.model import load_model


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write(tmp_path_factory.mktemp("features") / "f.safetensors")


@pytest.fixture(scope="module")
def runs(features, tmp_path_factory):
    """A folder with a finished run of every stage."""
    folder = tmp_path_factory.mktemp("runs")
    for stage, epochs in (("content", 3), ("speaker", 3), ("decoder", 3)):
        assert train(features, folder, stage, epochs).finished
    return folder


@pytest.fixture(scope="module")
def converter(runs):
    return Converter.load(runs / "decoder")


@pytest.fixture
def source(features, converter):
    """Spectrum and conditions of a test speaker's neutral sentence that is to be angry."""
    row = next(i for i, item in enumerate(features.items) if item.speaker == "ravdess/21" and item.label == "neutral")
    mel = np.ascontiguousarray(features.get("mel", row).numpy().T)
    speaker = converter.speaker_vector(mel, np.zeros(0, np.float32))
    return mel, converter.conditions(speaker, features.get("emotion", row)[0], "angry")


def log(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


# ---- training --------------------------------------------------------------------------------------
@pytest.mark.parametrize("stage", ["content", "speaker", "decoder"])
def test_training_lowers_the_loss_and_measures_validation_speakers(runs, stage):
    first, *_, last = log(runs / stage)
    side, key = ("validation", "validation_diffusion") if stage == "decoder" else ("train", "loss")
    assert last[side][key] < first[side][key]  # a decoder's training loss is of random times: too noisy here
    assert last["validation"]
    assert all(np.isfinite(value) for value in last["validation"].values())


@pytest.mark.parametrize("stage", ["content", "speaker", "decoder"])
def test_a_stopped_run_goes_on_bit_for_bit(features, runs, stage):
    calls = iter(range(10_000))
    stopped = train(features, runs, stage, 2, name=f"{stage}-again", stop=lambda: next(calls) == 1)
    assert not stopped.finished
    assert train(features, runs, stage, 2, name=f"{stage}-again").finished
    straight = train(features, runs, stage, 2, name=f"{stage}-straight")
    again, once = load(stopped.model_file).tensors, load(straight.model_file).tensors
    assert again.keys() == once.keys()
    assert all(torch.equal(again[name], once[name]) for name in once)


@pytest.mark.parametrize(
    "settings",
    [{"disentangle": False, "alpha": 0.0}, {"predicts": "score"}, {"reference_block": True}],
    ids=["base", "score", "reference"],
)
def test_ablations_train_and_convert(features, runs, source, settings):
    name = "-".join(settings)
    train(features, runs, "decoder", 1, name=name, **settings)
    mel, conditions = source
    assert np.isfinite(Converter.load(runs / name)(mel, conditions, steps=2)).all()
    told = log(runs / name)[-1]["train"]
    assert ("information" in told) == settings.get("disentangle", True)


def test_a_decoder_begins_with_another_ones_weights(features, runs):
    train(features, runs, "decoder", 1, name="begun", start=str(runs / "decoder"), learning_rate=1e-7)
    before, after = load(runs / "decoder").tensors, load(runs / "begun").tensors
    name = "decoder.out.weight"
    torch.testing.assert_close(after[name], before[name], rtol=0.0, atol=1e-4)
    with pytest.raises(UsageError, match="other sizes"):
        train(features, runs, "decoder", 1, name="wider", start=str(runs / "decoder"), width=16)


def test_a_decoder_without_its_encoders_says_how_to_make_them(features, runs, tmp_path):
    with pytest.raises(UsageError, match="stage=content"):
        train(features, tmp_path, "decoder", 1)
    with pytest.raises(UsageError, match=r"no run of stage=content"):
        train(features, runs, "decoder", 1, name="x", content_run=str(runs / "speaker"))


# ---- what it hands over ----------------------------------------------------------------------------
def test_the_run_holds_all_that_a_device_needs(runs, features):
    model = load_model(runs / "decoder")
    assert set(model.emotions) == set(LABELS)
    assert model.emotion_prototypes.shape == (4, EMBEDDING)
    torch.testing.assert_close(model.speaker_prototypes.norm(dim=-1), torch.ones(4))
    angry = [i for i, item in enumerate(features.items) if item.label == "angry" and item.speaker < "ravdess/19"]
    wanted = torch.stack([features.get("emotion", i)[0] for i in angry]).mean(0)
    torch.testing.assert_close(model.emotion_prototypes[model.emotions.index("angry")], wanted)
    assert model.emotion_encoder == "small"


def test_weights_of_another_stage_are_refused_by_name(runs):
    with pytest.raises(InputError, match="stage=decoder"):
        load_model(runs / "content")


# ---- converting ------------------------------------------------------------------------------------
def test_a_converted_spectrum_has_the_sources_frames_and_depends_on_seed_and_emotion(converter, source, features):
    mel, conditions = source
    found = converter(mel, conditions)
    assert found.shape == mel.shape
    assert found.dtype == np.float32
    np.testing.assert_array_equal(converter(mel, conditions), found)
    assert not np.array_equal(converter(mel, conditions, seed=1), found)
    sad = converter.conditions(conditions.speaker, conditions.other_emotion, "sad")
    assert not np.array_equal(converter(mel, sad), found)


def test_guidance_of_one_equals_plain_conditioning_bit_for_bit(converter, source):
    mel, conditions = source
    plain = converter(mel, conditions, negative="none", guidance=3.0)
    for negative in ("speaker", "emotion", "both"):
        np.testing.assert_array_equal(converter(mel, conditions, negative=negative, guidance=1.0), plain)
        assert not np.array_equal(converter(mel, conditions, negative=negative, guidance=2.0), plain)


def test_a_plain_step_asks_the_network_once_and_a_guided_one_once_for_both(converter, source, monkeypatch):
    sizes = []
    forward = converter.model.decoder.forward

    def counted(x, *rest, **more):
        sizes.append(len(x))
        return forward(x, *rest, **more)

    monkeypatch.setattr(converter.model.decoder, "forward", counted)
    mel, conditions = source
    converter(mel, conditions, steps=3, guidance=1.0)
    assert sizes == [1, 1, 1]
    sizes.clear()
    converter(mel, conditions, steps=3, guidance=1.5, negative="both")
    assert sizes == [2, 2, 2]


def test_the_less_deep_the_more_of_the_source_is_kept(converter, source):
    mel, conditions = source
    apart = [np.abs(converter(mel, conditions, depth=depth) - mel).mean() for depth in (1e-4, 0.1, 1.0)]
    assert apart[0] < 0.05
    assert apart[0] < apart[1] < apart[2]


def test_a_reference_gives_emotion_and_speaker(converter, source, features):
    _, conditions = source
    other, embedding = torch.nn.functional.normalize(torch.ones(256), dim=0), features.get("emotion", 1)[0]
    found = converter.conditions(conditions.speaker, conditions.other_emotion, embedding, other)
    assert torch.equal(found.emotion, embedding)
    assert torch.equal(found.other_speaker, other)


def test_nonsense_is_refused_with_what_is_allowed(converter, source):
    mel, conditions = source
    with pytest.raises(UsageError, match=r"angry"):
        converter.conditions(conditions.speaker, conditions.other_emotion, "furious")
    with pytest.raises(InputError, match=r"\(6,\)"):
        converter.conditions(conditions.speaker, np.zeros(7, np.float32), "sad")
    with pytest.raises(UsageError, match=r"guidance is 0\.5"):
        converter(mel, conditions, guidance=0.5)
    with pytest.raises(UsageError, match="depth is 0"):
        converter(mel, conditions, depth=0.0)
    with pytest.raises(UsageError, match="negative"):
        converter(mel, conditions, negative="voice")
    with pytest.raises(InputError, match=r"\(80, frames"):
        converter(mel[:40], conditions)
    with pytest.raises(InputError, match="not finite"):
        converter(np.full_like(mel, np.nan), conditions)
