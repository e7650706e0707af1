"""What an enhancer is trained with: packed sound, and who trains, validates and tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

import numpy as np
import pytest

from voxrack import Audio, write
from voxrack.datasets import Item, load_all, merge, noise_set
from voxrack.datasets.noise import NOISE, TEST_ONLY
from voxrack.errors import InputError
from voxrack.feature_file import FeatureFile, FeatureWriter
from voxrack_enhance.material import ARRAY, Packing, Parts, divide, prepare, samples

RATE = 16_000


def speakers(corpus: str, names, takes: int = 2) -> list[Item]:
    return [Item(f"{corpus}/{name}/{take}", corpus, f"{corpus}/{name}") for name in names for take in range(takes)]


def noises(recordings: int, category: str = "rain", use: str = "", takes: int = 2) -> list[Item]:
    more = {"use": use} if use else {}
    return [
        Item(f"n/{category}/{use}{number}/{take}", "n", "", NOISE,
             attributes={"recording": f"{category} {number}", "category": category, **more})
        for number in range(recordings) for take in range(takes)
    ]  # fmt: skip


def who(items: list[Item], rows) -> list[str]:
    return list(dict.fromkeys(items[row].speaker.rpartition("/")[2] for row in rows))


# ---- dividing -------------------------------------------------------------------------------------
def test_ravdess_is_divided_by_its_actors():
    items = speakers("ravdess", [f"{number:02d}" for number in range(1, 25)])
    parts = divide(items)
    assert who(items, parts.test_speech) == ["21", "22", "23", "24"]
    assert who(items, parts.validation_speech) == ["19", "20"]
    assert who(items, parts.train_speech) == [f"{number:02d}" for number in range(1, 19)]


def test_some_actors_of_ravdess_stay_on_their_side():
    items = speakers("ravdess", ["03", "20", "21"])
    parts = divide(items)
    assert [who(items, rows) for rows in (parts.train_speech, parts.validation_speech, parts.test_speech)] == [
        ["03"], ["20"], ["21"],
    ]  # fmt: skip


def test_other_corpora_test_every_seventh_speaker():
    items = speakers("librispeech", range(1, 29), takes=1)
    parts = divide(items)
    assert who(items, parts.test_speech) == ["7", "14", "21", "28"]
    assert who(items, parts.validation_speech) == ["8", "22"]
    assert len(parts.train_speech) == 22


@pytest.mark.parametrize("count, test, validation", [(1, [], []), (2, [], []), (3, ["3"], ["2"]), (7, ["7"], ["6"])])
def test_small_corpora_test_their_last_speaker_or_only_train(count, test, validation):
    items = speakers("own", range(1, count + 1))
    parts = divide(items)
    assert (who(items, parts.test_speech), who(items, parts.validation_speech)) == (test, validation)


def test_speech_of_unknown_speakers_trains():
    items = [*speakers("own", range(1, 15)), Item("own/x", "own", "")]
    assert divide(items).train_speech[-1] == 28


def test_nobody_is_on_two_sides_and_nothing_is_lost():
    items = [
        *speakers("ravdess", range(1, 25)), *noises(20), *speakers("ravdess-song", range(1, 25)), *noises(2, "dog"),
        *speakers("librispeech", range(100)), *noises(5, "street", TEST_ONLY),
    ]  # fmt: skip
    parts = divide(items)
    rows = [row for each in fields(Parts) for row in getattr(parts, each.name)]
    assert sorted(rows) == list(range(len(items)))
    for kind, of in (("speech", lambda item: item.speaker), ("noise", lambda item: item.attributes["recording"])):
        sides = Counter()
        for side in ("train", "validation", "test"):
            sides.update({of(items[row]) for row in getattr(parts, f"{side}_{kind}")})
        assert sides and set(sides.values()) == {1}


def test_noise_is_divided_by_its_source_recordings():
    items = [*noises(20), *noises(20, "dog"), *noises(2, "rare"), *noises(5, "street", TEST_ONLY)]
    parts = divide(items)
    count = lambda rows: Counter(items[row].attributes["category"] for row in rows)  # noqa: E731
    assert count(parts.test_noise) == {"rain": 8, "dog": 8}
    assert count(parts.validation_noise) == {"rain": 4, "dog": 4}
    assert count(parts.train_noise) == {"rain": 28, "dog": 28, "rare": 4}
    assert count(parts.unmatched_noise) == {"street": 10}


def test_what_is_missing_is_named():
    parts = divide(speakers("tess", ["OAF", "YAF"]))
    assert parts.need("train_speech") is parts
    with pytest.raises(InputError, match=r"nothing for validation speech, test noise: .*prepare with more"):
        parts.need("train_speech", "validation_speech", "test_noise")


# ---- packing --------------------------------------------------------------------------------------
def test_long_recordings_are_cut_and_everything_is_16_kilohertz_mono():
    tone = np.sin(2 * np.pi * 440 * np.arange(40 * 8000) / 8000).astype(np.float32)
    pieces = Packing()(Audio(np.stack((0.3 * tone, 0.1 * tone)), 8000))
    assert [len(piece[ARRAY]) for piece in pieces] == pytest.approx([40 * RATE / 3] * 3, abs=1)
    whole = np.concatenate([piece[ARRAY] for piece in pieces])
    expected = 0.2 * np.sin(2 * np.pi * 440 * np.arange(40 * RATE) / RATE)
    assert len(whole) == 40 * RATE and np.abs(whole - expected)[500:-500].max() < 1e-3


def test_a_recording_of_15_seconds_stays_whole():
    assert len(Packing()(Audio(np.full(15 * RATE, 0.1, np.float32), RATE))) == 1


@pytest.mark.parametrize("made, said", [(np.zeros(RATE), "silent throughout"), (np.full(800, 0.1), "lasts 0.050 s")])
def test_useless_recordings_are_refused(made, said):
    with pytest.raises(InputError, match=said):
        Packing()(Audio(made.astype(np.float32), RATE))


@pytest.mark.parametrize("dtype, close", [("float32", 0), ("float16", 1.3e-4)])
def test_speech_and_noise_are_prepared_into_one_file(tmp_path, dtype, close):
    def noise(frames: int, level: float) -> Audio:
        made = rng.standard_normal(frames, np.float32).clip(-3, 3)
        return Audio(np.asarray(level * made, np.float32), RATE)

    rng = np.random.default_rng(0)
    (tmp_path / "noises" / "rain").mkdir(parents=True)
    rows = ["path,speaker,label"]
    for name, level in (("a", 0.1), ("b", 0.0), ("c", 0.05)):
        write(tmp_path / f"{name}.wav", noise(RATE, level))
        rows.append(f"{name}.wav,{name},")
    (tmp_path / "m.csv").write_text("\n".join(rows))
    write(tmp_path / "noises" / "rain" / "1-1-A.wav", noise(2 * RATE, 0.1))
    corpus = merge([load_all([tmp_path / "m.csv"]), noise_set(tmp_path / "noises").corpus()])
    with FeatureWriter(tmp_path / "f.safetensors", "enhance.light", {}, dtype=dtype) as writer:
        prepare(corpus, writer, lambda *_: None)
    file = FeatureFile(tmp_path / "f.safetensors")
    assert [item.label for item in file.items] == ["", "", NOISE] and file.names == (ARRAY,)
    ((left_out, why),) = file.failures
    assert left_out.endswith("b.wav") and "silent" in why
    assert samples(file, 2).shape == (2 * RATE,) and samples(file, 2).dtype == np.float32
    assert np.abs(samples(file, 0) - Packing()(_read(tmp_path / "a.wav"))[0][ARRAY]).max() <= close
    parts = divide(file.items)
    assert (parts.train_speech, parts.train_noise) == ((0, 1), (2,))


def _read(path):
    from voxrack import read

    return read(path)


# ---- real corpora ---------------------------------------------------------------------------------
def test_the_real_sets_divide(shared):
    data = shared / "data"
    corpus = merge([load_all([data / "ravdess", data / "librispeech"]), noise_set(data / "esc10").corpus(),
                    noise_set(data / "speechdnn_noises").corpus(test_only=True)])  # fmt: skip
    items = [Item(u.id, u.corpus, u.speaker, u.label, attributes=u.attributes) for u in corpus.utterances]
    parts = divide(items)
    counts = {each.name: len(getattr(parts, each.name)) for each in fields(Parts)}
    assert counts == {
        "train_speech": 1080 + 110, "validation_speech": 120 + 10, "test_speech": 240 + 20,
        "train_noise": 88, "validation_noise": 12, "test_noise": 30, "unmatched_noise": 60,
    }  # fmt: skip
    assert {items[row].attributes["category"] for row in parts.test_noise} == {
        items[row].attributes["category"] for row in parts.train_noise
    }
