"""The evaluation of enhancers: what is mixed, what is kept, what is printed and drawn, what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from command_line import done, preset, run
from random_enhancer import random_enhancer

from voxrack import Audio, write
from voxrack.datasets import Item
from voxrack.datasets.noise import NOISE, TEST_ONLY
from voxrack.errors import InputError, UsageError
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack.testing.signals import noise, voice

for package in ("pesq", "pystoi", "speechmos"):
    pytest.importorskip(package, reason="needs the extra metrics")

from voxrack_enhance import evaluation, evaluation_items  # noqa: E402
from voxrack_enhance.evaluation_figures import interval  # noqa: E402
from voxrack_enhance.evaluation_items import mixed, mixtures, pairs  # noqa: E402
from voxrack_enhance.evaluation_options import Asked  # noqa: E402

RATE = 16_000
SPARING = Asked(utterances=1, dnsmos="off")
SNRS = (10, -5)


@pytest.fixture(autouse=True)
def few_ratios(monkeypatch):
    monkeypatch.setattr(evaluation_items, "SNRS", SNRS)


@pytest.fixture(scope="module")
def features(tmp_path_factory) -> FeatureFile:
    """Two test speakers and others, two classes of noise and one that is for testing only."""
    path = tmp_path_factory.mktemp("features") / "f.safetensors"
    with FeatureWriter(path, "enhance.light", {}) as writer:
        for actor in (1, 21, 22):
            for take in range(2):
                item = Item(f"ravdess/{actor}/{take}", "ravdess", f"ravdess/{actor:02d}", "sad", 1.6)
                writer.add(item, {"samples": voice(1.6, RATE, seed=10 * actor + take).samples[0]})
        for category, use, level in (("rain", "", 0.1), ("dog", "", 0.02), ("street", TEST_ONLY, 0.1)):
            for number in range(4):
                about = {"recording": f"{category} {number}", "category": category, **({"use": use} if use else {})}
                item = Item(f"{use}n/{category}/{number}", "n", "", NOISE, 1.0, attributes=about)
                writer.add(item, {"samples": level * noise(1.0, RATE, seed=number).samples[0]})
    return FeatureFile(path)


@pytest.fixture(scope="module")
def folder_of_pairs(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("recorded")
    for count in range(2):
        clean = voice(1.5, RATE, seed=count).samples
        hiss = 0.02 * noise(1.5, RATE, seed=count).samples
        for name, samples in (("clean", clean), ("noisy", clean + hiss), ("theirs", clean + 0.1 * hiss)):
            (root / name).mkdir(exist_ok=True)
            write(root / name / f"p{count}_1.wav", Audio(samples, RATE))
    return root


# ---- mixing ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("ratio", ["whole", "active"])
@pytest.mark.parametrize("snr", [20, -5])
def test_mixtures_have_their_ratio_and_stay_within_full_scale(ratio, snr):
    from voxrack.datasets.mixing import active_power

    speech, sound = (x.astype(np.float32) for x in (0.9 * voice(2.0, RATE).samples[0], noise(0.7, RATE).samples[0]))
    clean, noisy = mixed(speech, sound, snr, ratio, np.random.default_rng(0))
    laid = noisy.astype(np.float64) - clean
    power = float(np.mean(clean.astype(np.float64) ** 2)) if ratio == "whole" else active_power(clean, RATE)
    assert 10 * math.log10(power / np.mean(laid**2)) == pytest.approx(snr, abs=0.02)
    assert np.abs(noisy).max() <= 1.0 + 1e-6
    assert np.corrcoef(clean, speech)[0, 1] > 0.999999


def test_noise_that_begins_with_silence_is_heard_all_the_same():
    sound = np.concatenate((np.zeros(3 * RATE), noise(1.0, RATE).samples[0])).astype(np.float32)
    clean, noisy = mixed(voice(2.0, RATE).samples[0], sound, 0, "whole", np.random.default_rng(0))
    assert np.std((noisy - clean)[: RATE // 2]) > 0.3 * np.std(noisy - clean)


def test_a_silent_clip_is_refused():
    with pytest.raises(InputError, match="silent throughout"):
        mixed(np.zeros(RATE, np.float32), noise(1.0, RATE).samples[0], 0, "whole", np.random.default_rng(0))


def test_test_speakers_hear_every_ratio_and_classes_in_turn(features):
    cases = mixtures(features, 2)
    assert mixtures(features, 2) == cases
    assert {case.about["speaker"] for case in cases} == {"ravdess/21", "ravdess/22"}
    assert {case.snr for case in cases if case.set == "unmatched"} == set(SNRS)
    assert {case.about["category"] for case in cases if case.set == "matched"} == {"dog", "rain"}
    assert len(cases) == 2 * (1 + 2 * len(SNRS))
    one, other = (case.load(features, "whole") for case in (cases[1], cases[1]))
    assert np.array_equal(one.noisy, other.noisy)
    assert np.array_equal(cases[0].load(features, "whole").noisy, cases[0].load(features, "whole").clean)


# ---- measuring ------------------------------------------------------------------------------------
def test_figures_of_a_device_that_changes_nothing_are_those_of_noisy(features, folder_of_pairs, tmp_path):
    asked = Asked(utterances=1, dnsmos="off", pairs=str(folder_of_pairs))
    report = evaluation.evaluate("fx.gain", asked, features, folder=tmp_path)
    groups = report.figures["snr"]
    assert [one["snr"] for one in groups if one["system"] == "noisy" and one["set"] == "matched"] == list(SNRS)
    by_key = {(one["set"], one["snr"], one["system"]): one["measures"] for one in groups}
    for snr in SNRS:
        assert by_key["matched", snr, "fx.gain"] == by_key["matched", snr, "noisy"]
        assert by_key["matched", snr, "noisy"]["si_sdr"]["mean"] == pytest.approx(snr, abs=0.7)
    assert by_key["clean", None, "noisy"]["si_sdr"]["mean"] == "inf"
    assert by_key["clean", None, "noisy"]["pesq"]["mean"] == pytest.approx(4.644, abs=1e-3)
    gains = [one["measures"]["pesq"]["mean"] for one in report.figures["gains"] if one["system"] == "fx.gain"]
    assert gains == [0.0, 0.0, 0.0]  # matched, unmatched, pairs
    recorded = {one["system"]: one for one in report.figures["pairs"]}
    assert list(recorded) == ["noisy", "fx.gain", "theirs"] and recorded["theirs"]["n"] == 2
    better = recorded["theirs"]["measures"]["si_sdr"]["mean"] - recorded["noisy"]["measures"]["si_sdr"]["mean"]
    assert better == pytest.approx(20.0, abs=0.5)


def test_an_evaluation_goes_on_where_it_stopped(features, tmp_path, monkeypatch):
    first = evaluation.evaluate("fx.gain", SPARING, features, folder=tmp_path)
    file = tmp_path / "mixtures" / "rows.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:-2]) + '\n{"system": "noi')  # as a crash leaves it
    asked = []
    measured = evaluation.measures.measure
    monkeypatch.setattr(evaluation.measures, "measure", lambda *a, **k: asked.append(a) or measured(*a, **k))
    again = evaluation.evaluate("fx.gain", SPARING, features, folder=tmp_path)
    assert len(asked) == 2
    assert again.figures["snr"] == first.figures["snr"]


def test_systems_may_be_added_but_not_changed(features, tmp_path):
    soft = preset(tmp_path, name="soft", level=-12.0)
    evaluation.evaluate("fx.gain", SPARING, features, folder=tmp_path)
    asked = Asked(utterances=1, dnsmos="off", against=str(soft))
    report = evaluation.evaluate("fx.gain", asked, features, folder=tmp_path)
    assert report.about["systems"] == ["noisy", "fx.gain", str(soft)]
    preset(tmp_path, name="soft", level=-6.0)
    with pytest.raises(UsageError, match=r"holds figures of another '.*soft\.json'"):
        evaluation.evaluate("fx.gain", asked, features, folder=tmp_path)
    with pytest.raises(UsageError, match="ratio = 'whole', not 'active'"):
        evaluation.evaluate("fx.gain", Asked(utterances=1, dnsmos="off", ratio="active"), features, folder=tmp_path)


def test_the_command_line_prints_tables_json_and_pictures(features, folder_of_pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation.measures, "dnsmos", lambda *given: (3.0, 3.5, 2.5))  # a network of some seconds
    weights = random_enhancer(tmp_path / "w.safetensors", channels=8, time_width=8, band_width=8, blocks=1)
    words = (
        "evaluate", "enhance.light", "--features", features.path, "--set", f"weights={weights}", "--set",
        "utterances=1", "--set", "dnsmos=first", "--set", f"pairs={folder_of_pairs}", "--set", "against=fx.gain",
        "-o", tmp_path / "out",
    )  # fmt: skip
    text = done(*words, "--plot", tmp_path / "pictures").stdout
    for word in ("PESQ", "STOI", "SI-SDR", "OVRL", "unmatched", "-5 dB", "dog", "theirs", "fx.gain", "CPU-seconds"):
        assert word in text
    assert {file.name for file in (tmp_path / "pictures").iterdir()} == {"snr.png", "classes.png", "pairs.png"}
    assert all(file.stat().st_size > 10_000 for file in (tmp_path / "pictures").iterdir())
    found = json.loads(done(*words, "--json").stdout)
    assert found["systems"] == ["noisy", "enhance.light", "fx.gain", "theirs"]
    assert found["figures"]["cost"]["enhance.light"] > 0
    measured = {one["system"]: one["measures"] for one in found["figures"]["pairs"]}
    assert set(measured["enhance.light"]) == {"pesq", "stoi", "si_sdr", "sig", "bak", "ovrl"}


def test_two_workers_find_what_one_finds(features, tmp_path):
    found = [
        evaluation.evaluate("fx.gain", SPARING, features, folder=tmp_path / str(workers), workers=workers)
        for workers in (1, 2)
    ]
    one, two = (
        {(row["set"], row["snr"], row["system"]): row["measures"]["si_sdr"]["mean"] for row in each.figures["snr"]}
        for each in found
    )
    assert one == pytest.approx(two, abs=1e-6)  # workers compute with one thread: sums may be taken in another order


# ---- what is refused ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change, said",
    [
        ({"against": "enhance.nothing"}, "enhance.nothing"),
        ({"against": "fx.loudness"}, "enhances nothing"),
        ({"against": "fx.gain,fx.gain"}, "named twice"),
        ({"against": "no.json"}, "no.json"),
        ({"weights": "nowhere.safetensors"}, "weights"),
    ],
)
def test_systems_that_are_none_are_named(features, tmp_path, change, said):
    from voxrack.errors import VoxrackError

    with pytest.raises(VoxrackError, match=said):
        evaluation.evaluate("fx.gain", Asked(utterances=1, **change), features, folder=tmp_path)


def test_folders_of_pairs_say_what_they_lack(folder_of_pairs, tmp_path):
    with pytest.raises(InputError, match="nowhere: there is no such folder"):
        pairs(str(tmp_path / "nowhere"))
    (tmp_path / "clean").mkdir()
    with pytest.raises(InputError, match="noisy: there is no such folder"):
        pairs(str(tmp_path))
    (tmp_path / "noisy").mkdir()
    with pytest.raises(InputError, match="holds no audio"):
        pairs(str(tmp_path))
    write(tmp_path / "clean" / "a.wav", voice(1.0, RATE))
    with pytest.raises(InputError, match="noisy has no audio file 'a'"):
        pairs(str(tmp_path))


def test_what_cannot_be_measured_is_left_out_and_said(features, folder_of_pairs, tmp_path):
    for name in ("clean", "noisy"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "short.wav", Audio(np.ones((1, 1)), RATE))
        write(tmp_path / name / "silent.wav", Audio(np.zeros((1, RATE)), RATE))
        write(tmp_path / name / "whole.wav", voice(1.5, RATE, seed=len(name)))
    asked = Asked(utterances=1, dnsmos="off", pairs=str(tmp_path))
    report = evaluation.evaluate("fx.gain", asked, features, folder=tmp_path / "out")
    assert [one["n"] for one in report.figures["pairs"]] == [1, 1]
    notes = "\n".join(report.remarks())
    assert "fx.gain: 2 of" in notes and "1 samples; the measures take 0.4 s" in notes


def test_options_of_training_are_refused(features, tmp_path):
    with pytest.raises(UsageError, match="--epochs is of evaluations that train"):
        evaluation.evaluate("fx.gain", SPARING, features, folder=tmp_path, epochs=3)
    result = run("evaluate", "enhance.light", "--features", features.path, "--fold", "1", "-o", tmp_path)
    assert result.exit_code == 2 and "--fold is of evaluations that train" in result.output


def test_features_without_test_speakers_are_refused(tmp_path):
    with FeatureWriter(tmp_path / "f.safetensors", "enhance.light", {}) as writer:
        writer.add(Item("own/1", "own", "own/1", "", 1.5), {"samples": voice(1.5, RATE).samples[0]})
    with pytest.raises(InputError, match="nothing for test speech"):
        evaluation.evaluate("fx.gain", SPARING, FeatureFile(tmp_path / "f.safetensors"), folder=tmp_path / "out")


def test_intervals_draw_speakers_where_there_are_some():
    rng = np.random.default_rng(0)
    own = rng.standard_normal(8)
    values = np.repeat(own, 20) + 0.01 * rng.standard_normal(160)  # twenty clips of a speaker are nearly one
    names = np.repeat([f"s{k}" for k in range(8)], 20)
    found = interval(values.tolist(), names.tolist())
    width = 2.365 * own.std(ddof=1) / math.sqrt(8)
    assert (found["high"] - found["low"]) / 2 == pytest.approx(width, rel=0.2)
    assert math.isnan(interval([1.0], ["a"])["low"])
