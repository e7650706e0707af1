"""Speech corpora by their file names: seven miniature trees, and the real RAVDESS and TESS."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from mini_corpora import TREES, crema_d, emodb, esd, iemocap, put, ravdess, savee, sound, tess

from voxrack import files
from voxrack.datasets import CORPORA, EMOTIONS, Item, Utterance, load, load_all, merge, read_audio, read_utterances
from voxrack.errors import InputError, UsageError


def one(corpus, ending: str) -> Utterance:
    """The utterance whose file name, without its suffix, is ``ending``."""
    found = [utterance for utterance in corpus.utterances if utterance.path.stem == ending]
    assert len(found) == 1, [utterance.id for utterance in corpus.utterances]
    return found[0]


# ---- what the names tell --------------------------------------------------------------------
@pytest.mark.parametrize("name", TREES)
def test_a_corpus_is_recognised_by_its_file_names(name: str, tmp_path: Path) -> None:
    root = TREES[name](tmp_path / "somewhere")
    corpus = load(root)
    assert corpus.name == name
    assert len(corpus) == len([path for path in root.rglob("*") if path.suffix in (".wav", ".flac")])
    assert load(root, name.upper()).utterances == corpus.utterances
    ids = [utterance.id for utterance in corpus.utterances]
    assert len(set(ids)) == len(ids)
    for utterance in corpus.utterances:
        assert utterance.id == f"{name}/{utterance.path.relative_to(root).as_posix()}"
        assert utterance.speaker.startswith(f"{name}/")
        assert utterance.label in (*EMOTIONS, "bored", "excited", "frustrated", "other", "")


@pytest.mark.parametrize("name", TREES)
def test_every_example_follows_its_own_rule_alone(name: str, tmp_path: Path) -> None:
    rule = next(rule for rule in CORPORA if rule.name == name)
    fitting = [other.name for other in CORPORA if other.pattern.search(f"/{rule.example}".rpartition(".")[0])]
    assert fitting == [name]


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".opus", ".mp3", ".WAV"])
def test_any_usual_format_is_taken(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"Actor_03/03-01-06-02-01-02-03{suffix}"
    path.parent.mkdir()
    formats = {".ogg": ("OGG", "VORBIS"), ".opus": ("OGG", "OPUS"), ".mp3": ("MP3", None)}
    kind, subtype = formats.get(suffix, (None, None))
    soundfile.write(path, 0.1 * np.sin(np.arange(16_000) / 9), 16_000, format=kind, subtype=subtype)
    corpus = load(tmp_path)
    assert (corpus.name, len(corpus), corpus.utterances[0].label) == ("ravdess", 1, "fearful")
    assert 0.9 < read_audio(corpus.utterances[0]).duration < 1.2


def test_ravdess_names(tmp_path: Path) -> None:
    corpus = load(ravdess(tmp_path))
    utterance = one(corpus, "03-01-05-02-01-01-12")
    assert (utterance.speaker, utterance.label, utterance.intensity) == ("ravdess/12", "angry", "strong")
    assert utterance.text == "Kids are talking by the door"
    assert utterance.attributes["gender"] == "female" and utterance.attributes["statement"] == "01"
    assert one(corpus, "03-01-03-02-02-01-07").text == "Dogs are sitting by the door"
    assert one(corpus, "03-01-03-02-02-01-07").attributes["gender"] == "male"
    assert corpus.classes == ("neutral", "happy", "angry")
    assert corpus.speakers == tuple(f"ravdess/{actor:02d}" for actor in range(1, 25))
    assert corpus.counts()["ravdess/24"] == {"neutral": 1, "happy": 1, "angry": 1}


def test_tess_names_with_the_release_s_misnamed_file(tmp_path: Path) -> None:
    corpus = load(tess(tmp_path))
    assert corpus.speakers == ("tess/OAF", "tess/YAF")
    misnamed = one(corpus, "OA_bite_neutral")
    assert (misnamed.speaker, misnamed.label, misnamed.text) == ("tess/OAF", "neutral", "Say the word bite")
    assert one(corpus, "YAF_back_ps").label == "surprised"
    assert one(corpus, "YAF_back_fear").label == "fearful"


@pytest.mark.parametrize("flat", [False, True])
def test_savee_names_in_folders_and_flat(flat: bool, tmp_path: Path) -> None:
    corpus = load(savee(tmp_path, flat))
    assert corpus.speakers == ("savee/DC", "savee/JE", "savee/JK", "savee/KL")
    labels = {u.attributes["statement"]: u.label for u in corpus.utterances if u.speaker == "savee/KL"}
    assert labels == {"a01": "angry", "d02": "disgust", "f03": "fearful", "h04": "happy", "n30": "neutral",
                      "sa05": "sad", "su06": "surprised"}  # fmt: skip


def test_one_speaker_s_folder_of_savee_is_recognised_by_its_own_name(tmp_path: Path) -> None:
    corpus = load(savee(tmp_path) / "AudioData" / "JK")
    assert (corpus.name, corpus.speakers) == ("savee", ("savee/JK",))
    assert any("3 speakers of 4 missing: DC, JE, KL" in note for note in corpus.notes)


def test_emodb_letters_are_german(tmp_path: Path) -> None:
    corpus = load(emodb(tmp_path))
    words = {u.path.stem: u.label for u in corpus.utterances}
    assert words == {
        "03a01Wa": "angry", "03b10Lb": "bored", "08a02Ea": "disgust", "09a04Ac": "fearful", "10a05Fd": "happy",
        "16b03Td": "sad", "16a07Nb": "neutral", "11b01Na": "neutral",
    }  # fmt: skip
    assert one(corpus, "03a01Wa").attributes["gender"] == "male"
    assert one(corpus, "16b03Td").attributes["gender"] == "female"
    assert one(corpus, "03a01Wa").text == "Der Lappen liegt auf dem Eisschrank."


def test_iemocap_takes_labels_from_its_evaluations_and_the_speaker_from_the_end_of_the_name(tmp_path: Path) -> None:
    corpus = load(iemocap(tmp_path))
    assert len(corpus) == 40 and len(corpus.speakers) == 10
    angry = one(corpus, "Ses03F_impro01_M001")
    assert (angry.speaker, angry.label) == ("iemocap/Ses03M", "angry")  # the man speaks; the woman wore the markers
    assert angry.text == "Words of Ses03F_impro01_M001."
    wanted = {"gender": "male", "session": "3", "style": "improvised", "valence": "2.5000", "arousal": "3.5000",
              "dominance": "4.0000"}  # fmt: skip
    assert wanted.items() <= angry.attributes.items()
    assert one(corpus, "Ses03F_script01_1_F000").attributes["style"] == "scripted"
    assert one(corpus, "Ses05F_impro01_M002").label == ""
    assert one(corpus, "Ses05F_impro01_F004").label == "excited"
    assert any("5 files on which the annotators did not agree" in note for note in corpus.notes)
    assert len(corpus.where(style="improvised")) == 30


def test_iemocap_without_its_evaluations_is_refused(tmp_path: Path) -> None:
    iemocap(tmp_path)
    with pytest.raises(InputError, match=r"without its labels; expected Session1/dialog/EmoEvaluation"):
        load(tmp_path / "Session2" / "sentences")


def test_an_iemocap_turn_in_no_evaluation_is_kept_without_a_label(tmp_path: Path) -> None:
    root = iemocap(tmp_path, [1])
    sound(root / "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_M099.wav")
    corpus = load(root)
    assert one(corpus, "Ses01F_impro01_M099").label == ""
    assert any("1 file in no file of EmoEvaluation" in note for note in corpus.notes)


@pytest.mark.parametrize("parts", [False, True])
def test_esd_with_and_without_its_parts(parts: bool, tmp_path: Path) -> None:
    corpus = load(esd(tmp_path, parts))
    assert corpus.speakers == ("esd/0001", "esd/0011", "esd/0020")
    angry = one(corpus, "0011_000371")
    assert (angry.label, angry.text) == ("angry", "The nine, the eggs, I keep.")
    assert angry.attributes["statement"] == one(corpus, "0020_001421").attributes["statement"] == "21"
    assert (angry.attributes["gender"], angry.attributes["language"]) == ("male", "en")
    assert angry.attributes.get("part", "") == ("train" if parts else "")
    assert one(corpus, "0001_000021").text == "打远一看"  # its text file is in another encoding
    assert any("17 speakers of 20 missing" in note for note in corpus.notes)


def test_crema_d_codes(tmp_path: Path) -> None:
    corpus = load(crema_d(tmp_path))
    high = one(corpus, "1001_IEO_SAD_HI")
    assert (high.speaker, high.label, high.intensity, high.text) == (
        "crema-d/1001", "sad", "high", "It's eleven o'clock",
    )  # fmt: skip
    assert (high.attributes["gender"], one(corpus, "1002_IEO_HAP_LO").attributes["gender"]) == ("male", "female")
    assert one(corpus, "1001_DFA_ANG_XX").intensity == ""
    assert one(corpus, "1040_ITH_SAD_X").label == "sad"


def test_crema_d_has_43_women_and_48_men(tmp_path: Path) -> None:
    for actor in range(1001, 1092):
        put(tmp_path / f"{actor}_DFA_ANG_XX.wav", "not read here")
    genders = [utterance.attributes["gender"] for utterance in load(tmp_path).utterances]
    assert (genders.count("female"), genders.count("male")) == (43, 48)


# ---- what is wrong is said ------------------------------------------------------------------
def test_a_wrong_folder_says_what_was_expected_what_is_there_and_what_to_do(tmp_path: Path) -> None:
    for name in ("one", "two", "three", "four"):
        sound(tmp_path / f"{name}.wav")
    with pytest.raises(InputError) as refused:
        load(tmp_path, "ravdess")
    text = str(refused.value)
    assert "Actor_12/03-01-06-01-02-01-12.wav" in text and "four.wav, one.wav, three.wav and 1 more" in text
    assert "path, speaker, label" in text
    with pytest.raises(InputError) as refused:
        load(tmp_path)
    assert all(rule.example in str(refused.value) for rule in CORPORA)
    assert "four.wav" in str(refused.value) and "manifest.csv" in str(refused.value)


def test_an_empty_folder_a_missing_one_and_an_unknown_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the folder is empty"):
        load(tmp_path)
    put(tmp_path / "notes.txt", "hello")
    with pytest.raises(InputError, match=r"no audio file \(.wav.*only notes.txt"):
        load(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"no corpus 'ravdes'.*ravdess, ravdess-song, tess"):
        load(tmp_path, "ravdes")
    with pytest.raises(InputError, match="it is a file; TESS is a folder"):
        load(tmp_path / "notes.txt", "tess")


def test_a_folder_of_several_corpora_is_refused_unless_one_is_named(tmp_path: Path) -> None:
    ravdess(tmp_path / "a", [1, 2])
    tess(tmp_path / "b")
    with pytest.raises(InputError, match=r"several corpora: RAVDESS \(speech\) \(6 files\), TESS \(16 files\)"):
        load(tmp_path)
    corpus = load(tmp_path, "tess")
    assert len(corpus) == 16
    assert any(note.startswith("6 audio files left out, not named like") for note in corpus.notes)


def test_missing_actors_and_missing_files_are_noted(tmp_path: Path) -> None:
    corpus = load(ravdess(tmp_path, [1, 2, 4, 9]))
    assert any(note.startswith("20 speakers of 24 missing: 03, 05, 06") for note in corpus.notes)
    assert any("RAVDESS (speech) has 60 files of each speaker: 01 has 3, 02 has 3" in note for note in corpus.notes)


def test_hidden_empty_and_strange_files_are_noted(tmp_path: Path) -> None:
    root = ravdess(tmp_path, [1, 2])
    sound(root / "Actor_01/._03-01-01-01-01-01-01.wav")
    sound(root / "Actor_01/laughter.wav")
    sound(root / "Actor_01/03-01-09-01-01-01-01.wav")  # there is no ninth emotion
    (root / "Actor_02/03-01-08-01-01-01-02.wav").touch()
    corpus = load(root)
    notes = "\n".join(corpus.notes)
    assert len(corpus) == 6
    assert "1 hidden file passed over: Actor_01/._03-01-01-01-01-01-01.wav" in notes
    assert "2 audio files left out, not named like" in notes and "laughter.wav" in notes
    assert "1 file of 0 bytes left out, copy them again: Actor_02/03-01-08-01-01-01-02.wav" in notes


def test_sung_takes_are_left_out_with_a_note_and_load_by_their_own_name(tmp_path: Path) -> None:
    root = ravdess(tmp_path, [1, 2])
    for actor in (1, 2):
        sound(root / f"Actor_{actor:02d}/03-02-05-01-01-01-{actor:02d}.flac")
    speech = load(root)
    assert len(speech) == 6 and any("2 sung takes left out" in note for note in speech.notes)
    song = load(root, "ravdess-song")
    assert (len(song), song.speakers) == (2, ("ravdess/01", "ravdess/02"))  # the same people as in the speech
    assert len({utterance.speaker for utterance in merge([speech, song]).utterances}) == 2


def test_an_archive_that_holds_the_corpus_twice_counts_once(tmp_path: Path) -> None:
    root = ravdess(tmp_path / "corpus", [1, 2])
    shutil.copytree(root, root / "audio_speech_actors_01-24")
    sound(root / "audio_speech_actors_01-24/Actor_02/03-01-01-01-01-01-02.flac", "another take")
    corpus = load(root)
    assert len(corpus) == 7  # five copies gone; the sixth has other audio and stays
    assert any(note.startswith("5 files left out as copies") for note in corpus.notes)
    assert all("audio_speech" not in u.id for u in corpus.utterances if not u.path.stem.endswith("01-01-01-01-02"))


def test_one_class_only_is_noted(tmp_path: Path) -> None:
    for actor in (1, 2):
        sound(tmp_path / f"03-01-05-01-01-01-{actor:02d}.wav")
    assert any("one class only, 'angry'" in note for note in load(tmp_path).notes)


# ---- audio ----------------------------------------------------------------------------------
def test_unreadable_files_are_noted_and_the_rest_is_read(tmp_path: Path) -> None:
    corpus = load(ravdess(tmp_path, [1, 2]))
    put(corpus.utterances[2].path, "this is no audio")
    notes: list[str] = []
    shares: list[float] = []
    read = [utterance for utterance, _ in read_utterances(corpus.utterances, notes, shares.append)]
    assert len(read) == 5 and corpus.utterances[2] not in read
    assert len(notes) == 1 and notes[0].startswith("left out: ") and corpus.utterances[2].path.name in notes[0]
    assert shares[-1] == 1.0 and len(shares) == 6


def test_where_nothing_can_be_read_it_is_refused(tmp_path: Path) -> None:
    corpus = load(ravdess(tmp_path, [1]))
    for utterance in corpus.utterances:
        put(utterance.path, "this is no audio")
    with pytest.raises(InputError, match="none of the 3 files can be read; the first: "):
        list(read_utterances(corpus.utterances, []))


def test_an_item_keeps_what_a_split_needs_and_goes_through_json(tmp_path: Path) -> None:
    utterance = one(load(ravdess(tmp_path, [5])), "03-01-05-02-01-01-05")
    item = Item.of(utterance, read_audio(utterance))
    assert (item.id, item.speaker, item.label, item.duration) == (utterance.id, "ravdess/05", "angry", 0.05)
    assert item.attributes["intensity"] == "strong" and item.attributes["gender"] == "male"
    assert len(item.sha256) == 64
    assert Item.from_record(item.record()) == item
    with pytest.raises(InputError, match="sha256"):
        Item.from_record({**item.record(), "sha256": None})


# ---- several corpora ------------------------------------------------------------------------
def test_corpora_merge_on_all_or_on_shared_classes(tmp_path: Path) -> None:
    roots = [ravdess(tmp_path / "r", [1, 2]), tess(tmp_path / "t")]
    every = load_all(roots)
    assert (every.name, len(every), every.root) == ("ravdess+tess", 22, tmp_path)
    assert all(note.startswith(("ravdess: ", "tess: ")) for note in every.notes)
    shared = load_all(roots, ["ravdess", ""], classes="shared")
    assert shared.classes == ("neutral", "angry") and len(shared) == 12
    assert "ravdess: 2 utterances left out, not shared: happy" in shared.notes
    assert "tess: 8 utterances left out, not shared: fearful, surprised" in shared.notes


def test_corpora_that_do_not_merge_say_why(tmp_path: Path) -> None:
    corpus = load(ravdess(tmp_path / "r", [1, 2]))
    with pytest.raises(UsageError, match="6 utterances in two of the corpora"):
        merge([corpus, corpus])
    with pytest.raises(UsageError, match="2 corpus names for 1 folder"):
        load_all([corpus.root], ["ravdess", "tess"])
    with pytest.raises(UsageError, match="it takes all, shared"):
        merge([corpus], "common")
    with pytest.raises(UsageError, match="no corpus given"):
        load_all([])
    sound(tmp_path / "c/1001_DFA_SAD_XX.wav")
    with pytest.raises(UsageError, match="fewer than two classes"):
        load_all([corpus.root, tmp_path / "c"], classes="shared")
    with pytest.raises(InputError, match="no utterance of ravdess has style scripted"):
        corpus.where(style="scripted")


# ---- the real ones --------------------------------------------------------------------------
def test_the_real_ravdess_is_complete(shared: Path) -> None:
    corpus = load(shared / "data" / "ravdess")
    assert (corpus.name, len(corpus), corpus.classes, corpus.notes) == ("ravdess", 1440, EMOTIONS, ())
    assert all(sum(counts.values()) == 60 for counts in corpus.counts().values())


@pytest.mark.parametrize("name", ["ravdess", "tess"])
def test_real_labels_and_speakers_are_those_of_the_manifest(name: str, shared: Path) -> None:
    by_name = load(shared / "data" / name)
    by_manifest = load(shared / "data" / name, "manifest")
    assert [u.id for u in by_name.utterances] == [u.id for u in by_manifest.utterances]
    assert [(u.label, u.speaker) for u in by_name.utterances] == [(u.label, u.speaker) for u in by_manifest.utterances]


def test_a_folder_of_other_speech_is_read_by_its_manifest(shared: Path) -> None:
    corpus = load(shared / "data" / "librispeech")
    assert (corpus.name, len(corpus), corpus.classes) == ("librispeech", 140, ("read",))
    assert files.info(corpus.utterances[0].path).duration > 0


def test_loading_a_corpus_imports_neither_torch_nor_soundfile(tmp_path: Path) -> None:
    root = ravdess(tmp_path, [1, 2])
    code = (
        "import sys; from voxrack.datasets import load, splits; "
        f"corpus = load({str(root)!r}); splits(corpus.utterances, 'loso'); print(len(corpus), *sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    loaded = {name.partition(".")[0] for name in out[1:]}
    assert out[0] == "6" and "voxrack" in loaded
    assert not loaded & {"torch", "soundfile", "librosa", "scipy", "sklearn", "pandas", "numba"}
