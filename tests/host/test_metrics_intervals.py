"""Intervals hold what they promise on simulated speakers; paired tests find what is there and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from voxrack import metrics
from voxrack.errors import InputError, UsageError
from voxrack.metrics_intervals import MEASURES, evaluate, expanded_percentiles
from voxrack.metrics_predictions import Predictions
from voxrack.metrics_weighted import area_under_roc

CLASSES = ("angry", "calm", "happy", "sad")


def simulated(seed: int, speakers: int = 20, each: int = 24, mean: float = 0.0, spread: float = 0.8) -> Predictions:
    """Each speaker is right with a chance of their own (logistic-normal), so clips of a speaker are alike."""
    generator = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(-(mean + spread * generator.normal(size=speakers))))
    truth = np.tile(np.arange(each) % len(CLASSES), speakers)
    owner = np.repeat(np.arange(speakers), each)
    right = generator.random(len(truth)) < chance[owner]
    wrong = (truth + generator.integers(1, len(CLASSES), len(truth))) % len(CLASSES)
    scores = 0.1 * generator.random((len(truth), len(CLASSES))) + np.eye(len(CLASSES))[np.where(right, truth, wrong)]
    return Predictions(
        tuple(map(str, range(len(truth)))), tuple(f"s{one}" for one in owner),
        tuple(CLASSES[one] for one in truth), scores / scores.sum(1, keepdims=True), CLASSES,
    )  # fmt: skip


def noisier(run: Predictions, share: float, seed: int) -> Predictions:
    """The same items; a share of the answers replaced by guesses."""
    generator = np.random.default_rng(seed)
    scores = run.probabilities.copy()
    rows = generator.random(len(run)) < share
    scores[rows] = generator.dirichlet(np.ones(len(CLASSES)), int(rows.sum()))
    return Predictions(run.ids, run.speakers, run.labels, scores, run.classes)


def test_weights_are_multiplicities():
    run = simulated(0, speakers=6, each=8)
    counts = np.random.default_rng(0).integers(0, 4, (5, len(run)))
    for name in MEASURES:
        fast = evaluate(name, run, counts.astype(float))
        slow = evaluate(lambda p, name=name: float(evaluate(name, p, np.ones((1, len(p))))[0]), run, counts)
        np.testing.assert_allclose(fast, slow, atol=1e-12, err_msg=name)
    weights = counts[0] + 0.5
    area = roc_auc_score(run.truth == 1, run.probabilities[:, 1], sample_weight=weights)
    found = area_under_roc(run.truth == 1, run.probabilities[:, 1], weights[None])
    assert found[0] == pytest.approx(area)


def test_the_interval_covers_the_truth_for_new_speakers():
    """Of 200 simulated studies of 12 speakers, about 95 % of the intervals hold the expected accuracy."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    truth = float((weights / (1 + np.exp(-(0.5 + 0.8 * nodes)))).sum() / weights.sum())
    hits = by_clip = 0
    for study in range(200):
        run = simulated(1000 + study, speakers=12, mean=0.5)
        one = metrics.bootstrap("accuracy", run, n=400, seed=study)
        hits += one.low <= truth <= one.high
        other = metrics.bootstrap("accuracy", run, n=400, seed=study, by="clip")
        by_clip += other.low <= truth <= other.high
    assert stats.binomtest(hits, 200, 0.95).pvalue > 0.005, hits
    assert hits - by_clip >= 20, (hits, by_clip)  # drawing clips is overconfident about other speakers


def test_an_interval_says_what_it_rests_on():
    run = simulated(3, speakers=10)
    one = metrics.bootstrap("uar", run, n=300)
    assert (one.n, one.speakers, one.by, one.level) == (240, 10, "speaker", 0.95)
    assert one.low < one.value < one.high
    assert str(one) == f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"
    assert metrics.bootstrap("uar", run, n=300) == one
    assert metrics.bootstrap("uar", run, n=300, seed=1) != one
    narrow = metrics.bootstrap("uar", run, n=300, level=0.5)
    assert one.low < narrow.low < narrow.high < one.high


def test_two_speakers_are_resampled_by_clip_and_it_says_so():
    one = metrics.bootstrap("accuracy", simulated(4, speakers=2, each=60), n=2000)
    assert one.by == "clip" and one.speakers == 2
    half = 1.96 * math.sqrt(one.value * (1 - one.value) / 120)
    assert one.high - one.low == pytest.approx(2 * half, rel=0.15)  # binomial


def test_seeds_are_averaged_and_share_their_draws():
    runs = [noisier(simulated(5), 0.2, seed) for seed in range(3)]
    together = metrics.bootstrap("uar", runs, n=300)
    alone = [metrics.bootstrap("uar", run, n=300) for run in runs]
    assert together.value == pytest.approx(np.mean([one.value for one in alone]))
    mean, deviation = metrics.over_seeds("uar", runs)
    assert mean == pytest.approx(together.value)
    assert deviation == pytest.approx(np.std([one.value for one in alone], ddof=1))
    assert math.isnan(metrics.over_seeds("uar", runs[:1])[1])


def test_a_measure_of_ones_own():
    run = simulated(6, speakers=8, each=8)
    own = metrics.bootstrap(lambda p: metrics.uar(p.labels, p.predicted), run, n=50)
    assert own == metrics.bootstrap("uar", run, n=50)
    with pytest.raises(UsageError, match=r"'f1' is no measure.*uar"):
        metrics.bootstrap("f1", run)
    with pytest.raises(UsageError, match="'word'"):
        metrics.bootstrap("uar", run, by="word")


def test_expanded_percentiles_are_those_of_a_t_interval():
    draws = np.random.default_rng(7).normal(size=200_000)
    low, high = expanded_percentiles(draws, 0.95, 8)
    # a bootstrap of 8 units has variance (7/8) s²/8 in place of s²/8, and t has 7 degrees of freedom
    assert high == pytest.approx(stats.t.ppf(0.975, 7) * math.sqrt(8 / 7), rel=0.03)
    assert low == pytest.approx(-high, rel=0.03)


# ---- paired tests ---------------------------------------------------------------------------
def test_equal_models_are_rarely_told_apart():
    found = []
    for study in range(100):
        run = simulated(2000 + study, speakers=12)
        one, other = noisier(run, 0.3, 2 * study), noisier(run, 0.3, 2 * study + 1)
        found.append(metrics.paired_test(one, other, n=500, seed=study).p)
    assert stats.binomtest(int((np.array(found) <= 0.05).sum()), 100, 0.05, alternative="greater").pvalue > 0.005


def test_a_better_model_is_found():
    run = simulated(8, mean=2.0)
    worse = noisier(run, 0.4, 1)
    result = metrics.paired_test(run, worse, n=2000)
    assert result.p < 0.01 and result.low > 0 and result.by == "speaker"
    assert result.difference == pytest.approx(
        metrics.uar(run.labels, run.predicted) - metrics.uar(run.labels, worse.predicted)
    )
    back = metrics.paired_test(worse, run, n=2000)
    assert back.difference == pytest.approx(-result.difference) and back.p == pytest.approx(result.p, abs=0.01)


def test_few_speakers_have_all_their_exchanges_tried():
    run = simulated(9, speakers=6, mean=2.0)
    worse = noisier(run, 0.6, 2)
    result = metrics.paired_test(run, worse, "accuracy")
    assert result.exact
    own = np.array(run.speakers)
    right = [(np.array(one.predicted) == np.array(one.labels)).astype(float) for one in (run, worse)]
    gaps = np.array([(right[0] - right[1])[own == name].mean() for name in sorted(set(own))])
    signs = 1 - 2 * ((np.arange(64)[:, None] >> np.arange(6)) & 1)
    expected = (np.abs((signs * gaps).mean(1)) >= abs(gaps.mean()) - 1e-12).mean()
    assert result.p == pytest.approx(expected)


def test_order_of_items_and_of_classes_does_not_matter():
    run, other = simulated(10), noisier(simulated(10), 0.3, 3)
    turned = np.random.default_rng(0).permutation(len(other))
    columns = [2, 0, 3, 1]
    moved = Predictions(
        tuple(other.ids[i] for i in turned), tuple(other.speakers[i] for i in turned),
        tuple(other.labels[i] for i in turned), other.probabilities[turned][:, columns],
        tuple(CLASSES[i] for i in columns),
    )  # fmt: skip
    assert metrics.paired_test(run, moved, n=200).p == metrics.paired_test(run, other, n=200).p


def test_a_model_without_seeds_is_held_against_every_seed():
    run = simulated(11)
    runs = [noisier(run, 0.3, seed) for seed in range(3)]
    result = metrics.paired_test(run, runs, n=200)
    assert result.seeds == 3
    values = [metrics.uar(one.labels, one.predicted) for one in runs]
    assert result.difference == pytest.approx(metrics.uar(run.labels, run.predicted) - np.mean(values))
    with pytest.raises(UsageError, match="2 seeds against 3"):
        metrics.paired_test(runs[:2], runs)


def test_other_items_are_refused():
    run = simulated(12)
    with pytest.raises(InputError, match="not asked about the same items"):
        metrics.paired_test(run, run.subset(range(1, len(run))))


def test_corrected_t_worked_by_hand():
    differences = [0.01, 0.03, 0.02, 0.05, 0.00]
    found = metrics.corrected_t_test(differences, 0.25)
    deviation = np.std(differences, ddof=1)
    t = np.mean(differences) / math.sqrt((1 / 5 + 0.25) * deviation**2)
    assert found.t == pytest.approx(t) and found.runs == 5
    assert found.p == pytest.approx(2 * stats.t.sf(t, 4))
    plain = stats.ttest_1samp(differences, 0).pvalue
    assert found.p > plain  # the correction makes it harder
    assert found.low < 0 < found.difference < found.high
    assert metrics.corrected_t_test([0.0, 0.0], 0.25).p == 1.0
    assert math.isnan(metrics.corrected_t_test([0.1], 0.25).p)
    with pytest.raises(UsageError, match="test_share"):
        metrics.corrected_t_test([0.1, 0.2], 0)


def test_holm():
    assert metrics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert metrics.holm([0.6, 0.9]) == pytest.approx([1.0, 1.0])


# ---- predictions ----------------------------------------------------------------------------
def test_predictions_return_from_disk(tmp_path):
    run = simulated(13)
    run.save(tmp_path / "test.npz")
    back = Predictions.load(tmp_path / "test.npz")
    assert (back.ids, back.speakers, back.labels, back.classes) == (run.ids, run.speakers, run.labels, run.classes)
    np.testing.assert_allclose(back.probabilities, run.probabilities, atol=1e-7)


def test_what_is_no_predictions_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Predictions.load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    np.savez(tmp_path / "pickled.npz", version=np.array(1), ids=np.array([{}], dtype=object))
    simulated(1).save(tmp_path / "cut.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:200])
    for name in ("text", "other", "pickled", "cut"):
        with pytest.raises(InputError, match=f"{name}.npz holds no predictions"):
            Predictions.load(tmp_path / f"{name}.npz")
    np.savez(tmp_path / "newer.npz", version=np.array(9))
    with pytest.raises(InputError, match="upgrade"):
        Predictions.load(tmp_path / "newer.npz")


def test_shared_classes_are_renormalised():
    ids, who, labels = ("1", "2", "3"), ("s", "s", "t"), ("happy", "sad", "bored")
    made = Predictions.shared(ids, who, labels, [[0.2, 0.3, 0.5], [0, 0, 1], [1, 0, 0]], ("happy", "sad", "calm"))
    assert made.classes == ("happy", "sad") and made.ids == ("1", "2")  # bored is unknown to the model
    np.testing.assert_allclose(made.probabilities, [[0.4, 0.6], [0.5, 0.5]])
    with pytest.raises(InputError, match="1 shared"):
        Predictions.shared(ids, who, labels, np.ones((3, 2)), ("happy", "calm"))


def test_folds_are_joined():
    run = simulated(14)
    parts = [run.subset(range(100)), run.subset(range(100, len(run)))]
    assert metrics.bootstrap("uar", Predictions.joined(parts), n=50) == metrics.bootstrap("uar", run, n=50)
    narrow = Predictions(("x",), ("s",), ("sad",), np.array([[0.7, 0.3]]), ("happy", "sad"))
    wide = Predictions.joined([run, narrow])
    np.testing.assert_allclose(wide.probabilities[-1], [0, 0, 0.7, 0.3])
    with pytest.raises(InputError, match="is named twice"):
        Predictions(("1",), ("s",), ("a",), np.ones((1, 2)), ("a", "a"))
