"""The listening test's page and its answers, without a browser (that is tests/browser/test_listening.py)."""

from __future__ import annotations

import json
import re

import pytest
from command_line import done, run

from voxrack import write
from voxrack.testing import voice


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "clips"
    named = {"source": ["a", "b"], "mine": ["a-happy", "b"], "other": ["a-happy", "c"]}
    for seed, (system, names) in enumerate(named.items()):
        (root / system).mkdir(parents=True)
        for name in names:
            write(root / system / f"{name}.wav", voice(0.2, 16_000, seed))
    return root


def page_data(page):
    text = page.read_text(encoding="utf-8")
    return text, json.loads(re.search(r'type="application/json">(.*?)</script>', text, re.DOTALL)[1])


def test_the_page_holds_every_recording_and_names_none(folder, tmp_path):
    made = json.loads(done("listening-test", folder, "-o", tmp_path / "test.html", "--json").stdout)
    assert (made["clips"], made["systems"]) == (6, ["mine", "other", "source"])
    text, test = page_data(tmp_path / "test.html")
    assert len(test["clips"]) == 6 and all(clip["audio"].startswith("data:audio/flac") for clip in test["clips"])
    assert "mine" not in text.replace("determine", "") and "happy.wav" not in text and "http" not in text
    with_voice = [clip for clip in test["clips"] if "reference" in clip]
    assert len(with_voice) == 5  # c has no source
    assert len(test["references"]) == 2


def test_the_same_seed_is_the_same_test(folder, tmp_path):
    def ids(seed):
        made = done("listening-test", folder, "-o", tmp_path / "x.html", "--seed", seed, "--json")
        return json.loads(made.stdout)["test"]

    assert ids(1) == ids(1) != ids(2)


def test_answers_are_read_back_by_system(folder, tmp_path):
    from voxrack_evc import listening

    found = listening.clips(folder, 0)
    head = "test,listener,position,clip,quality,naturalness,similarity,emotion,seconds\r\n"
    score = {"mine": 4, "other": 2, "source": 5}
    like = {clip.id: "" if clip.name == "c" else 4 for clip in found}
    rows = [
        f"{listening.test_id(found)},ann,{k},{clip.id},{score[clip.system]},3,{like[clip.id]},happy,3.0\r\n"
        for k, clip in enumerate(found, 1)
    ]
    answers = tmp_path / "answers.csv"
    answers.write_text(head + "".join(rows))
    read = done("listening-test", folder, "--results", answers, "--json")
    table = {one["system"]: one for one in json.loads(read.stdout)}
    assert {system: one["quality"]["mean"] for system, one in table.items()} == score
    assert table["other"]["emotions"] == {"happy": 2} and table["mine"]["listeners"] == 1
    assert "4.00" in done("listening-test", folder, "--results", answers).stdout
    other = run("listening-test", folder, "--results", answers, "--seed", 9)
    assert other.exit_code == 3 and "another test" in other.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "give -o PAGE"),
        (("-o", "x.txt"), 2, "ends in .html"),
        (("-o", "x.html", "--reference", "nobody"), 2, "there is no system 'nobody'"),
        (("-o", "x.html", "--emotions", "happy"), 2, "two or more"),
    ],
)
def test_wrong_use_is_told(folder, words, code, said):
    result = run("listening-test", folder, *words)
    assert (result.exit_code, said in result.output) == (code, True), result.output


def test_a_folder_without_recordings_is_refused(tmp_path):
    result = run("listening-test", tmp_path, "-o", tmp_path / "x.html")
    assert result.exit_code == 3 and "make one for each system" in result.output
    assert not (tmp_path / "x.html").exists()
