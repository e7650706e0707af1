"""DiffVox vectors to presets and back: the reference's own maps, every published preset, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import data_root
from fx.published import plain_values as second_opinion
from match.oracle_bench import cases, numbers

from voxrack import Preset
from voxrack.errors import InputError, ParamError, PresetError, UsageError
from voxrack_atlas import from_diffvox, to_diffvox
from voxrack_match import vocal_rack

_NAMES = {
    "PK1": "peq.peak1", "PK2": "peq.peak2", "LS": "peq.low_shelf", "HS": "peq.high_shelf", "LP": "peq.low_pass",
    "HP": "peq.high_pass", "FDN.PK1": "reverb.peak1", "FDN.PK2": "reverb.peak2", "FDN.LS": "reverb.low_shelf",
    "FDN.HS": "reverb.high_shelf", "DLY.LP": "delay.low_pass",
}  # fmt: skip
_IDS = {
    "COMP.cmp_th": "compressor.threshold", "COMP.exp_th": "compressor.expander_threshold",
    "COMP.make_up": "compressor.make_up", "COMP.lookahead": "compressor.look_ahead",
    "COMP.cmp_ratio": "compressor.ratio", "COMP.exp_ratio": "compressor.expander_ratio",
    "COMP.at_ms": "compressor.attack", "COMP.rt_ms": "compressor.release", "PAN": "pan.pan",
    "DLY.delay_ms": "delay.time", "DLY.feedback": "delay.feedback", "DLY.odd_pan": "delay.odd_pan",
    "DLY.even_pan": "delay.even_pan",
}  # fmt: skip
_BAND = {"gain": "gain", "freq": "frequency", "Q": "q"}


@pytest.mark.oracle
@pytest.mark.parametrize("case", cases("map"))
def test_plain_values(case: dict[str, Any]) -> None:
    values = from_diffvox(numbers()[case["raw"]]).rack().values()
    for name, wanted in case["scalars"].items():
        assert _value(name, values) == pytest.approx(wanted, rel=1e-6, abs=1e-6), name
    arrays = {key: numbers()[place] for key, place in case["arrays"].items()}
    np.testing.assert_allclose(values["reverb.input"], np.reshape(arrays["b"], (6, 2)), rtol=1e-6)
    np.testing.assert_allclose(values["reverb.output"], np.reshape(arrays["c"], (2, 6)), rtol=1e-6)
    gain = 10.0 ** (-60.0 / 20.0 * 997.0 / 44100.0 / values["reverb.decay"])
    np.testing.assert_allclose(gain, np.ravel(arrays["gamma"]), rtol=1e-6)
    np.testing.assert_allclose(_matrix(values["reverb.rotation"]), arrays["U"], atol=1e-6)


def _value(name: str, values: dict[str, Any]) -> float:
    """A number of the reference from ours."""
    if name in _IDS:
        return values[_IDS[name]]
    if name == "SEND":
        return 10.0 ** (values["send.delay.reverb"] / 20.0)
    if name == "DLY.gain":
        return 10.0 ** (values["delay.level"] / 20.0)
    if name in ("COMP.at", "COMP.rt", "COMP.avg_coef"):
        id = {"COMP.at": "attack", "COMP.rt": "release", "COMP.avg_coef": "averaging"}[name]
        return -np.expm1(-2200.0 / (44100.0 * values[f"compressor.{id}"]))
    band, _, what = name.rpartition(".")
    return values[f"{_NAMES[band]}.{_BAND[what]}"]


def _matrix(generators: np.ndarray) -> np.ndarray:
    from scipy.linalg import expm

    skew = np.zeros((6, 6))
    skew[np.triu_indices(6, 1)] = generators
    return expm(skew - skew.T)


@pytest.mark.parametrize("dataset", ["internal", "medleydb"])
def test_every_published_preset_there_and_back(dataset: str) -> None:
    folder = data_root() / "data" / "diffvox_presets" / dataset
    table, mask = np.load(folder / "raw_params.npy"), np.load(folder / "feature_mask.npy")
    for row, raw in enumerate(table):
        preset = from_diffvox(raw)
        assert preset.check() == [], row
        back = to_diffvox(Preset.from_text(preset.text()))
        wanted = raw.astype(np.float64)
        wanted[17] = abs(wanted[17])
        assert np.abs(back - wanted)[mask].max() <= 1e-6, row
        assert not back[~mask].any()


@pytest.mark.parametrize("row", [0, 102, 384])
def test_a_second_opinion(row: int) -> None:
    raw = np.load(data_root() / "data" / "diffvox_presets" / "internal" / "raw_params.npy")[row]
    values = from_diffvox(raw).rack().values()
    for address, wanted in second_opinion(raw).items():
        np.testing.assert_allclose(values[address.replace("direct.pan", "pan.pan")], wanted, rtol=1e-9, atol=1e-12)


def test_it_is_the_vocal_rack() -> None:
    made, own = from_diffvox(np.zeros(151)).rack(), vocal_rack()
    assert list(made.values()) == list(own.values())
    assert (made.dry, made.input, made.sends) == (own.dry, own.input, own.sends)


def test_deep_in_the_saturation() -> None:
    raw = np.random.default_rng(1).uniform(-15.0, 15.0, 151)
    raw[[14, 15, 16]], raw[17] = [-18.0, -48.0, 0.0], 3.0
    raw[104:140].reshape(6, 6)[np.tril_indices(6)] = 0.0
    raw[22] = -5.0
    back = to_diffvox(from_diffvox(raw))
    np.testing.assert_allclose(back, raw, atol=1e-6)


def test_another_rate_has_other_times() -> None:
    raw = np.zeros(151)
    a, b = (from_diffvox(raw, rate).rack().values() for rate in (44100, 48000))
    assert b["compressor.attack"] == pytest.approx(a["compressor.attack"] * 44100 / 48000)
    np.testing.assert_allclose(to_diffvox(from_diffvox(raw, 48000), 48000), raw, atol=1e-9)


def test_the_damping_is_left_out() -> None:
    raw = np.linspace(-1.0, 1.0, 152)
    assert from_diffvox(raw).rack().values()["pan.pan"] == from_diffvox(raw[:151]).rack().values()["pan.pan"]


@pytest.mark.parametrize("raw", [np.zeros(150), np.zeros((1, 151)), np.full(151, np.nan), np.array(["x"] * 151)])
def test_refuses_what_is_no_vector(raw: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"151 numbers|not finite"):
        from_diffvox(raw)


def test_refuses_numbers_beyond_the_devices() -> None:
    raw = np.zeros(151)
    raw[0] = 400.0
    with pytest.raises(ParamError, match=r"peak1.gain"):
        from_diffvox(raw)


@pytest.mark.parametrize(
    ("address", "value"),
    [("peq.peak1.frequency", 20.0), ("peq.low_shelf.q", 1.0), ("reverb.mix", 0.5), ("send.reverb", -3.0),
     ("bus.delay.level", 1.0), ("dry", 0.0), ("reverb.decay[3]", 20.0), ("pan.bypass", True)],
)  # fmt: skip
def test_refuses_what_a_vector_cannot_hold(address: str, value: Any) -> None:
    rack = from_diffvox(np.zeros(151)).rack()
    rack.set(address, value)
    with pytest.raises(PresetError, match=address.partition("[")[0].replace(".", r"\.")):
        to_diffvox(rack)


def test_refuses_another_rack_and_another_thing() -> None:
    from voxrack import Rack
    from voxrack.host import default_host

    with pytest.raises(PresetError, match="another rack"):
        to_diffvox(Rack([default_host().create("fx.gain")]))
    with pytest.raises(UsageError, match="ndarray"):
        to_diffvox(np.zeros(151))  # pyright: ignore[reportArgumentType]


def test_levels_around_it_do_not_matter() -> None:
    rack = from_diffvox(np.zeros(151)).rack()
    rack.set("pre.level", -7.0)
    rack.set("offset", 12.0)
    np.testing.assert_allclose(to_diffvox(rack), np.zeros(151), atol=1e-9)
