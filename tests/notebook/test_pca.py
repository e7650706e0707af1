"""Explorer of principal components: what a message does to the rack, distances, saved presets; without a browser."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from notebook_bench import SCALE

from voxrack.errors import UsageError
from voxrack.instance import Device
from voxrack.notebook.pca import PcaExplorer, PcaModel
from voxrack.notebook.walk import Walk
from voxrack.preset import Preset
from voxrack.rack import Rack

COLUMNS = ("scale.factor", "scale.band.frequency", "scale.matrix[0,0]")


def make_rack(**values) -> Rack:
    return Rack([Device(SCALE, values)])


class Plane:
    """Three numbers of the bench's rack: a factor, an octave, an entry of a matrix."""

    columns = COLUMNS

    def __init__(self, rack):
        layout = rack.layout().fittable()
        self.inputs = tuple(layout.names())
        self._rest = layout.pack(rack.values())
        self._at = [self.inputs.index(column) for column in COLUMNS]

    def forward(self, values):
        picked = np.asarray(values)[:, self._at]
        return np.column_stack([picked[:, 0], np.log2(picked[:, 1] / 1000.0), picked[:, 2]])

    def inverse(self, points):
        points = np.asarray(points)
        out = np.tile(self._rest, (len(points), 1))
        out[:, self._at[0]] = points[:, 0].clip(0.0, 10.0)
        out[:, self._at[1]] = (1000.0 * 2.0 ** points[:, 1]).clip(20.0, 20_000.0)
        out[:, self._at[2]] = points[:, 2].clip(-1.0, 1.0)
        return out


class Axes:
    """Two components: factor and octave together, and against each other. The matrix entry belongs to neither."""

    columns = COLUMNS
    ratios = np.array([0.8, 0.2])
    mean = np.array([3.0, 0.0, 0.0])
    rows = np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0]]) / math.sqrt(2.0)
    sd = np.array([2.0, 1.0])

    def scores(self, points, *, whiten=False):
        found = (np.asarray(points) - self.mean) @ self.rows.T
        return found / self.sd if whiten else found

    def points(self, scores, *, whiten=False):
        scores = np.asarray(scores)
        return self.mean + (scores * self.sd if whiten else scores) @ self.rows


class Presets:
    """Real presets: where they stand on the two components, and each with an entry of its own."""

    def __init__(self, space, places):
        self.names = tuple(f"real {i}" for i in range(len(places)))
        self.columns = space.inputs
        self.values = space.inverse(Axes().points(places, whiten=True))
        self.values[:, space.inputs.index("scale.matrix[0,0]")] = 0.25
        self._layout = make_rack().layout().fittable()

    def preset(self, row) -> Any:
        rack = make_rack(label="of a real one")
        for address, value in self._layout.unpack(self.values[row]).items():
            rack.set(address, value)
        return SimpleNamespace(name=self.names[row], rack=lambda missing: rack)


class Desk:
    """A model with what it sent, over a rack that stands at the mean."""

    def __init__(self, tmp_path, places=((1.0, 0.0), (-1.0, 1.0), (0.0, -2.0)), **more):
        self.rack = make_rack(factor=3.0)
        self.space = Plane(self.rack)
        corpus = Presets(self.space, np.array(places)) if len(places) else None
        self.walk = Walk(Axes(), self.space, self.rack, corpus)
        self.sent, self.changes = [], 0
        self.model = PcaModel(self.walk, self.sent.append, self.changed, folder=tmp_path, seed=3, **more)

    def changed(self):
        self.changes += 1

    def receive(self, **message):
        del self.sent[:]
        self.model.receive(message)
        return json.loads(json.dumps(self.sent, allow_nan=False))


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(tmp_path)


# ---- what is shown ----------------------------------------------------------------------------
def test_ready_shows_sliders_dots_and_state(desk):
    space, state = desk.receive(type="ready")
    assert [slider["share"] for slider in space["sliders"]] == ["80.0 %", "20.0 %"]
    assert [dot["name"] for dot in space["dots"]] == ["real 0", "real 1", "real 2"]
    np.testing.assert_allclose([dot["at"] for dot in space["dots"]], [[1, 0], [-1, 1], [0, -2]], atol=1e-12)
    assert state["scores"] == pytest.approx([0, 0], abs=1e-12)
    assert state["start"] == "the mean"
    assert desk.changes == 0


def test_words_stand_under_their_sliders(tmp_path):
    space = Desk(tmp_path, words=("longer decay",)).receive(type="ready")[0]
    assert [slider["words"] for slider in space["sliders"]] == ["longer decay", ""]


# ---- moving -----------------------------------------------------------------------------------
def test_a_slider_moves_the_rack_along_its_component(desk):
    (state,) = desk.receive(type="slide", component=1, sd=1.0, address="component 1", serial=4)
    step = 2.0 / math.sqrt(2.0)  # one standard deviation is 2, shared by both columns
    assert desk.rack.get("scale.factor") == pytest.approx(3.0 + step)
    assert desk.rack.get("scale.band.frequency") == pytest.approx(1000.0 * 2.0**step)
    assert (state["address"], state["serial"], desk.changes) == ("component 1", 4, 1)
    desk.receive(type="slide", component=1, sd=0.0)
    assert desk.rack.get("scale.factor") == 3.0
    assert desk.rack.get("scale.band.frequency") == 1000.0


def test_numbers_that_no_component_moves_stay_to_the_last_bit(desk):
    desk.rack.set("scale.matrix", np.full((3, 2), 0.1))
    desk.rack.set("scale.skew", 1.0 / 3.0)
    desk.walk.begin()
    before = desk.rack.values()
    desk.receive(type="slide", component=2, sd=-1.5)
    after = desk.rack.values()
    changed = {address for address in before if not np.array_equal(before[address], after[address])}
    assert changed == {"scale.factor", "scale.band.frequency"}


def test_a_far_move_stays_inside_the_ranges(desk):
    desk.receive(type="slide", component=1, sd=3.0)
    desk.receive(type="slide", component=2, sd=3.0)
    assert 0.0 <= desk.rack.get("scale.factor") <= 10.0
    desk.receive(type="slide", component=1, sd=-3.0)
    assert desk.rack.get("scale.factor") >= 0.0
    desk.receive(type="mean")
    assert (desk.rack.get("scale.factor"), desk.rack.get("scale.band.frequency")) == (3.0, 1000.0)


@pytest.mark.parametrize("text", ["1.5", "+1,50 sd", " 1.5 SD "])
def test_a_typed_number(desk, text):
    (state,) = desk.receive(type="text", component=2, sd=text)
    assert state["scores"] == pytest.approx([0.0, 1.5], abs=1e-12)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"type": "text", "component": 1, "sd": "much"}, "number of standard deviations"),
        ({"type": "text", "component": 1, "sd": "3.1"}, "-3 to 3"),
        ({"type": "text", "component": 1, "sd": "nan"}, "-3 to 3"),
        ({"type": "slide", "component": 3, "sd": 0.0}, "no component 3"),
        ({"type": "load", "row": 7}, "no row 7"),
        ({"type": "dance"}, "no message 'dance'"),
    ],
)
def test_what_is_refused_is_said_and_nothing_moves(desk, message, said):
    before = str(desk.rack.values())
    error, state = desk.receive(**message)
    assert error["type"] == "error"
    assert said in error["message"]
    assert state["type"] == "state"
    assert str(desk.rack.values()) == before
    assert desk.changes == 0


def test_a_place_on_the_map_moves_the_first_two(desk):
    (state,) = desk.receive(type="place", at=[-0.5, 9.0])
    assert state["scores"] == pytest.approx([-0.5, 3.0])


def test_random_differs_each_time_and_repeats_with_its_seed(desk, tmp_path):
    drawn = [desk.receive(type="random")[0]["scores"] for _ in range(3)]
    assert len({tuple(scores) for scores in drawn}) == 3
    assert [Desk(tmp_path).receive(type="random")[0]["scores"]] == drawn[:1]
    assert np.abs(drawn).max() <= 3.0


# ---- the corpus -------------------------------------------------------------------------------
def test_snap_goes_to_the_nearest_real_preset_with_all_its_numbers(desk):
    desk.receive(type="slide", component=1, sd=0.8)
    (state,) = desk.receive(type="snap")
    assert state["start"] == "'real 0'"
    assert state["scores"] == pytest.approx([1.0, 0.0], abs=1e-9)
    assert desk.rack.get("scale.matrix")[0, 0] == 0.25  # no component knows of it
    assert desk.rack.get("scale.label") == "of a real one"
    desk.receive(type="slide", component=2, sd=0.5)
    assert desk.rack.get("scale.matrix")[0, 0] == 0.25
    desk.receive(type="mean")
    assert desk.rack.get("scale.matrix")[0, 0] == 0.0
    assert desk.rack.get("scale.label") == "none"


def test_distances_are_told(desk):
    desk.receive(type="slide", component=1, sd=1.0)
    desk.receive(type="slide", component=2, sd=1.5)
    now = desk.walk.whereabouts()
    assert now.mean == pytest.approx(math.hypot(1.0, 1.5))
    assert (now.nearest, now.gap) == (0, pytest.approx(1.5))
    assert now.farther == pytest.approx(1 / 3)  # sqrt 3.25 is farther than 1 and sqrt 2, nearer than 2
    assert now.usual == pytest.approx(math.sqrt(5.0))  # nearest neighbours: sqrt 5 twice, and sqrt 5
    assert "real 0, 1.5 sd away (presets lie 2.2 from each other)" in desk.model.text()


def test_without_a_corpus_there_is_nothing_to_snap_to(tmp_path):
    desk = Desk(tmp_path, places=())
    assert desk.receive(type="ready")[0]["dots"] == []
    assert desk.model.text() == "0.0 sd from the mean"
    error, _ = desk.receive(type="snap")
    assert "no corpus" in error["message"]


def test_what_does_not_belong_together_is_refused(desk):
    wrong: Any = SimpleNamespace(columns=("scale.factor",), ratios=np.ones(1))
    with pytest.raises(UsageError, match=r"the projection and the space.*scale.band.frequency"):
        Walk(wrong, desk.space, desk.rack)
    corpus: Any = SimpleNamespace(columns=("other",), names=(), values=np.zeros((0, 1)))
    with pytest.raises(UsageError, match="the corpus and the rack"):
        Walk(Axes(), desk.space, desk.rack, corpus)


# ---- saving -----------------------------------------------------------------------------------
def test_save_writes_a_preset_that_says_how_it_came_about(desk, tmp_path):
    desk.receive(type="slide", component=2, sd=-1.25)
    (answer,) = desk.receive(type="save", name="my find")
    file = tmp_path / "my find.json"
    assert answer == {"type": "saved", "path": str(file)}
    preset = Preset.load(file)
    assert preset.provenance["how"] == "pca"
    assert preset.document.about == "From the mean: component 2 -1.25 sd."
    assert preset.document.parameters["scale.factor"] == pytest.approx(desk.rack.get("scale.factor"))


@pytest.mark.parametrize("name", ["", "  ", "../away", "a/b", ".hidden", "c:d"])
def test_a_name_that_is_no_plain_name_is_refused(desk, tmp_path, name):
    assert "plain name" in desk.receive(type="save", name=name)[0]["message"]
    assert list(tmp_path.iterdir()) == []


def test_save_never_writes_over_a_file(desk, tmp_path):
    (tmp_path / "taken.json").write_text("mine")
    error = desk.receive(type="save", name="taken")[0]
    assert "already there" in error["message"]
    assert (tmp_path / "taken.json").read_text() == "mine"


# ---- the widget -------------------------------------------------------------------------------
def test_the_widget_hears_the_page_and_python(monkeypatch, tmp_path):
    sent, changes = [], []
    monkeypatch.setattr(PcaExplorer, "send", lambda self, content, buffers=None: sent.append(content["type"]))
    rack = make_rack(factor=3.0)
    space = Plane(rack)
    corpus = Presets(space, np.array([[0.5, 0.5]]))
    explorer = PcaExplorer(Axes(), space, rack, corpus, lambda: changes.append(1), folder=tmp_path)
    explorer._handle_custom_msg({"type": "slide", "component": 1, "sd": 0.25, "serial": 1}, [])
    assert explorer.scores == pytest.approx((0.25, 0.0))
    explorer.move(2, 1.0)
    assert explorer.scores == pytest.approx((0.25, 1.0))
    assert explorer.rack is rack
    assert explorer.snap() == "real 0"
    rack.set("scale.factor", 3.0)
    rack.set("scale.band.frequency", 1000.0)
    explorer.refresh()
    assert explorer.scores == pytest.approx((0.0, 0.0), abs=1e-9)
    explorer.move(1, 1.0)
    explorer.mean()
    assert explorer.scores == pytest.approx((0.0, 0.0), abs=1e-9)
    assert len(changes) == 5
    assert sent == ["state", *["space", "state"] * 5]
