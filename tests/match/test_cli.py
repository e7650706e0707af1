"""``voxrack fit`` and ``voxrack match-ablate`` on the command line."""

from __future__ import annotations

import json

import pytest
from command_line import run
from match.pairs import bright, dry, equaliser

from voxrack import Preset, write


@pytest.fixture
def files(tmp_path):
    write(tmp_path / "dry.wav", dry(1.0))
    write(tmp_path / "wet.wav", bright(1.0))
    Preset.of(equaliser(), name="eq").save(tmp_path / "eq.json")
    return tmp_path


def _words(files, *more):
    return ["fit", str(files / "dry.wav"), str(files / "wet.wav"), "-o", str(files / "out.json"),
            "--rack", str(files / "eq.json"), "--preset", "neutral", *more]  # fmt: skip


def test_a_fit_writes_a_preset_and_prints_the_losses(files):
    result = run(*_words(files, "--steps", "3"))
    assert result.exit_code == 0, result.output
    assert "weighted total" in result.stdout and "3 steps" in result.stdout
    assert "steps/s" in result.stderr and "total" in result.stderr
    assert Preset.load(files / "out.json").provenance["sources"][0]["name"] == "dry.wav"


def test_json_is_one_object_on_standard_output(files):
    result = run(*_words(files, "--steps", "2", "--json"))
    found = json.loads(result.stdout)
    assert found["steps"] == 2 and set(found["after"]) >= {"mss_lr", "total"}
    assert found["preset"].endswith("out.json")


def test_a_run_is_stopped_and_resumed(files):
    folder = str(files / "run")
    assert run(*_words(files, "--steps", "2", "--run", folder, "--json")).exit_code == 0
    assert run(*_words(files, "--steps", "4", "--run", folder, "--json")).exit_code == 2
    result = run(*_words(files, "--steps", "4", "--run", folder, "--resume", "--json"))
    assert json.loads(result.stdout)["steps"] == 4


def test_a_picture_is_written(files):
    pytest.importorskip("matplotlib", reason="needs the extra notebook")
    assert run(*_words(files, "--steps", "1", "--plot", str(files / "fit.png"))).exit_code == 0
    assert (files / "fit.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (["--ablate", "echo"], "nothing called 'echo'"),
        (["--hold", "peq.gain"], "no address 'peq.gain'"),
        (["--resume"], "--resume needs --run"),
        (["--device", "abacus"], "takes cpu or cuda"),
        (["--plot", "picture.bmp"], "picture.bmp"),
        (["--time-budget", "0"], "time_budget is 0"),
    ],
)
def test_wrong_use_is_refused_with_code_2(files, more, word):
    from voxrack.cli import cli

    result = run(*_words(files, "--steps", "1", *more))
    assert result.exit_code == 2 or cli.run(_words(files, "--steps", "1", *more)) == 2
    assert not (files / "out.json").exists()
    assert word in str(result.exception) + result.output


def test_silence_is_bad_input(files):
    import numpy as np

    from voxrack import Audio
    from voxrack.cli import cli

    write(files / "wet.wav", Audio(np.zeros((2, 22_050)), 22_050))
    assert cli.run(_words(files, "--steps", "1")) == 3


def test_ablations_print_their_table(files, tmp_path):
    (tmp_path / "list.txt").write_text("# one pair\ndry.wav, wet.wav\n")
    kept = str(tmp_path / "kept.jsonl")
    result = run("match-ablate", str(tmp_path / "list.txt"), "--steps", "1", "--keep", kept)
    assert result.exit_code == 0, result.output
    for word in ("unprocessed", "full", "approximated", "without reverb", "without delay", "without both", "MLDR m/s"):
        assert word in result.stdout
    again = run("match-ablate", str(tmp_path / "list.txt"), "--steps", "1", "--keep", kept, "--json")
    assert set(json.loads(again.stdout)["means"]) == {
        "unprocessed", "full", "full, approximated", "without reverb", "without delay", "without both"
    }  # fmt: skip


def test_a_list_without_pairs_is_refused(tmp_path):
    from voxrack.cli import cli

    assert cli.run(["match-ablate", str(tmp_path)]) == 3
