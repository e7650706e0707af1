"""Directions: what a component is known to do is found; moved presets stay in range; words, table, picture, verb."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from atlas.small_sets import desks
from conftest import data_root

from voxrack import Preset, read, write
from voxrack.cli import cli
from voxrack.errors import InputError, UsageError
from voxrack.testing import voice
from voxrack_atlas import Collection, directions, pca
from voxrack_atlas.descriptors import DESCRIPTORS
from voxrack_atlas.directions import Directions
from voxrack_atlas.playing import excerpt, vocals

RATE = 44100
SINGERS = {f"singer {seed}": voice(3.5, RATE, seed) for seed in (1, 2, 3)}


def _set() -> Collection:
    """Levels vary most (sd 4 dB), pans a little."""
    rng = np.random.default_rng(5)
    return desks(rng.normal(0, 4, 40), np.clip(rng.normal(0, 10, 40), -100, 100))


@pytest.fixture(scope="module")
def found() -> Directions:
    return directions(_set(), SINGERS, components=2)


def test_a_known_component(found: Directions) -> None:
    """The first component is the level: one standard deviation of it is heard as that many dB, and as nothing else."""
    effects = {e.descriptor.id: e for e in found.effects[0]}
    sd = float(np.sqrt(found.projection.variances[0]))
    assert found.steps == (-2, -1, 0, 1, 2)
    np.testing.assert_allclose(effects["loudness"].changes, sd * np.array(found.steps), atol=0.1)
    assert effects["loudness"].audible.tolist() == [True, True, False, True, True]
    assert effects["loudness"].agree.tolist()[::2] == [3, 3, 3]
    assert not any(e.audible.any() for key, e in effects.items() if key not in ("loudness", "balance"))
    balance = {e.descriptor.id: e for e in found.effects[1]}["balance"]
    assert balance.audible[0] and balance.audible[-1] and balance.changes[0] * balance.changes[-1] < 0


def test_words_table_picture(found: Directions, tmp_path: Path) -> None:
    first = found.words()[0].splitlines()
    assert first[0].startswith("PC 1 (") and first[1].startswith("  +2 sd: louder (") and "3 of 3 vocals" in first[1]
    assert first[2].startswith("  −2 sd: quieter (")
    assert found.changes()[0].splitlines() == first[1:]  # the explorer has headings of its own
    frame = found.frame()
    assert len(frame) == 2 * 4 * len(DESCRIPTORS)
    assert (frame["low"].to_numpy() <= frame["change"].to_numpy() + 1e-12).all()
    found.figure().savefig(tmp_path / "d.png")
    assert (tmp_path / "d.png").stat().st_size > 10_000


def test_moved_presets_stay_in_range() -> None:
    """Levels that lie near the upper end: far steps are held at it, told of, and the presets are valid."""
    top = desks(np.linspace(10, 24, 12))
    moved = directions(top, [SINGERS["singer 1"]], components=1, steps=(-2, 10))
    for preset in moved.presets.presets():
        preset.rack()  # refuses what is out of range
    assert moved.held.sum() >= 1 and moved.held[0, 1] == 0
    effect = moved.effects[0][0]
    assert np.isnan(effect.low).all() and effect.vocals == 1  # one vocal gives no interval


def test_moved_vocal_racks(internal: Collection) -> None:
    """The real set, ten components, four standard deviations: every number inside its range."""
    from voxrack_atlas.spaces import space_of

    projection = pca(internal)
    space = space_of(internal.template)
    scores = np.concatenate([4 * np.eye(10), -4 * np.eye(10)])
    values = space.inverse(projection.points(scores, whiten=True))
    assert (values >= space.low).all() and (values <= space.high).all()
    for row in values:
        internal.layout.unpack(row)


def test_a_real_vocal_and_the_shipped_prior() -> None:
    song = read(data_root() / "data/diffvox_demo/LizNelson_Coldwar/dry.mp3")
    found = directions(None, [song], components=1, seconds=4.0)
    wetness = {e.descriptor.id: e for e in found.effects[0]}["wetness"]
    assert wetness.changes[-1] > 3  # PC 1 upwards is wetter
    assert np.isfinite(found.measured).all()


def test_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _set().save(tmp_path / "set.parquet")
    for name, audio in SINGERS.items():
        (tmp_path / "songs" / name).mkdir(parents=True)
        write(tmp_path / "songs" / name / "dry.wav", audio)
        write(tmp_path / "songs" / name / "wet.wav", audio)
    words = ["atlas", "directions", tmp_path / "set.parquet", "--dry", tmp_path / "songs", "--components", 1]
    run = lambda *more: cli.run([*map(str, words), *map(str, more)])  # noqa: E731
    assert run("--plot", tmp_path / "d.png", "-o", tmp_path / "moved") == 0
    told = capsys.readouterr().out
    assert "louder" in told and "loudness LUFS" in told and (tmp_path / "d.png").is_file()
    Preset.load(tmp_path / "moved" / "pc1+2.json").rack()
    assert run("--json", "--steps=-1,1") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["vocals"] == sorted(SINGERS) and report["steps"] == [-1, 0, 1]
    assert {row["descriptor"] for row in report["effects"]} == {d.id for d in DESCRIPTORS}
    assert run("--steps", "far") == 2 and "--steps" in capsys.readouterr().err
    assert run("--dry", tmp_path / "none") == 3 and "not there" in capsys.readouterr().err


def test_refusals() -> None:
    with pytest.raises(UsageError, match="there are 1 to 2"):
        directions(_set(), SINGERS, components=9)
    with pytest.raises(InputError, match="no vocal"):
        directions(_set(), [])
    with pytest.raises(UsageError, match="other than 0"):
        directions(_set(), SINGERS, steps=(0.0,))
    with pytest.raises(InputError, match="component 1 at -40 sd"):
        directions(_set(), SINGERS, components=1, steps=(-40.0,))
    with pytest.raises(UsageError, match="template="):
        directions(pca(_set()), SINGERS)


def test_excerpts_and_folders(tmp_path: Path) -> None:
    quiet_then_loud = np.concatenate([0.01 * np.ones(RATE), 0.5 * np.ones(RATE), 0.01 * np.ones(RATE)])
    from voxrack import Audio

    part = excerpt(Audio(quiet_then_loud, RATE), 1.0)
    assert part.frames == RATE and part.samples.min() == pytest.approx(0.5)
    write(tmp_path / "a.wav", SINGERS["singer 1"])
    assert list(vocals([tmp_path])) == ["a"]
    assert list(vocals([tmp_path / "a.wav", tmp_path / "a.wav"])) == ["a", "a'"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no recording"):
        vocals([tmp_path / "empty"])
