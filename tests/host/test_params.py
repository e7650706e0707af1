"""Parameters: plain, slider, logit and text are four faces of one value, whatever the range."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from voxrack import Axis, Layout, Param
from voxrack.errors import ParamError
from voxrack.params import check_values, suggest

FREQUENCY = Param("frequency", 1_000.0, lo=20.0, hi=20_000.0, unit="Hz", scale="log")
TIME = Param("time", 10.0, lo=0.1, hi=120_000.0, unit="ms", scale="log")
LEVEL = Param("level", 0.0, lo=-math.inf, hi=12.0, unit="dB")
COUNT = Param("count", 3, kind="int", lo=1, hi=12)
SWITCH = Param("on", True, kind="bool")
CHOICE = Param("shape", "sine", kind="choice", choices=("sine", "saw", "square"))
GRID = Param(
    "grid", 1.0, kind="array", lo=0.1, hi=10.0, unit="s", scale="log", axes=(Axis("frequency", 4), Axis("line", 3))
)

finite = st.floats(-1e6, 1e6)


@st.composite
def scalars(draw) -> Param:
    """A float parameter over any sensible range and scale."""
    lo = draw(finite)
    hi = lo + draw(st.floats(1e-3, 1e6))
    scale = draw(st.one_of(st.sampled_from(["lin", "log"]), st.floats(0.1, 10.0)))
    if scale == "log":
        lo = abs(lo) + 1e-3
        hi = lo * draw(st.floats(1.01, 1e6))
    return Param("p", lo, lo=lo, hi=hi, scale=scale, unit=draw(st.sampled_from(["", "dB", "Hz", "ms", "s", "%"])))


# ---- plain <-> unit <-> logit -------------------------------------------------------------------------------


@given(scalars(), st.floats(0.0, 1.0))
def test_slider_to_plain_and_back(param, unit):
    plain = param.from_unit(unit)
    assert param.lo <= plain <= param.hi
    back = param.to_unit(plain)
    # a skew is flat at one end of the slider: there many positions are one number
    assert param.from_unit(back) == pytest.approx(plain, rel=1e-6, abs=1e-6 * (param.hi - param.lo))


@given(scalars(), st.floats(0.0, 1.0))
def test_plain_to_slider_and_back(param, share):
    plain = min(max(param.lo + share * (param.hi - param.lo), param.lo), param.hi)
    unit = param.to_unit(plain)
    assert 0.0 <= unit <= 1.0
    assert param.from_unit(unit) == pytest.approx(plain, rel=1e-6, abs=1e-6 * (param.hi - param.lo))


@given(scalars(), st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8))
def test_the_slider_is_monotonic(param, units):
    plain = [param.from_unit(u) for u in sorted(units)]
    assert plain == sorted(plain)


@given(scalars())
def test_the_slider_ends_at_the_range(param):
    assert param.from_unit(0.0) == pytest.approx(param.lo, rel=1e-9)
    assert param.from_unit(1.0) == pytest.approx(param.hi, rel=1e-9)
    assert param.from_unit(-3.0) == param.from_unit(0.0)
    assert param.from_unit(7.0) == param.from_unit(1.0)


@given(scalars(), st.floats(-15.0, 15.0))
def test_logit_to_plain_and_back(param, raw):
    plain = param.from_logit(raw)
    assert param.lo <= plain <= param.hi
    unit = param.to_unit(plain)
    assert param.from_logit(param.to_logit(plain)) == pytest.approx(
        plain, rel=1e-6, abs=1e-5 * (param.hi - param.lo)
    ), f"at slider position {unit}"


@given(scalars(), st.floats(allow_nan=False))
def test_no_logit_leaves_the_range(param, raw):
    assert param.lo <= param.from_logit(raw) <= param.hi
    assert math.isfinite(param.to_logit(param.from_logit(raw)))


def test_a_logarithmic_slider_has_its_geometric_mean_in_the_middle():
    assert FREQUENCY.from_unit(0.5) == pytest.approx(math.sqrt(20.0 * 20_000.0))


def test_a_skew_is_a_power_of_the_position():
    assert Param("p", 0.0, lo=0.0, hi=100.0, scale=0.5).to_unit(25.0) == pytest.approx(0.5)


def test_a_level_that_may_be_off_ends_in_off():
    assert LEVEL.from_unit(0.0) == -math.inf
    assert LEVEL.from_unit(1e-6) == pytest.approx(-100.0, abs=0.01)
    assert LEVEL.to_unit(-math.inf) == 0.0
    assert LEVEL.to_unit(-150.0) == 0.0
    assert LEVEL.check(-math.inf) == -math.inf
    assert math.isfinite(LEVEL.to_logit(-math.inf))


@given(st.integers(1, 12))
def test_whole_numbers_survive_the_slider(number):
    assert COUNT.from_unit(COUNT.to_unit(number)) == number
    assert isinstance(COUNT.from_unit(0.3), int)


@given(st.sampled_from(CHOICE.choices), st.booleans())
def test_choices_and_switches_survive_the_slider(choice, on):
    assert CHOICE.from_unit(CHOICE.to_unit(choice)) == choice
    assert SWITCH.from_unit(SWITCH.to_unit(on)) is on


def test_text_has_no_slider():
    with pytest.raises(ParamError, match="no position on a slider"):
        Param("note", "", kind="text").to_unit("a")


# ---- plain <-> text -----------------------------------------------------------------------------------------


@given(scalars(), st.floats(0.0, 1.0))
def test_what_is_shown_can_be_typed(param, unit):
    plain = param.from_unit(unit)
    text = param.to_text(plain)
    typed = _without_unit_rounding(param, text)
    assume(typed is not None)  # four digits of a number at the very end of the range may round out of it
    assert typed == pytest.approx(plain, rel=1e-3, abs=1e-3 * min(1.0, param.hi - param.lo))


def _without_unit_rounding(param: Param, text: str) -> float | None:
    try:
        return param.from_text(text)
    except ParamError as error:
        assert "it takes" in str(error)
        return None


@pytest.mark.parametrize(
    ("param", "text", "value"),
    [
        (FREQUENCY, "1.2 kHz", 1_200.0),
        (FREQUENCY, "1200", 1_200.0),
        (FREQUENCY, " 1200Hz ", 1_200.0),
        (FREQUENCY, "1.2e3", 1_200.0),
        (FREQUENCY, "2KHZ", 2_000.0),
        (TIME, "0.5 s", 500.0),
        (TIME, "500us", 0.5),
        (TIME, "500 µs", 0.5),
        (TIME, "2 min", 120_000.0),
        (LEVEL, "-18", -18.0),
        (LEVEL, "-18dB", -18.0),
        (LEVEL, "−18.5 dB", -18.5),  # U+2212, as our own tables print it
        (LEVEL, "+3 db", 3.0),
        (LEVEL, ".5", 0.5),
        (LEVEL, "-inf", -math.inf),
        (LEVEL, "-∞ dB", -math.inf),
        (COUNT, "7", 7),
        (SWITCH, "on", True),
        (SWITCH, "False", False),
        (CHOICE, "saw", "saw"),
        (Param("mood", "", kind="text"), " two words ", "two words"),
    ],
)
def test_what_people_type(param, text, value):
    assert param.from_text(text) == value


@pytest.mark.parametrize(
    ("param", "text"),
    [
        (FREQUENCY, "-18 dB"),
        (FREQUENCY, "1.2 s"),
        (FREQUENCY, "loud"),
        (FREQUENCY, ""),
        (FREQUENCY, "1,200"),
        (FREQUENCY, "nan"),
        (FREQUENCY, "inf"),
        (FREQUENCY, "19"),
        (FREQUENCY, "20001"),
        (FREQUENCY, "1e999"),
        (LEVEL, "inf"),
        (LEVEL, "3 Hz"),
        (COUNT, "2.5"),
        (COUNT, "0"),
        (SWITCH, "perhaps"),
        (CHOICE, "triangle"),
        (GRID, "1, 2"),
        (GRID, "1, two"),
    ],
)
def test_what_is_no_value_is_refused_with_the_range(param, text):
    with pytest.raises(ParamError, match=rf"'{param.id}' got .*it takes ") as caught:
        param.from_text(text)
    assert param.id in str(caught.value)


@given(st.text(max_size=20))
@example("٣")  # digits of other scripts
@example("1\n2")
def test_any_text_is_a_value_or_refused(text):
    for param in (FREQUENCY, LEVEL, COUNT, SWITCH, CHOICE, GRID):
        try:
            value = param.from_text(text)
        except ParamError:
            continue
        np.testing.assert_array_equal(param.check(value), value)


def test_what_is_shown_reads_well():
    assert FREQUENCY.to_text(1_200.0) == "1.2 kHz"
    assert FREQUENCY.to_text(80.0) == "80 Hz"
    assert TIME.to_text(1_500.0) == "1.5 s"
    assert LEVEL.to_text(-math.inf) == "-inf dB"
    assert LEVEL.from_text(LEVEL.to_text(-math.inf)) == -math.inf
    assert SWITCH.to_text(True) == "on"
    assert GRID.to_text(np.full((4, 3), 2.0)) == "4 frequency × 3 line, 2 … 2 s"


# ---- check ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("param", "value"),
    [
        (FREQUENCY, math.nan),
        (FREQUENCY, "1000"),
        (FREQUENCY, True),
        (FREQUENCY, None),
        (FREQUENCY, [1000.0]),
        (FREQUENCY, 1 + 2j),
        (FREQUENCY, 10**400),
        (COUNT, 2.5),
        (SWITCH, 1),
        (CHOICE, 0),
        (GRID, np.ones((3, 4))),
        (GRID, [[1.0, 2.0], [3.0]]),
        (GRID, "ones"),
        (GRID, np.full((4, 3), math.nan)),
        (Param("note", "", kind="text"), 3),
        (Param("file", "", kind="asset"), None),
    ],
)
def test_values_of_another_kind_are_refused(param, value):
    with pytest.raises(ParamError, match=f"'{param.id}'"):
        param.check(value)


def test_values_come_back_canonical():
    assert isinstance(FREQUENCY.check(np.float32(440)), float)
    assert isinstance(COUNT.check(3.0), int)
    assert SWITCH.check(np.bool_(True)) is True


def test_an_array_is_copied_filled_and_read_only():
    source = np.ones((4, 3))
    checked = GRID.check(source)
    source[0, 0] = 5.0
    assert checked[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        checked[0, 0] = 5.0
    np.testing.assert_array_equal(GRID.check(2.0), np.full((4, 3), 2.0))


def test_a_number_out_of_range_in_an_array_is_found():
    values = np.ones((4, 3))
    values[2, 1] = 11.0
    with pytest.raises(ParamError, match=r"got 11\.0 at index \[2, 1\]; it takes 0\.1 to 10 s"):
        GRID.check(values)
    with pytest.raises(ParamError, match=r"got an array of shape \(2,\); it takes shape \(4, 3\)"):
        GRID.check([1.0, 2.0])


def test_a_long_value_is_shown_in_part():
    with pytest.raises(ParamError, match=r"got '9{77,79}…; it takes") as caught:
        FREQUENCY.check("9" * 10_000)
    assert len(str(caught.value)) < 200


def test_unknown_parameters_get_a_suggestion():
    with pytest.raises(ParamError, match="toy has no parameter 'frequencies'; did you mean 'frequency'"):
        check_values([FREQUENCY, LEVEL], {"frequencies": 100.0}, "toy")
    assert check_values([FREQUENCY, LEVEL], {"level": -3}, "toy") == {"frequency": 1_000.0, "level": -3.0}
    assert suggest("x", []) == ". It has none."


# ---- Layout ------------------------------------------------------------------------------------------------

PARAMS = [("a.frequency", FREQUENCY), ("on", SWITCH), ("a.grid", GRID), ("level", LEVEL), ("n", COUNT)]


def test_a_layout_names_every_number():
    layout = Layout(PARAMS)
    assert layout.size == 1 + 12 + 1 + 1
    assert layout.names()[:3] == ["a.frequency", "a.grid[0,0]", "a.grid[0,1]"]
    assert len(layout.names()) == layout.size


@given(st.lists(st.floats(0.001, 1.0), min_size=15, max_size=15), st.sampled_from(["plain", "unit", "logit"]))
@settings(max_examples=50)
def test_a_layout_packs_and_unpacks(units, space):
    layout = Layout(PARAMS)
    values = layout.unpack(np.array(units), "unit")
    again = layout.unpack(layout.pack(values, space), space)
    assert list(again) == ["a.frequency", "a.grid", "level", "n"]
    for address, value in values.items():
        np.testing.assert_allclose(again[address], value, rtol=1e-6, atol=1e-5)


def test_a_layout_refuses_a_vector_of_another_length():
    with pytest.raises(ParamError, match=r"holds 15 numbers; got an array of shape \(14,\)"):
        Layout(PARAMS).unpack(np.zeros(14))
    with pytest.raises(ParamError, match="'frequency'"):
        Layout(PARAMS).unpack(np.zeros(15))


def test_the_fittable_part_leaves_out_what_an_optimiser_must_not_move():
    fixed = Param("fixed", 0.0, fit=False)
    assert [a for a, _ in Layout([*PARAMS, ("fixed", fixed)]).fittable().entries] == [
        "a.frequency",
        "a.grid",
        "level",
        "n",
    ]


def test_an_empty_layout_is_an_empty_vector():
    assert Layout([]).pack({}).shape == (0,)
    assert Layout([]).unpack(np.zeros(0)) == {}
