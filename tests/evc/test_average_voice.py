"""Targets of the content encoder: alignment, averages of one sentence, clusters of sounds."""

import numpy as np
from evc.small_evc import sentence, write

from voxrack_evc.alignment import align
from voxrack_evc.average_voice import cepstra, clusters, heard, nearest, speaker_means
from voxrack_evc.average_voice import sentence as averaged
from voxrack_evc.material import divide
from voxrack_evc.stages.content import targets


def test_alignment_finds_the_path_of_a_stretched_recording():
    generator = np.random.default_rng(0)
    template = generator.normal(size=(40, 5)).astype(np.float32)
    pace = generator.integers(1, 4, size=40)
    path = np.repeat(np.arange(40), pace)
    found = align([template[path], template, template[:1]], template)
    np.testing.assert_array_equal(found[0], path)
    np.testing.assert_array_equal(found[1], np.arange(40))
    assert len(found[2]) == 1


def test_alignment_costs_no_more_than_any_path_tried():
    """The sum of distances along it is the least of the dynamic programme written out."""
    generator = np.random.default_rng(1)
    one, other = generator.normal(size=(12, 3)), generator.normal(size=(9, 3))
    apart = np.sqrt(np.square(one[:, None] - other).sum(-1))
    apart /= apart.mean()
    total = np.full((13, 10), np.inf)
    total[0, 0] = 0.0
    for i in range(12):
        for j in range(9):
            total[i + 1, j + 1] = apart[i, j] + min(total[i, j], total[i, j + 1] + 0.4, total[i + 1, j] + 0.4)
    path = align([one.astype(np.float32)], other.astype(np.float32))[0]
    assert (np.diff(path) >= 0).all()
    assert path[-1] == 8
    # what the path passes over sideways costs more than what it tells: it is a lower bound of the whole
    assert apart[np.arange(12), path].sum() <= total[12, 9] + 1e-6


def two_sentences(speakers=8):
    generator = np.random.default_rng(0)
    return [[sentence(who, who % 4, text, generator) for who in range(speakers)] for text in range(2)]


def sounds(text):
    """The sounds that a text is made of, without a voice."""
    return np.random.default_rng(100 + text).normal(size=(8, 80)).cumsum(1) / 4.0 - 5.0


def test_the_average_voice_of_a_sentence_has_its_sounds_and_nobodys_colour():
    for text, mels in enumerate(two_sentences()):
        speakers = [str(who) for who in range(len(mels))]
        ears = heard(mels, speakers)
        one = averaged(mels, ears)
        made = one.targets(ears)
        for mel, target in zip(mels, made, strict=True):
            assert target.shape == mel.shape
            # each recording's target is nearer to every other's than the recordings are to one another
        bounds = [np.flatnonzero(np.abs(np.diff(mel, axis=0)).sum(1) > 8.0) for mel in mels]
        assert all(len(bound) == 7 for bound in bounds)
        middles = [[target[(a + b) // 2] for a, b in zip((0, *bound), (*bound, len(target)))]
                   for target, bound in zip(made, bounds, strict=True)]  # fmt: skip
        colour = np.mean([mel.mean(0) - sounds(text).mean(0) for mel in mels], axis=0)
        wanted = sounds(text) + colour
        assert np.abs(np.array(middles) - wanted).mean() < 0.2
        assert np.abs(np.array(middles).std(axis=0)).mean() < 0.05
        assert np.abs(np.array([m[len(m) // 2] for m in mels]).std(axis=0)).mean() > 0.1


def test_clusters_find_the_sounds_and_replace_frames_by_their_mean():
    mels = two_sentences()[0]
    speakers = [str(who) for who in range(len(mels))]
    ears = heard(mels, speakers)
    found = clusters(mels, ears, 16, seed=0)
    target = found.targets(ears[0])
    assert target.shape == mels[0].shape
    owner = nearest(np.concatenate(ears), found.centres)
    every = np.concatenate(mels)
    for row in np.unique(owner):
        np.testing.assert_allclose(found.mel[row], every[owner == row].mean(0), rtol=1e-4, atol=1e-4)
    untouched = np.mean([np.square(mel - every.mean(0)).mean() for mel in mels])
    assert np.square(target - mels[0]).mean() < 0.4 * untouched


def test_clusters_are_the_same_again_and_no_more_than_there_are_frames():
    mels = two_sentences(2)[0]
    ears = heard(mels, ["", ""])
    first, second = (clusters(mels, ears, 7, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.centres, second.centres)
    assert len(clusters(mels[:1], ears[:1], 4000).centres) == len(mels[0])


def test_a_voices_mean_is_taken_off_and_its_level_ignored():
    mel = two_sentences(1)[0][0]
    means = speaker_means([mel, mel + 3.0], ["a", "b"])
    np.testing.assert_allclose(means["a"], means["b"], atol=1e-4)
    np.testing.assert_allclose(heard([mel], ["a"])[0][:, :20].mean(0), 0.0, atol=1e-4)
    np.testing.assert_allclose(cepstra(mel + 3.0), cepstra(mel), atol=1e-3)


def test_known_sentences_are_averaged_and_free_text_is_clustered(tmp_path):
    """Training actors teach; validation actors get the same averages; nobody who tests is looked at."""
    features = write(tmp_path / "f.safetensors")
    parts = divide(features.items)
    train, held = targets(features, parts.train, parts.validation, clusters=5)
    assert len(train) == len(parts.train)
    assert len(held) == len(parts.validation)
    free = [pair for row, pair in zip(parts.train, train, strict=True) if features.items[row].corpus == "read"]
    known = [pair for row, pair in zip(parts.train, train, strict=True) if features.items[row].corpus == "ravdess"]
    assert all(len(np.unique(target.numpy(), axis=0)) <= 5 for _, target in free)
    assert min(len(np.unique(target.numpy(), axis=0)) for _, target in known) > 5
