"""Evaluation of converters: who is converted to what, the figures by hand, resuming, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from voxrack.datasets import Item
from voxrack.errors import InputError, UsageError
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack.testing import voice
from voxrack_evc import evaluation, evaluation_hearing, evaluation_systems, judging
from voxrack_evc.evaluation_figures import figures
from voxrack_evc.evaluation_options import Asked
from voxrack_evc.evaluation_report import Report
from voxrack_evc.recipes.prosody import recipe
from voxrack_evc.recordings import RATE, cases, recordings

EMOTIONS = ("neutral", "angry", "happy", "sad")


def items(actors=(21, 22), readers=2, takes=2):
    out = []
    for actor in actors:
        for label in (*EMOTIONS, "calm"):
            for text in ("one", "two"):
                for take in range(takes):
                    about = {"text": text, "intensity": "normal"}
                    name = f"ravdess/{actor}/{label}-{text}-{take}"
                    out.append(Item(name, "ravdess", f"ravdess/{actor}", label, 1.0, attributes=about))
    for reader in range(readers):
        for take in range(3):
            out.append(Item(f"read/{reader}#{take}", "read", f"read/{reader}", "read", 1.0))
    return out


@pytest.fixture
def features(tmp_path):
    with FeatureWriter(tmp_path / "f.safetensors", "evc.prosody", {"part": "test"}) as writer:
        for seed, item in enumerate(items(takes=1)):
            writer.add(item, {"samples": voice(0.6, RATE, seed).samples[0]})
    return FeatureFile(tmp_path / "f.safetensors")


@pytest.fixture
def judges(monkeypatch):
    """Judges that cost nothing: whatever is louder than what came in sounds angry; quality and likeness are fixed."""

    class Judge:
        @classmethod
        def of(cls, id, weights, emotions, host=None):
            return cls()

        def __call__(self, sound):
            return "angry" if np.abs(sound).max() > 0.55 else "neutral"

        def described(self):
            return "test.judge"

    monkeypatch.setattr(judging, "Judge", Judge)
    monkeypatch.setattr(judging, "speaker_vector", lambda sound: np.eye(4, dtype=np.float32)[0])
    monkeypatch.setattr(judging, "speaker_measure", lambda: "nobody")
    monkeypatch.setattr(evaluation_hearing, "dnsmos", lambda sound, rate, windows: (3.0, 3.5, 2.5))


# ---- who is converted to what ----------------------------------------------------------------------
def test_every_ordered_pair_of_emotions_is_converted():
    found = [case for case in cases(items(), EMOTIONS, 4, 0) if case.acted]
    pairs = {(case.emotion, target) for case in found for target in case.targets}
    assert pairs == {(one, other) for one in EMOTIONS for other in EMOTIONS if one != other}
    assert len(found) == 2 * 4 * 4 and not any(case.emotion == "calm" for case in found)


def test_real_recordings_are_of_the_same_words_and_others_of_other_words():
    known = items()
    for case in cases(known, EMOTIONS, 1, 0):
        words = known[case.row].attributes["text"]
        for target, row in case.real.items():
            assert (known[row].label, known[row].speaker) == (target, case.speaker)
            assert known[row].attributes["text"] == words
        assert case.other is not None and known[case.other].attributes["text"] != words


def test_plain_speech_goes_from_neutral_to_the_others_and_speakers_are_taken_alike():
    found = [case for case in cases(items(readers=3), EMOTIONS, 1, 6) if not case.acted]
    assert [case.speaker for case in found] == ["read/0", "read/0", "read/1", "read/1", "read/2", "read/2"]
    assert all(case.targets == ("angry", "happy", "sad") and case.emotion == "neutral" for case in found)


# ---- figures ---------------------------------------------------------------------------------------
def row(system, target, heard, speaker="a", acted=True, **more):
    made = {
        "system": system, "item": f"{speaker}-{target}", "speaker": speaker, "acted": acted, "source": "neutral",
        "target": target, "heard": heard, "secs": 0.8, "secs_own": 0.7, "voice": 1.2, "utmos": None, "sig": 3.0,
        "ovrl": 2.5, "pitch": 2.0, "energy": 3.0,
        "real_pitch": 4.0, "real_energy": 3.0, "words": 1.0, "other_words": 3.0, "cpu": 0.5, "seconds": 2.0,
        "failed": "",
    }  # fmt: skip
    return made | more


def test_figures_are_those_of_the_rows():
    rows = [row("x", "angry", "angry"), row("x", "sad", "angry"), row("x", "sad", "sad", "b"),
            row("x", "happy", "happy", "b", failed="lost")]  # fmt: skip
    found = figures(rows, ["x"], EMOTIONS)
    (group,) = found["groups"]
    assert (group["n"], group["speakers"]) == (3, 2)
    assert group["eca"]["mean"] == pytest.approx(2 / 3)
    assert group["pitch_way"] == pytest.approx(0.5) and group["energy_way"] == pytest.approx(1.0)
    assert group["cpu"] == pytest.approx(0.25)
    assert found["confusion"]["x"]["sad"] == {"neutral": 0, "angry": 1, "happy": 0, "sad": 1, "no speech": 0}
    assert {(t["target"], t["eca"]["mean"]) for t in found["targets"]} == {("angry", 1.0), ("sad", 0.5)}


# ---- the whole -------------------------------------------------------------------------------------
def test_an_evaluation_is_kept_shown_drawn_and_goes_on(features, judges, tmp_path, capsys):
    asked = Asked(clips=1, spoken=2, sweep="strength=0.5")
    report = evaluation.evaluate("evc.prosody", asked, features, folder=tmp_path / "out")
    assert isinstance(report, Report)
    names = {one["system"] for one in report.figures["groups"]}
    assert names == {"as it came", "real", "evc.prosody", "evc.prosody strength=0.5"}
    report.tables()
    printed = capsys.readouterr().out
    for word in ("every ordered pair", "test.judge", "what is heard", "ECA by target", "as it came"):
        assert word in printed
    pytest.importorskip("matplotlib", reason="needs the extra notebook")
    (picture,) = report.plot(tmp_path / "picture.png")
    assert picture.stat().st_size > 10_000
    rows = (tmp_path / "out/pairs/rows.jsonl").read_text().splitlines()
    again = evaluation.evaluate("evc.prosody", asked, features, folder=tmp_path / "out")
    assert (tmp_path / "out/pairs/rows.jsonl").read_text().splitlines() == rows
    assert again.figures == report.figures
    lost = [json.loads(line) for line in rows if json.loads(line)["failed"]]
    assert {(one["system"], one["acted"]) for one in lost} == {("real", False)}  # nobody acted what was read
    with pytest.raises(UsageError, match="clips = 1, not 2"):
        evaluation.evaluate("evc.prosody", Asked(clips=2, spoken=2), features, folder=tmp_path / "out")


def test_a_torn_line_costs_its_row_and_what_changed_is_refused(features, judges, tmp_path, monkeypatch):
    asked = Asked(clips=1, spoken=0)
    first = evaluation.evaluate("evc.prosody", asked, features, folder=tmp_path)
    file = tmp_path / "pairs" / "rows.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:25])  # as a crash leaves it
    again = evaluation.evaluate("evc.prosody", asked, features, folder=tmp_path)
    assert again.figures["groups"][0] == first.figures["groups"][0]
    assert len(file.read_text().splitlines()) == len(lines) + 1
    more = evaluation.evaluate("evc.prosody", Asked(clips=1, spoken=0, sweep="strength=0"), features, folder=tmp_path)
    assert set(more.about["devices"]) == {"evc.prosody", "evc.prosody strength=0"}
    evaluation.evaluate("evc.prosody", asked, features, folder=tmp_path)  # what was added is known from then on
    described = evaluation.described
    monkeypatch.setattr(evaluation, "described", lambda one: described(one) | {"version": 99})
    with pytest.raises(UsageError, match=r"holds figures of another 'evc\.prosody strength=0'|another 'evc\.prosody'"):
        evaluation.evaluate("evc.prosody", Asked(clips=1, spoken=0, sweep="strength=0"), features, folder=tmp_path)


def test_a_folder_of_an_earlier_voxrack_is_refused_and_kept(features, judges, tmp_path):
    old = {"format": "voxrack.conversion", "version": 1, "recipe": "evc.prosody", "devices": {}}
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "conversion.json").write_text(json.dumps(old))
    with pytest.raises(InputError, match=r"version 1: an earlier voxrack .* take another folder"):
        evaluation.evaluate("evc.prosody", Asked(clips=1, spoken=0), features, folder=tmp_path)
    assert json.loads((tmp_path / "pairs" / "conversion.json").read_text()) == old


def test_several_sweeps_are_systems_each_on_its_own():
    found = evaluation_systems.systems("evc.prosody", Asked(sweep="strength=0,1.5; tempo=0.9", settings="energy=-3 dB"))
    assert [one.name for one in found] == [
        "evc.prosody", "evc.prosody strength=0", "evc.prosody strength=1.5", "evc.prosody tempo=0.9",
    ]  # fmt: skip
    assert dict(found[2].values) == {"energy": -3.0, "strength": 1.5} and dict(found[3].values)["tempo"] == 0.9


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(sweep="loudness=1,2"), "has no parameter 'loudness'"),
        (Asked(settings="strength=9"), "it takes 0 to 2"),
        (Asked(against="fx.gain"), "is no converter"),
        (Asked(against="evc.nobody"), "there is no device"),
        (Asked(base="base.safetensors"), "evc.prosody has no parameter 'weights'"),
    ],
)
def test_wrong_systems_are_told_before_anything_is_measured(asked, said):
    with pytest.raises(UsageError, match=said):
        evaluation_systems.systems("evc.prosody", asked)


def test_features_without_recordings_are_refused_with_the_command(tmp_path):
    from evc.small_evc import write

    with pytest.raises(UsageError, match=r"voxrack prepare evc\.prosody"):
        recordings(write(tmp_path / "spectra.safetensors", actors=(1, 2), readers=0))


def test_the_recipe_does_not_train():
    with pytest.raises(UsageError, match="is not trained"):
        recipe(part="test").task(None, None, seed=0, epochs=None)  # pyright: ignore[reportArgumentType]


# ---- judges ----------------------------------------------------------------------------------------
def test_other_words_are_farther_than_the_same_words_otherwise(shared):
    from voxrack import read

    def heard(emotion, sentence, actor="01"):
        name = f"03-01-{emotion}-01-{sentence}-01-{actor}.flac"
        return judging.cepstra(read(Path(shared) / f"data/ravdess/Actor_{actor}" / name).samples[0])

    source = heard("01", "01")
    assert judging.word_distance(source, source) == pytest.approx(0.0, abs=1e-3)
    assert judging.word_distance(heard("02", "01"), source) < judging.word_distance(heard("01", "02"), source)
