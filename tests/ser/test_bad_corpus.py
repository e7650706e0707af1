"""Corpora as they come: silence and snippets are told by name, and nothing is learned from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from command_line import lines, run

from voxrack import Audio, write
from voxrack.testing import voice

RATE = 16_000


def corpus(folder: Path, rows: list[tuple[str, Audio, str]]) -> Path:
    """Recordings of two speakers in turns, with a manifest."""
    text = ["path,speaker,label"]
    for number, (name, audio, label) in enumerate(rows):
        write(folder / name, audio)
        text.append(f"{name},{'ab'[number % 2]},{label}")
    (folder / "calls.csv").write_text("\n".join(text) + "\n")
    return folder / "calls.csv"


def test_silence_and_snippets_are_left_out_by_name(tmp_path):
    rows = [
        ("happy.wav", voice(1.0, RATE, seed=1), "happy"), ("sad.wav", voice(1.0, RATE, seed=2), "sad"),
        ("silence.wav", Audio(np.zeros((2, RATE), np.float32), RATE), "happy"),
        ("click.wav", Audio(np.ones((1, 100), np.float32), RATE), "sad"),
    ]  # fmt: skip
    made = run("prepare", "ser.mfcc_cnn", "--manifest", corpus(tmp_path, rows), "-o", tmp_path / "f.safetensors",
               "--json")  # fmt: skip
    (found,) = lines(made)
    assert made.exit_code == 1 and found["utterances"] == 2
    why = {failure["id"].rpartition("/")[2]: failure["error"] for failure in found["failures"]}
    assert "silent throughout" in why["silence.wav"]
    assert why["click.wav"] == "0.0063 s long: too short for a voice, which takes 0.05 s"


def test_a_corpus_of_nothing_but_silence_leaves_no_file(tmp_path):
    rows = [
        (f"{n}.wav", Audio(np.zeros((1, RATE), np.float32), RATE), label) for n, label in enumerate(("sad", "happy"))
    ]
    made = run("prepare", "ser.best", "--manifest", corpus(tmp_path, rows), "-o", tmp_path / "f.safetensors")
    assert made.exit_code == 3 and "not one usable utterance" in made.stderr and "silent throughout" in made.stderr
    assert not (tmp_path / "f.safetensors").exists()
