"""The order that the paper reports, tested on the conversions that both systems made."""

from __future__ import annotations

import pytest

from voxrack_evc.evaluation_order import order, verdict

RECIPE = "evc.diffevc"


def row(system, item, heard, **more):
    made = {
        "system": f"{RECIPE} {system}", "item": f"{item}", "speaker": f"s{item % 8}", "acted": True,
        "target": "angry", "heard": heard, "secs": 0.8, "secs_own": None, "ovrl": 3.0, "failed": "",
    }  # fmt: skip
    return made | more


def told(rows):
    return {one["claim"]: one for one in order(rows, RECIPE)}


def test_what_is_higher_on_the_same_conversions_is_as_reported():
    rows = [row("base", item, "angry" if item < 4 else "neutral") for item in range(16)]
    rows += [row("negative=none", item, "angry" if item < 12 else "neutral") for item in range(16)]
    found = told(rows)
    assert set(found) == {"disentanglement raises ECA"}
    (claim,) = found.values()
    assert claim["mean"] == pytest.approx(0.5) and (claim["n"], claim["found"]) == (16, "as reported")
    other = {f"{RECIPE} base": f"{RECIPE} negative=none", f"{RECIPE} negative=none": f"{RECIPE} base"}
    swapped = [one | {"system": other[one["system"]]} for one in rows]
    assert told(swapped)["disentanglement raises ECA"]["found"] == "the other way"


def test_emotion_costs_the_speaker_and_equal_systems_are_not_told_apart():
    none = [row("negative=none", item, "angry", secs=0.8 + 0.01 * item) for item in range(16)]
    emotion = [row("negative=emotion", item, "angry", secs=0.7 + 0.01 * item) for item in range(16)]
    found = told(none + emotion)
    assert found["away from the emotion costs SECS"]["mean"] == pytest.approx(0.1)  # of pairs: no spread at all
    assert found["away from the emotion costs SECS"]["found"] == "as reported"
    assert found["away from the emotion raises ECA"]["found"] == "not told apart"
    assert "away from the emotion costs SECS, own encoder" not in found  # was not measured


def test_only_what_both_made_of_acted_recordings_counts():
    rows = [row("base", item, "angry") for item in range(8)]
    rows += [row("negative=none", 0, "neutral"), row("negative=none", 1, "neutral", failed="lost")]
    rows += [row("negative=none", 2, "neutral", acted=False), row("negative=none", 90, "neutral")]
    assert told(rows)["disentanglement raises ECA"]["n"] == 1
    assert told(rows)["disentanglement raises ECA"]["found"] == "not told apart"  # of one there is no interval
    assert order([], RECIPE) == []


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.1, 0.2, "as reported"), (-0.2, -0.1, "the other way"), (-0.1, 0.1, "not told apart"),
     (0.0, 0.2, "not told apart"), (float("nan"), float("nan"), "not told apart")],
)  # fmt: skip
def test_a_verdict_is_where_the_interval_lies(low, high, said):
    assert verdict({"low": low, "high": high}) == said
