"""Splits by speaker: the protocols, and the proof that no speaker and no equal recording crosses."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mini_corpora import iemocap, ravdess, sound, tess

from voxrack.datasets import (
    PROTOCOLS,
    Item,
    Split,
    audio_sha256,
    check_split,
    duplicates,
    load,
    load_all,
    read_utterances,
    splits,
    without_duplicates,
)
from voxrack.errors import InputError, UsageError


def item(speaker: str, label: str = "happy", sha256: str = "", take: int = 0, **attributes: str) -> Item:
    corpus = speaker.partition("/")[0]
    return Item(f"{speaker}/{label}/{take}", corpus, speaker, label, 1.0, sha256, attributes)


def actors(*numbers: int, labels: tuple[str, ...] = ("neutral", "angry")) -> list[Item]:
    """An item of each label of RAVDESS's actors; an odd one is a man."""
    return [
        item(f"ravdess/{number:02d}", label, f"{number}{label}", gender="male" if number % 2 else "female")
        for number in numbers
        for label in labels
    ]


def speakers(items: list[Item], indices: tuple[int, ...]) -> set[str]:
    return {items[index].speaker for index in indices}


# ---- the protocols --------------------------------------------------------------------------
def test_the_paper_s_split_tests_actors_1_and_2() -> None:
    items = actors(*range(1, 25))
    (split,) = splits(items, "paper")
    assert speakers(items, split.test) == {"ravdess/01", "ravdess/02"}
    assert (len(split.train), len(split.test), split.validation, split.left_out) == (44, 4, (), ())


def test_the_five_folds_are_those_of_the_specification() -> None:
    items = actors(*range(1, 25))
    tested = [sorted(int(name[-2:]) for name in speakers(items, split.test)) for split in splits(items, "folds")]
    assert tested == [[2, 5, 14, 15, 16], [3, 6, 7, 13, 18], [10, 11, 12, 19, 20], [8, 17, 21, 23, 24], [1, 4, 9, 22]]


def test_the_twelve_pairs_are_adjacent_actors() -> None:
    items = actors(*range(1, 25))
    made = splits(items, "pairs")
    assert len(made) == 12
    assert speakers(items, made[11].test) == {"ravdess/23", "ravdess/24"}


@pytest.mark.parametrize("protocol", ["folds", "pairs", "loso", "kfold:5", "kfold:24", "kfold:2"])
def test_every_item_is_tested_once(protocol: str) -> None:
    items = actors(*range(1, 25))
    tested = Counter(index for split in splits(items, protocol) for index in split.test)
    assert set(tested) == set(range(len(items))) and set(tested.values()) == {1}


def test_leave_one_speaker_out_has_a_fold_for_each_in_natural_order() -> None:
    items = [item(f"x/{speaker}", label) for speaker in ("10", "9", "2") for label in ("sad", "happy")]
    assert [split.name for split in splits(items, "loso")] == ["x/2", "x/9", "x/10"]


def test_folds_of_speakers_are_balanced_for_gender_and_corpus() -> None:
    items = actors(*range(1, 21))
    items += [item(f"savee/{name}", label, gender="male") for name in "ABCDE" for label in ("sad", "angry")]
    for split in splits(items, "kfold:5"):
        tested = speakers(items, split.test)
        assert sum(name.startswith("savee") for name in tested) == 1
        assert Counter(int(name[-2:]) % 2 for name in tested if name.startswith("ravdess")) == {0: 2, 1: 2}


def test_across_corpora_only_shared_classes_take_part(tmp_path: Path) -> None:
    corpus = load_all([ravdess(tmp_path / "r", [1, 2]), tess(tmp_path / "t")])
    (split,) = splits(corpus.utterances, "cross:TESS")
    tested = [corpus.utterances[index] for index in split.test]
    trained = [corpus.utterances[index] for index in split.train]
    assert {u.corpus for u in tested} == {"tess"} and {u.corpus for u in trained} == {"ravdess"}
    assert {u.label for u in tested} == {u.label for u in trained} == {"neutral", "angry"}
    assert (len(tested), len(trained), len(split.left_out)) == (8, 4, 10)
    assert split.name == "ravdess to tess"
    assert any("classes that both sides have: neutral, angry" in note for note in split.notes)
    assert any("10 items that the protocol does not use" in note for note in split.notes)


@pytest.mark.parametrize("argument", ["crema-d", "CREMA-D", "crema_d", "cremad"])
def test_a_corpus_is_named_in_any_spelling(argument: str) -> None:
    items = [*actors(1, 2), *(item("crema-d/1001", label) for label in ("neutral", "angry"))]
    assert splits(items, f"cross:{argument}")[0].test == (4, 5)
    written = [*actors(1, 2), *(item("CREMA-D/1001", label) for label in ("neutral", "angry"))]
    assert splits(written, "cross:crema-d")[0].name == "ravdess to CREMA-D"


def test_iemocap_ten_folds_take_improvised_turns_of_four_classes(tmp_path: Path) -> None:
    corpus = load(iemocap(tmp_path))
    made = splits(corpus.utterances, "iemocap-10")
    assert len(made) == 10
    for split in made:
        taking_part = [corpus.utterances[index] for index in (*split.train, *split.test)]
        assert len(taking_part) == 20  # neutral, angry, happy and sad of five sessions
        assert {u.label for u in taking_part} == {"neutral", "happy", "sad", "angry"}
        assert {u.attributes["style"] for u in taking_part} == {"improvised"}
        assert len({corpus.utterances[index].speaker for index in split.test}) == 1
        assert any("5 items without a label" in note for note in split.notes)


def test_iemocap_five_folds_hold_out_a_session(tmp_path: Path) -> None:
    corpus = load(iemocap(tmp_path))
    made = splits(corpus.utterances, "iemocap-5")
    assert [split.name for split in made] == [f"session {number}" for number in range(1, 6)]
    for split in made:
        assert len({corpus.utterances[index].speaker for index in split.test}) == 2
        sessions = [{corpus.utterances[i].attributes["session"] for i in side} for side in (split.train, split.test)]
        assert len(sessions[1]) == 1 and not sessions[0] & sessions[1]


# ---- validation speakers --------------------------------------------------------------------
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_validation_speakers_come_from_the_training_side_balanced_for_gender(count: int) -> None:
    items = actors(*range(1, 25))
    for plain, split in zip(splits(items, "folds"), splits(items, "folds", validation_speakers=count), strict=True):
        validating = speakers(items, split.validation)
        assert len(validating) == count and split.test == plain.test
        assert sorted((*split.train, *split.validation)) == list(plain.train)
        men = sum(int(name[-2:]) % 2 for name in validating)
        assert abs(men - (count - men)) <= 1


def test_the_seed_draws_other_validation_speakers_and_leaves_the_folds_alone() -> None:
    items = actors(*range(1, 25))
    drawn = set()
    for seed in range(5):
        made = splits(items, "kfold:5", validation_speakers=2, seed=seed)
        assert made == splits(items, "kfold:5", validation_speakers=2, seed=seed)
        assert [split.test for split in made] == [split.test for split in splits(items, "kfold:5")]
        drawn.add(tuple(split.validation for split in made))
    assert len(drawn) == 5


def test_the_draw_is_fixed_for_ever() -> None:
    """Published figures name a seed: another order of speakers would be another experiment."""
    items = actors(*range(1, 25))
    (split,) = splits(items, "paper", validation_speakers=2, seed=0)
    assert sorted(speakers(items, split.validation)) == ["ravdess/22", "ravdess/23"]


def test_too_many_validation_speakers_are_refused() -> None:
    items = actors(1, 2, 3, 4)
    with pytest.raises(UsageError, match="2 validation speakers wanted of 2 training speakers; it takes 0 to 1"):
        splits(items, "paper", validation_speakers=2)
    with pytest.raises(UsageError, match="0 or more"):
        splits(items, "paper", validation_speakers=-1)


# ---- refusals -------------------------------------------------------------------------------
@pytest.mark.parametrize("protocol", ["random", "kfold", "cross", "folds:3", "", "kfold:x"])
def test_an_unknown_protocol_is_refused(protocol: str) -> None:
    with pytest.raises(UsageError, match=r"there is no protocol|N is 2 to that many"):
        splits(actors(*range(1, 25)), protocol)


def test_more_folds_than_speakers_are_refused() -> None:
    with pytest.raises(UsageError, match="there are 4 speakers"):
        splits(actors(1, 2, 3, 4), "kfold:5")


def test_a_protocol_of_one_corpus_refuses_another() -> None:
    items = [*actors(*range(1, 25)), item("tess/OAF", "angry")]
    with pytest.raises(UsageError, match="'folds' is defined on ravdess, and there are items of tess"):
        splits(items, "folds")
    with pytest.raises(UsageError, match="defined on iemocap"):
        splits(items, "iemocap-10")
    with pytest.raises(UsageError, match="needs items of esd and of another corpus"):
        splits(items, "cross:esd")
    with pytest.raises(InputError, match=r"share 1 classes \(angry\)"):
        splits(items, "cross:tess")


def test_missing_actors_are_noted_and_a_fold_without_any_is_refused() -> None:
    with pytest.raises(InputError, match="'fold 2' has nothing to test: its test speakers are ravdess/03"):
        splits(actors(1, 2, 4, 5, 8, 10), "folds")
    made = splits(actors(2, 3, 10, 8, 1), "folds")
    assert "test speakers not in the data: ravdess/05, ravdess/14, ravdess/15, ravdess/16" in made[0].notes
    with pytest.raises(InputError, match="'actors 1 and 2' has nothing to train on"):
        splits(actors(1, 2), "paper")


def test_one_class_only_is_refused_and_a_class_nobody_trains_is_noted() -> None:
    with pytest.raises(InputError, match="all 24 labelled items are 'angry'"):
        splits(actors(*range(1, 25), labels=("angry",)), "loso")
    with pytest.raises(InputError, match="has only 'angry' to train on"):
        splits([*actors(1), *actors(2, labels=("angry",))], "loso")
    items = [*actors(1, labels=("calm",)), *actors(2, 3)]
    assert "tested or validated but not trained on: calm" in splits(items, "loso")[0].notes


def test_items_without_a_label_or_a_speaker_are_left_out_and_counted() -> None:
    items = [*actors(1, 2, 3), item("ravdess/03", ""), replace(actors(4)[0], speaker="")]
    for split in splits(items, "loso"):
        assert split.left_out == (6, 7)
        assert "2 items without a label or a speaker left out" in split.notes
    with pytest.raises(InputError, match="none of the 1 items has a label and a speaker"):
        splits([item("ravdess/03", "")], "loso")


# ---- nothing crosses ------------------------------------------------------------------------
def test_a_speaker_on_two_sides_is_refused_by_name() -> None:
    items = actors(1, 2, 3)
    with pytest.raises(InputError, match=r"speakers on two sides: ravdess/02 \(training and test\)"):
        check_split(Split("mine", (0, 1, 2), (3, 4)), items)
    with pytest.raises(InputError, match=r"ravdess/03 \(validation and test\)"):
        check_split(Split("mine", (0, 1), (4,), (5,)), items)


def test_an_item_on_two_sides_and_an_index_beyond_the_items_are_refused() -> None:
    items = actors(1, 2)
    with pytest.raises(InputError, match="ravdess/01/angry/0 more than once"):
        check_split(Split("mine", (0, 1), (1, 2)), items)
    with pytest.raises(InputError, match="indices up to 4, and there are 4 items"):
        check_split(Split("mine", (0,), (4,)), items)


def test_equal_audio_of_two_speakers_is_refused_or_its_training_copy_removed() -> None:
    items = actors(1, 2, 3, 4)
    items[7] = replace(items[7], sha256=items[0].sha256)  # actor 4's last is actor 1's first
    with pytest.raises(InputError, match=r"1 pair of equal recordings.*ravdess/04/angry/0 \(training\) and"):
        splits(items, "paper")
    (split,) = splits(items, "paper", duplicates="remove")
    assert split.train == (4, 5, 6) and split.test == (0, 1, 2, 3) and split.left_out == (7,)
    assert split.notes == ("ravdess/04/angry/0 removed from training: the same audio as ravdess/01/neutral/0 (test)",)
    assert duplicates(items) == ((0, 7),)


def test_a_copy_between_validation_and_test_leaves_validation() -> None:
    items = actors(1, 2, 3, 4)
    items[4] = replace(items[4], sha256=items[0].sha256)
    split = Split("mine", (6, 7), (0, 1), (4, 5))
    with pytest.raises(InputError, match="equal recordings"):
        check_split(split, items)
    mended = without_duplicates(split, items)
    assert (mended.validation, mended.test, mended.left_out) == ((5,), (0, 1), (4,))
    check_split(mended, items)


def test_copies_within_one_side_are_no_leak() -> None:
    items = actors(1, 2, 3)
    items[3] = replace(items[3], sha256=items[2].sha256)
    assert len(splits(items, "loso")) == 3


def test_a_copied_file_is_found_by_its_decoded_audio(tmp_path: Path) -> None:
    """WAV and FLAC of one recording under two actors' names."""
    root = ravdess(tmp_path, [1, 2, 3])
    taken, copy = root / "Actor_01/03-01-05-02-01-01-01.flac", root / "Actor_03/03-01-04-02-01-01-03.wav"
    import soundfile

    soundfile.write(copy, *soundfile.read(taken, dtype="int16"))
    items = [Item.of(*pair) for pair in read_utterances(load(root).utterances, [])]
    assert [[items[index].speaker for index in group] for group in duplicates(items)] == [["ravdess/01", "ravdess/03"]]
    with pytest.raises(InputError, match=r"equal recordings.*Actor_03/03-01-04-02-01-01-03\.wav"):
        splits(items, "paper")
    (split,) = splits(items, "paper", duplicates="remove")
    assert len(split.left_out) == 1 and items[split.left_out[0]].speaker == "ravdess/03"


def test_the_hash_sees_samples_and_channels_and_nothing_else(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).standard_normal(64).astype(np.float32)
    samples[3] = 0.0
    negative = samples.copy()
    negative[3] = -0.0
    same = {audio_sha256(x) for x in (samples, samples[None], samples.astype(np.float64), negative, samples.tolist())}
    assert len(same) == 1
    others = (samples[:-1], samples * 0.5, samples.reshape(2, 32), np.roll(samples, 1))
    assert len({audio_sha256(x) for x in others} | same) == 5


TABLES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]), st.sampled_from([*"123456", "7", "8", ""]),
        st.sampled_from(["neutral", "angry", "neutral", "angry", "calm", "bored", ""]),
        st.sampled_from(["", "", *"uvwxyz"]), st.sampled_from(["", "female", "male"]),
    ),
    min_size=10, max_size=50,
)  # fmt: skip


@settings(max_examples=60)
@given(
    table=TABLES,
    protocol=st.sampled_from(["loso", "kfold:2", "kfold:3", "cross:a", "cross:b"]),
    validation=st.integers(0, 2),
    seed=st.integers(0, 3),
    order=st.randoms(use_true_random=False),
)
def test_nothing_crosses_in_any_table(table, protocol, validation, seed, order) -> None:
    """Every split that is made is clean and complete, and does not depend on the order of the items."""
    genders = {(corpus, name): gender for corpus, name, _, _, gender in table}
    items = [
        item(f"{corpus}/{name}" if name else "", label, sha256, take, gender=genders[corpus, name])
        for take, (corpus, name, label, sha256, _) in enumerate(table)
    ]
    items = [replace(one, corpus=row[0]) for one, row in zip(items, table, strict=True)]
    try:
        made = splits(items, protocol, validation_speakers=validation, seed=seed, duplicates="remove")
    except (UsageError, InputError) as error:
        assert "on two sides" not in str(error)  # what it makes itself never crosses
        return
    for split in made:
        sides = [split.train, split.validation, split.test]
        every = [index for side in (*sides, split.left_out) for index in side]
        assert sorted(every) == list(range(len(items)))
        for one in range(3):
            for other in range(one):
                assert not speakers(items, sides[one]) & speakers(items, sides[other])
                audio = [{items[index].sha256 for index in sides[side]} - {""} for side in (one, other)]
                assert not audio[0] & audio[1]
        assert len({items[index].label for index in split.train}) >= 2
        assert all(items[index].label and items[index].speaker for side in sides for index in side)
        assert split.test
    shuffled = list(items)
    order.shuffle(shuffled)
    again = splits(shuffled, protocol, validation_speakers=validation, seed=seed, duplicates="remove")
    for split, other in zip(made, again, strict=True):
        assert {items[index].id for index in split.test} == {shuffled[index].id for index in other.test}
        assert {items[index].id for index in split.train} == {shuffled[index].id for index in other.train}
        assert {items[index].id for index in split.validation} == {shuffled[index].id for index in other.validation}


def test_every_protocol_of_the_list_can_be_asked_for() -> None:
    assert set(PROTOCOLS) == {"paper", "folds", "pairs", "loso", "kfold:N", "iemocap-10", "iemocap-5", "cross:CORPUS"}


# ---- the real one ---------------------------------------------------------------------------
def test_nothing_crosses_in_the_real_ravdess(shared: Path) -> None:
    """All 1440 recordings decoded: one equal pair, of actor 7 alone."""
    corpus = load(shared / "data" / "ravdess")
    notes: list[str] = []
    items = [Item.of(*pair) for pair in read_utterances(corpus.utterances, notes)]
    assert (len(items), notes) == (1440, [])
    (pair,) = duplicates(items)
    assert [items[index].id for index in pair] == [
        "ravdess/Actor_07/03-01-03-01-02-01-07.flac", "ravdess/Actor_07/03-01-03-01-02-02-07.flac",
    ]  # fmt: skip
    for protocol, count in {"paper": 1, "folds": 5, "pairs": 12, "loso": 24, "kfold:5": 5}.items():
        made = splits(items, protocol, validation_speakers=2)
        assert len(made) == count
        assert all(len(split.train) + len(split.validation) + len(split.test) == 1440 for split in made)
    (paper,) = splits(items, "paper")
    assert (len(paper.train), len(paper.test)) == (1320, 120)


def test_a_mini_tree_of_every_actor_splits_like_the_real_one(tmp_path: Path) -> None:
    corpus = load(ravdess(tmp_path))
    for split in splits(corpus.utterances, "folds", validation_speakers=2):
        assert len(split.train) + len(split.validation) + len(split.test) == 72
    sound(tmp_path / "Actor_01/03-01-04-02-01-01-01.flac")
    assert sum(len(split.test) for split in splits(load(tmp_path).utterances, "folds")) == 73
