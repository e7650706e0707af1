"""TRNet's features and analyzer behind a stand-in for an enhancer: preparing, pairs, trust, and strange signals."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from conftest import data_root
from ser.small_trnet import LABELS, random_trnet
from ser.spectral_gate import FRAME, SPEC, WHOLE

from voxrack import Audio, analyze, write
from voxrack.datasets import Corpus, Utterance, load_all, merge, noise_set
from voxrack.errors import InputError, PluginError, UsageError
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack.host import Host
from voxrack.recipe import create, named_needs, options, structural
from voxrack.testing import check_device, host_with, noise, voice
from voxrack.timeline import NO_SPEECH, Timeline
from voxrack_ser.specs_trnet import TRNET, TRNET_RECIPE
from voxrack_ser.trnet.conditions import ALL, CLEAN, MATCHED, TRAIN, UNMATCHED, Condition
from voxrack_ser.trnet.enhancing import Enhancer, Pairs
from voxrack_ser.trnet.material import Noises

RATE = 16_000


@pytest.fixture(scope="module")
def host():
    return host_with([SPEC, WHOLE])


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return random_trnet(tmp_path_factory.mktemp("weights") / "random.safetensors")


@pytest.fixture
def make(host, path):
    return lambda enhancer="toy.gate", **values: host.create(
        "ser.trnet", {"weights": str(path), "threshold": 0.0, **values}, needs={"enhancer": enhancer}
    )


# ---- the enhancer in front ------------------------------------------------------------------------
def test_a_recording_is_enhanced_without_delay_and_in_another_process_alike(host):
    enhancer = Enhancer(host.create("toy.gate", floor=1.0))
    speech = voice(1.0, RATE, seed=1).samples[0]
    np.testing.assert_allclose(enhancer(speech, RATE)[FRAME:], speech[FRAME:], atol=1e-5)
    again = pickle.loads(pickle.dumps(enhancer))
    assert (again.id, again.values, again._device) == ("toy.gate", {"floor": 1.0}, None)
    assert enhancer.described() == "toy.gate"


@pytest.mark.parametrize("kind", ["toy.gate", "toy.whole_gate"])
def test_pairs_stand_at_the_same_time_however_the_signal_comes(host, kind):
    speech = voice(1.3, RATE, seed=1).samples[0]
    expected = np.stack((speech, Enhancer(host.create("toy.gate"))(speech, RATE)))
    pairs = Pairs(host.create(kind), RATE, 5000)
    assert pairs.latency == (FRAME if kind == "toy.gate" else 0)
    found, start = [], 0
    for size in (1, 700, 5000, 30, 4000, 5000, 5000, 5000):
        found += list(pairs.push(speech[start : start + size]))
        start += size
    found += list(pairs.finish())
    np.testing.assert_allclose(np.concatenate(found, axis=1), expected, atol=1e-6)


# ---- preparing ------------------------------------------------------------------------------------
def clips(use: str = "", count: int = 10) -> list[Utterance]:
    told = {"use": use} if use else {}
    return [
        Utterance(f"n{use}/{at}", data_root() / f"{use}{at}.flac", "n", "", "noise",
                  attributes={"recording": f"r{at // 2}", "category": "rain", **told})
        for at in range(count)
    ]  # fmt: skip


def test_no_recording_of_noise_is_in_training_and_test():
    found = Noises.of([*clips(count=40), *clips("test")]).files
    recordings = {origin: {int(file.stem) // 2 for file in files} for origin, files in found.items()
                  if origin != UNMATCHED}  # fmt: skip
    assert not recordings[TRAIN] & recordings[MATCHED] and recordings[MATCHED]
    assert len(recordings[TRAIN]) > 2 * len(recordings[MATCHED])
    assert len(found[UNMATCHED]) == 10


def test_missing_noise_is_told():
    with pytest.raises(UsageError, match="--unmatched FOLDER"):
        Noises.of(clips())
    with pytest.raises(UsageError, match="--noise FOLDER"):
        Noises.of(clips("test"))
    own = clips()
    both = [replace(one, attributes={**one.attributes, "use": "test"}) for one in own]
    with pytest.raises(UsageError, match="both among --noise and among --unmatched"):
        Noises.of([*own, *both])


def prepared(host, path, corpus) -> FeatureFile:
    values = options(TRNET_RECIPE, {"enhancer": "toy.gate"})
    recipe = create(TRNET_RECIPE, values, host.needs(TRNET_RECIPE, named_needs(TRNET_RECIPE, values)))
    with FeatureWriter(path, TRNET_RECIPE.id, structural(TRNET_RECIPE, values)) as writer:
        recipe.prepare(corpus, writer, lambda *_: None)
    return FeatureFile(path)


def test_real_speech_is_prepared_in_all_conditions(host, tmp_path):
    data = data_root() / "data"
    if not all((data / name).is_dir() for name in ("ravdess", "esc10", "speechdnn_noises")):
        pytest.skip("RAVDESS, ESC-10 and the other noises are not among the data")
    speech = load_all([str(data / "ravdess")])
    few = replace(speech, utterances=speech.utterances[:1] + speech.utterances[900:901])
    noises = [noise_set(data / "esc10").corpus(), noise_set(data / "speechdnn_noises").corpus(test_only=True)]
    file = prepared(host, tmp_path / "f.safetensors", merge([few, *noises]))
    assert [item.id for item in file.items] == [utterance.id for utterance in few.utterances]
    assert {item.attributes["enhancer"] for item in file.items} == {"toy.gate"}
    assert not file.failures and file.recipe == "ser.trnet"
    for index in range(2):
        clean = file.get("clean", index)
        for origin in (TRAIN, MATCHED, UNMATCHED):  # noise adds power: a hundred times as much at 0 dB as at 20
            heard = {snr: file.get(Condition(origin, snr).name, index) for snr in (20.0, 0.0)}
            added = {snr: float((10 ** (bands / 10) - 10 ** (clean / 10)).sum()) for snr, bands in heard.items()}
            assert added[0.0] > 3 * added[20.0] > 0
            assert all((bands - clean).mean() > 0.5 for bands in heard.values())
        assert all(file.get(one.enhanced, index).shape == clean.shape for one in ALL)
        assert (file.get("levels", index) <= 0).all() and file.get("levels", index)[0, ALL.index(CLEAN)] == 0
    assert file.path.stat().st_size < 2.5e6 * 2  # float16
    again = prepared(host, tmp_path / "g.safetensors", merge([few, *noises]))
    assert again.digest == file.digest


def test_preparing_without_an_enhancer_names_what_is_needed(tmp_path):
    bare = Host(plugins={}, discover=False)
    with pytest.raises(PluginError, match=r"recipe 'ser.trnet' needs a processor of the role 'enhancer'"):
        bare.needs(TRNET_RECIPE)
    with pytest.raises(UsageError, match=r"there is no device 'enhance.lite'"):
        Host().needs(TRNET_RECIPE, {"enhancer": "enhance.lite"})
    lonely = create(TRNET_RECIPE, options(TRNET_RECIPE))
    with pytest.raises(UsageError, match="needs an enhancer to prepare"):
        lonely.prepare(Corpus("none", tmp_path, ()), None, lambda *_: None)  # pyright: ignore[reportArgumentType]


# ---- the analyzer ---------------------------------------------------------------------------------
def heard(analyzer, source) -> tuple[dict, Timeline]:
    tracks = analyze(analyzer, source)
    assert [track.name for track in tracks] == ["emotion", "voiced", "trust", "embedding"]
    return dict(tracks[0].summary), Timeline.of(tracks)


def test_without_an_enhancer_it_names_what_it_needs(path):
    host = host_with(replace(TRNET, weights=""), discover=False)
    with pytest.raises(PluginError, match=r"device 'ser.trnet' needs a processor of the role 'enhancer'"):
        host.create("ser.trnet", weights=str(path))


def test_the_contract_of_devices_is_kept(path):
    spec = replace(TRNET, weights="")  # those of the test
    check_device(
        spec, host=host_with([SPEC, spec], discover=False), values={"weights": str(path), "batch": 3}
    ).raise_if_failed()


def test_it_reports_emotion_timeline_and_trust(make):
    summary, timeline = heard(make(), voice(4.0, RATE, seed=3))
    assert summary["emotion"] in LABELS and (summary["enhancer"], summary["trained_with"]) == ("toy.gate", "toy.gate")
    assert timeline.trust is not None and timeline.trust.shape == timeline.times.shape
    assert np.isfinite(timeline.trust).all() and 0 <= summary["trust"] <= 1
    whole, same = heard(make("toy.whole_gate"), voice(4.0, RATE, seed=3))
    np.testing.assert_allclose(same.probabilities, timeline.probabilities, atol=1e-4)
    assert whole["trust"] == pytest.approx(summary["trust"], abs=1e-4) and whole["enhancer"] == "toy.whole_gate"


def test_a_long_signal_gives_the_same_however_it_is_cut(make):
    audio = voice(11.0, RATE, seed=3)
    found = []
    for size in (audio.frames, 777):
        analyzer = make(batch=4)
        analyzer.prepare(RATE, 1)
        for start in range(0, audio.frames, size):
            analyzer.push(audio.samples[:, start : start + size])
        found.append(analyzer.finish())
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    assert found[0][0].summary == found[1][0].summary
    assert found[0][0].summary["method"] == "mean of windows"


@pytest.mark.parametrize(
    "audio",
    [Audio(np.zeros((1, 2 * RATE), np.float32), RATE), noise(3.0, RATE, level=-20.0),
     Audio(np.full((1, 7), 0.5, np.float32), 8000)],
    ids=["silence", "noise", "7 samples"],
)  # fmt: skip
def test_what_is_no_speech_gets_no_emotion_and_no_verdict_on_trust(make, audio):
    summary, timeline = heard(make(), audio)
    assert summary["emotion"] == NO_SPEECH and "trust" not in summary
    assert timeline.trust is not None and ((timeline.trust >= 0) & (timeline.trust <= 1)).all()


@pytest.mark.parametrize(("rate", "channels", "gain"), [(8000, 1, 1.0), (48_000, 2, 1.0), (RATE, 1, 20.0)],
                         ids=["telephone", "stereo", "clipped"])  # fmt: skip
def test_speech_of_any_kind_is_judged(make, rate, channels, gain):
    samples = np.clip(gain * voice(3.0, rate, seed=3, channels=channels).samples, -1, 1)
    summary, _ = heard(make(), Audio(samples, rate))
    assert summary["emotion"] in LABELS and 0 <= summary["trust"] <= 1


def test_weights_of_another_recogniser_are_refused(make, tmp_path):
    from random_recogniser import random_recogniser

    with pytest.raises(InputError, match=r"ser\.trnet takes those that `voxrack train ser.trnet` makes"):
        analyze(make(weights=str(random_recogniser(tmp_path / "other.safetensors"))), voice(1.0, RATE, seed=3))


def test_the_command_line_prepares_with_noise(host, tmp_path, monkeypatch):
    """``voxrack prepare ser.trnet --noise … --unmatched …`` on made-up sounds, end to end."""
    from command_line import done

    monkeypatch.setattr("voxrack.host.default_host", lambda: host)
    for speaker in ("01", "02"):
        for emotion in ("03", "04"):
            file = tmp_path / "speech" / f"Actor_{speaker}" / f"03-01-{emotion}-01-01-01-{speaker}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            write(file, voice(0.8, RATE, seed=int(speaker + emotion)))
    for folder, count in (("rain", 6), ("other", 1)):
        for at in range(count):
            (tmp_path / folder).mkdir(exist_ok=True)
            write(tmp_path / folder / f"{at}.wav", noise(1.0, RATE, seed=at))
    words = ["prepare", "ser.trnet", "--data", str(tmp_path / "speech"), "--set", "enhancer=toy.gate", "-o",
             str(tmp_path / "f.safetensors")]  # fmt: skip
    done(*words, "--noise", str(tmp_path / "rain"), "--unmatched", str(tmp_path / "other"))
    assert len(FeatureFile(tmp_path / "f.safetensors")) == 4
