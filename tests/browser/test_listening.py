"""A listener goes through the page of ``voxrack listening-test`` in Chromium, and saves the answers."""

from __future__ import annotations

import csv
import io

import pytest

from voxrack import write
from voxrack.testing import voice
from voxrack_evc import listening

pytestmark = pytest.mark.browser


@pytest.fixture
def folder(tmp_path):
    for seed, system in enumerate(("source", "mine")):
        (tmp_path / "clips" / system).mkdir(parents=True)
        for name in ("a", "b"):
            write(tmp_path / "clips" / system / f"{name}.wav", voice(0.3, 16_000, seed))
    return tmp_path / "clips"


def test_a_listener_answers_every_question_and_saves(folder, page, tmp_path, screenshots):
    target = tmp_path / "test.html"
    target.write_text(listening.page(folder, emotions=("happy", "sad")), encoding="utf-8")
    page.goto(target.as_uri())
    page.fill("#listener", 'Ann, "the first"')
    page.click("#begin")
    for position in range(1, 5):
        assert page.inner_text("#place") == f"{position} of 4"
        assert page.is_visible("#reference-box")
        for question in ("quality", "naturalness", "similarity"):
            page.check(f'input[name="{question}"][value="{position}"]')
        page.check('input[name="emotion"][value="sad"]')
        assert page.is_disabled("#next")  # not heard yet
        assert "Play the recording" in page.inner_text("#wanting")
        page.evaluate("document.getElementById('recording').play()")
        page.wait_for_function("document.getElementById('recording').dataset.heard === 'yes'")
        if position == 1:
            page.screenshot(path=screenshots / "trial.png")
        page.click("#next")
    assert page.is_visible("#end")
    with page.expect_download() as saving:
        page.click("#save")
    text = saving.value.path().read_bytes().decode()
    assert text == page.input_value("#answers").replace("\n", "\r\n")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["position"] for row in rows] == ["1", "2", "3", "4"]
    assert {row["listener"] for row in rows} == {'Ann, "the first"'}
    assert {row["clip"] for row in rows} == {clip.id for clip in listening.clips(folder, 0)}
    assert [row["quality"] for row in rows] == ["1", "2", "3", "4"]
    saved = tmp_path / "answers.csv"
    saved.write_text(text, newline="", encoding="utf-8")
    found = {one["system"]: one for one in listening.results(folder, [saved], 0)}
    assert set(found) == {"source", "mine"} and found["mine"]["emotions"] == {"sad": 2}


def test_orders_differ_between_listeners_and_not_for_one(folder, page, tmp_path):
    target = tmp_path / "test.html"
    target.write_text(listening.page(folder), encoding="utf-8")
    page.goto(target.as_uri())
    names = ["ann", "ann", "bo", "cy", "di", "ed"]
    orders = page.evaluate("(names) => names.map((name) => shuffled(test.clips, name).map((c) => c.id).join())", names)
    assert orders[0] == orders[1]
    assert len(set(orders)) > 2
