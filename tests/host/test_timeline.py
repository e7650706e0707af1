"""Timelines of emotion without a recogniser: bands, the widget's model, pictures."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from timelines import LABELS, ROWS, TRUST, tracks

from voxrack import Audio, write
from voxrack.commands.analyzing_text import window_rows
from voxrack.commands.common import json_ready
from voxrack.device import Track
from voxrack.errors import UsageError
from voxrack.timeline import NO_SPEECH, UNSURE, Timeline, is_timeline, verdict

FIELDS = ("name", "labels", "times_s", "values")


def test_neighbours_of_one_verdict_are_one_band_and_bands_leave_no_gap():
    bands = Timeline.of(tracks()).bands()
    assert [band.label for band in bands] == [NO_SPEECH, "angry", UNSURE, "happy", NO_SPEECH]
    assert bands[0].start == 0.0
    assert bands[-1].end == 4.0  # 1.5 s and five hops
    assert [one.end for one in bands[:-1]] == [other.start for other in bands[1:]]
    assert (bands[1].start, bands[1].end) == (1.0, 2.0)  # halfway between the centres 0.75, 1.25, 1.75, 2.25
    assert bands[1].confidence == pytest.approx(0.7)
    assert bands[0].confidence == 0.0


@pytest.mark.parametrize(
    ("row", "threshold", "word"),
    [((0.2, 0.3, 0.5), 0.5, "angry"), ((0.2, 0.3, 0.5), 0.51, UNSURE), ((0, 0, 0), 0.0, NO_SPEECH)],
)
def test_the_word_for_a_row(row, threshold, word):
    assert verdict(row, LABELS, threshold) == word


def test_windows_reach_no_further_than_the_recording():
    spans = Timeline.of(tracks()).spans()
    assert spans[0].tolist() == [0.0, 1.5]
    assert spans[-1].tolist() == [2.5, 4.0]


def test_what_json_holds_gives_the_same_timeline():
    made = tracks()
    plain = [
        {"name": t.name, "labels": t.labels, "times_s": t.times_s.tolist(), "values": t.values.tolist()} for t in made
    ]
    again = Timeline.of(json.loads(json.dumps(plain)), dict(made[0].summary))
    assert again.bands() == Timeline.of(made).bands()
    assert again.speech.tolist() == [0.1, 0.8, 0.8, 0.8, 0.8, 0.1]


def test_tracks_of_another_analyzer_are_refused():
    loudness = Track("loudness", np.zeros(1), np.zeros((1, 1)), ("momentary",), "LUFS", {"integrated_lufs": -23.0})
    assert not is_timeline([loudness], loudness.summary)
    with pytest.raises(UsageError, match=r"no track 'emotion' \(tracks: loudness\); take what a recogniser"):
        Timeline.of([loudness])
    with pytest.raises(UsageError, match="no 'threshold' in the summary"):
        Timeline.of([Track("emotion", np.zeros(0), np.zeros((0, 3)), LABELS)])


def test_a_track_of_trust_is_part_of_the_timeline_and_of_its_table():
    made = tracks(trust=TRUST)
    np.testing.assert_array_equal(Timeline.of(made).trust, TRUST)
    assert Timeline.of(tracks()).trust is None
    plain = json.loads(json.dumps(json_ready([{name: getattr(t, name) for name in FIELDS} for t in made])))
    assert plain[2]["values"][0] == [None]  # NaN, which JSON has not
    np.testing.assert_array_equal(Timeline.of(plain, dict(made[0].summary)).trust, TRUST)
    columns, rows = window_rows({"file": "a.wav", "tracks": plain, "summary": dict(made[0].summary)})
    assert columns == ["file", "start_s", "end_s", "emotion", "confidence", "speech", "trust", *LABELS]
    assert [row[6] for row in rows] == [None, 0.9, 0.6, 0.2, 0.3, None]
    assert rows[1][7:] == [0.2, 0.2, 0.6]
    with pytest.raises(UsageError, match="the track 'trust' has 3 values for 6 windows; it takes one each"):
        Timeline.of((*tracks(), Track("trust", np.zeros(3), np.zeros((3, 1)))))


def test_no_windows_are_no_bands():
    found = Timeline.of(tracks(()))
    assert found.bands() == ()
    assert found.verdicts() == ()
    assert found.confidences.shape == (0,)


# ---- pictures -----------------------------------------------------------------------------------
def test_every_emotion_has_a_colour_of_its_own():
    pytest.importorskip("matplotlib", reason="needs the extra notebook")
    from voxrack.datasets import EMOTIONS
    from voxrack.notebook.emotion_colours import colours

    paints = colours([*EMOTIONS, "smug", "wistful"])
    assert len(set(paints.values())) == len(EMOTIONS) + 2
    assert colours(["angry"]) == {"angry": paints["angry"]}


@pytest.mark.parametrize("rows", [ROWS, ((0, 0, 0),), ()], ids=["several", "silence", "none"])
def test_the_picture_of_a_file_and_of_audio_shows_the_bands(tmp_path, rows):
    pytest.importorskip("matplotlib", reason="needs the extra notebook")
    from matplotlib.patches import Rectangle

    from voxrack.notebook import timeline_picture
    from voxrack.notebook.emotion_colours import SILENT, colours

    found = Timeline.of(tracks(rows))
    frames = max(1, round(found.duration * 8000))
    audio = Audio((0.3 * np.sin(np.arange(frames) / 9)).astype(np.float32)[None], 8000)
    source = tmp_path / "voice.wav"
    write(source, audio)
    figure = timeline_picture(found, source, tmp_path / "p.png", title="a $ file")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    from matplotlib.colors import to_hex

    patches = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    painted = [to_hex(p.get_facecolor()) for p in patches if not p.get_hatch()]
    paints = colours(found.labels) | {NO_SPEECH: SILENT}
    assert painted == [paints[band.label] for band in found.bands() if band.label != UNSURE]
    assert sum(bool(p.get_hatch()) for p in patches) == sum(band.label == UNSURE for band in found.bands())
    in_memory = timeline_picture(found, audio)
    low = [np.min(f.axes[0].collections[0].get_paths()[0].vertices[:, 1]) for f in (figure, in_memory)]
    assert low[0] == pytest.approx(low[1])


def test_the_picture_draws_the_trust_where_there_is_one():
    pytest.importorskip("matplotlib", reason="needs the extra notebook")
    from voxrack.notebook import timeline_picture

    assert len(timeline_picture(Timeline.of(tracks()), recording()).axes) == 2
    figure = timeline_picture(Timeline.of(tracks(trust=TRUST)), recording())
    panel = figure.axes[2]
    np.testing.assert_array_equal(panel.lines[0].get_ydata(), TRUST)
    assert panel.get_ylim() == (0.0, 1.0)
    assert panel.get_xlabel() == "time (s)"


# ---- the widget's model -------------------------------------------------------------------------
@pytest.fixture
def model():
    pytest.importorskip("anywidget", reason="needs the extra notebook")
    from voxrack.notebook.timeline import TimelineModel

    sent: list[tuple[dict, list]] = []
    model = TimelineModel(lambda content, buffers: sent.append((json.loads(json.dumps(content)), buffers)))
    model.sent = sent
    return model


def recording(seconds: float = 4.0, rate: int = 8000) -> Audio:
    return Audio(np.full((1, round(seconds * rate)), 0.1, np.float32), rate)


def test_a_ready_page_gets_take_state_and_timeline(model):
    model.show(recording(), Timeline.of(tracks()))
    model.sent.clear()
    model.receive({"type": "ready"})
    kinds = [content["type"] for content, _ in model.sent]
    assert kinds == ["take", "state", "note", "timeline"]
    content, buffers = model.sent[-1]
    chances = np.frombuffer(buffers[0], dtype=np.float32).reshape(-1, len(content["labels"]))
    np.testing.assert_array_equal(chances, np.array(ROWS, np.float32))
    assert [band["emotion"] for band in content["bands"]] == [NO_SPEECH, "angry", UNSURE, "happy", NO_SPEECH]
    assert content["trust"] is None
    model.show(recording(), Timeline.of(tracks(trust=TRUST)))
    assert model.sent[-1][0]["trust"] == [None, 0.9, 0.6, 0.2, 0.3, None]


def test_a_second_take_is_switched_to_at_the_same_playhead(model):
    model.show(recording(), Timeline.of(tracks()))
    model.put("enhanced", recording(), Timeline.of(tracks([(0.9, 0.05, 0.05)] * 6, trust=[0.5] * 6)))
    assert model.sent[-1][0]["name"] == "enhanced"
    assert model.sent[-1][0]["trust"] == [0.5] * 6
    model.receive({"type": "sought", "position": 1.2})
    assert model.band(model.position).label == "angry"
    model.receive({"type": "choose", "name": "enhanced"})
    assert model.position == 1.2
    assert model.band(model.position).label == "neutral"
    model.sent.clear()
    model.receive({"type": "ready"})  # another page
    names = [content.get("name") for content, _ in model.sent]
    assert names == ["recording", "enhanced", None, None, "recording", "enhanced"]  # takes, state, note, timelines
    model.show(recording(2.0), Timeline.of(tracks(ROWS[:2])))
    assert list(model.player.takes) == ["recording"]
    assert (model.player.active, model.player.duration) == ("recording", 2.0)


def test_the_playhead_is_known_to_python(model):
    model.show(recording(), Timeline.of(tracks()))
    model.receive({"type": "sought", "position": 1.2})
    assert model.position == 1.2
    assert model.band(1.2).label == "angry"
    model.receive({"type": "sought", "position": 99.0})
    assert model.position == 4.0
    assert model.band(4.0).label == NO_SPEECH  # the end belongs to the last band
    model.seek(2.1)
    assert model.sent[-1][0] == {"type": "transport", "action": "seek", "position": 2.1}
    with pytest.raises(UsageError, match="cannot seek to 5"):
        model.seek(5.0)
    assert model.position == 2.1


def test_long_recordings_are_played_narrow_and_very_long_ones_refused(monkeypatch):
    pytest.importorskip("anywidget", reason="needs the extra notebook")
    from voxrack.notebook import EmotionTimeline, timeline

    monkeypatch.setattr(timeline, "FULL", 2.0)
    monkeypatch.setattr(timeline, "LONGEST", 5.0)
    long = Audio(np.zeros((2, 4 * 48_000), np.float32), 48_000)
    assert timeline.playable(long).sample_rate == 16_000
    assert timeline.playable(long).channels == 1
    assert timeline.playable(recording(1.0)).samples.shape == (1, 8000)
    rows = [(0.2, 0.2, 0.6)] * 12
    with pytest.raises(UsageError, match=r"voxrack\.notebook\.timeline_picture"):
        EmotionTimeline(recording(7.0), tracks(rows))
    widget = EmotionTimeline(recording(), tracks())
    assert widget.band.label == NO_SPEECH
    widget.seek(1.5)
    assert (widget.position, widget.band.label, len(widget.bands)) == (1.5, "angry", 5)
    widget.add("louder", recording(), tracks([(0.9, 0.05, 0.05)] * 6))
    assert (widget.names, widget.active) == (("recording", "louder"), "recording")
    widget.active = "louder"
    assert (widget.position, widget.band.label, len(widget.bands)) == (1.5, "neutral", 1)
    with pytest.raises(UsageError, match=r"timeline_picture"):
        widget.add("long", recording(7.0), tracks(rows))


def test_curves_of_further_analyzers_go_with_the_timeline(model):
    times = np.arange(3.0)
    levels = np.array([[-20.0, -21.0], [-math.inf, -22.0], [-19.0, -23.0]])
    loudness = Track("loudness", times, levels, ("m", "s"), "LUFS")
    wide = Track("embedding", times, np.zeros((3, 64)))
    model.show(recording(), Timeline.of(tracks()), [*tracks(), loudness, wide])
    (sent,) = model.sent[-1][0]["tracks"]
    assert (sent["name"], sent["unit"], sent["labels"]) == ("loudness", "LUFS", ["m", "s"])
    assert sent["values"] == [[-20.0, -21.0], [None, -22.0], [-19.0, -23.0]]
    assert model.sent[-1][0]["alone"]
    model.put("enhanced", recording(), Timeline.of(tracks()))
    assert model.sent[-1][0]["tracks"] == []
    assert not model.sent[-1][0]["alone"]
    long = Track("level", np.arange(18_000.0), np.zeros((18_000, 1)), ("level",), "dB")
    model.show(recording(), Timeline.of(tracks()), [long])
    assert len(model.sent[-1][0]["tracks"][0]["times"]) <= 4000
