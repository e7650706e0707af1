"""What stands in front of an analyzer: `analyze(..., front=...)` and `voxrack analyze --front`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import toys
from command_line import done, lines, preset, run, tone
from toys import RECORDER, make, recorder

from voxrack import Audio, Bus, Host, Rack, Slot, analyze, write
from voxrack.device import DeviceSpec
from voxrack.errors import RoutingError, UsageError
from voxrack.instance import AnalyzerDevice
from voxrack.params import Param
from voxrack.testing.hosts import Bundle

RATE = 16_000
NEEDY = DeviceSpec("toy.needy", "analyzer", "toys:Recorder", needs={"enhancer": "processor"})
WEIGHTS = Param("weights", "", kind="asset")
LEARNED = DeviceSpec(
    "toy.learned", "processor", "toys:Scale", (Param("factor", 1.0, lo=-10, hi=10), WEIGHTS), role="enhancer",
    weights="voxrack/no-such-file.safetensors",
)  # fmt: skip


def heard(audio: Audio, front) -> np.ndarray:
    return analyze(recorder(), audio, front=front)[0].values.T


def noise(frames: int = RATE, channels: int = 1, rate: int = RATE) -> Audio:
    return Audio(np.random.default_rng(1).uniform(-0.5, 0.5, (channels, frames)).astype(np.float32), rate)


# ---- in Python ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("frames", [1, 99, 100, 4096, 20_000])
def test_latency_is_taken_off_and_the_length_stays(frames):
    audio = noise(frames, channels=2)
    front = [make(toys.LATE, frames=100), Rack([make(toys.SCALE, factor=2.0), make(toys.LATE, frames=333)])]
    np.testing.assert_array_equal(heard(audio, front), 2 * audio.samples)


def test_the_tail_is_cut_at_the_end_of_the_source():
    assert heard(noise(5000), make(toys.ENDLESS, t60=2.0)).shape == (1, 5000)


def test_a_list_is_passed_in_its_order_and_channels_follow():
    audio = noise(3000)
    bus = Rack([make(toys.SCALE, factor=3.0)], [Bus("late", [make(toys.LATE, frames=10)])], {"late": 0.0}, dry=-np.inf)
    wide = heard(audio, [make(toys.WIDEN), bus])
    np.testing.assert_allclose(wide, 3 * np.concatenate((audio.samples, -audio.samples)), atol=1e-6)


def test_a_device_of_another_rate_and_one_that_wants_the_whole_signal():
    audio = Audio(np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100).astype(np.float32), 44_100)
    narrow = heard(audio, make(toys.NARROW_LATE, frames=77))
    assert narrow.shape == audio.samples.shape
    assert np.abs(narrow - audio.samples)[:, 2000:-2000].max() < 1e-3
    np.testing.assert_array_equal(heard(noise(), make(toys.BACKWARDS)), noise().samples[:, ::-1])


def test_it_streams(tmp_path: Path):
    """The analyzer hears the beginning when only the beginning of the file was read."""
    write(tmp_path / "long.wav", noise(50 * RATE))
    analyzer = recorder()
    shares: list[float] = []
    at: list[float] = []
    push = analyzer.processor.push
    analyzer.processor.push = lambda block: (at.append(shares[-1] if shares else 0.0), push(block))
    analyze(analyzer, tmp_path / "long.wav", front=make(toys.LATE, frames=500), progress=shares.append)
    assert len(at) > 100
    assert at[0] < 0.02
    assert np.all(np.diff(at) < 0.02)
    assert shares[-1] == 1.0


def test_what_is_no_front_is_refused():
    audio = noise(100)
    with pytest.raises(UsageError, match=r"'toy\.recorder' is an analyzer: it only listens; a front takes processors"):
        heard(audio, recorder())
    with pytest.raises(
        UsageError, match=r"the front is the text 'fx\.gain'; hand over what Host\.create\('fx\.gain'\)"
    ):
        heard(audio, "fx.gain")
    with pytest.raises(UsageError, match="expected a Rack, a Chain or a device"):
        heard(audio, [3])
    twice = make(toys.SCALE)
    with pytest.raises(RoutingError, match="stands in the rack twice"):
        heard(audio, [twice, Slot(twice)])
    with pytest.raises(RoutingError, match="stands in the rack twice"):  # the analyzer's own enhancer, of one state
        analyze(AnalyzerDevice(NEEDY, needs={"enhancer": twice}), audio, front=twice)


# ---- on the command line -----------------------------------------------------------------------------
def loudness(*words: object) -> float:
    return lines(done("analyze", "fx.loudness", *words, "--json"))[0]["summary"]["integrated_lufs"]


def test_a_device_and_a_preset_in_front(tmp_path: Path):
    source = tone(tmp_path / "a.wav", 2.0)
    plain = loudness(source)
    assert loudness(source, "--front", "fx.gain", "--set", "front.gain.level=-6dB") == pytest.approx(
        plain - 6, abs=0.01
    )
    softer = preset(tmp_path, level=-4.0)
    assert loudness(source, "--front", softer) == pytest.approx(plain - 4, abs=0.01)
    both = ("--front", softer, "--front", "fx.gain", "--set", "front.slot.level=-1", "--set", "front.gain.level=-2")
    assert loudness(source, *both) == pytest.approx(plain - 3, abs=0.01)
    result = lines(done("analyze", "fx.loudness", source, "--front", "telephone", "--front", "fx.gain", "--json"))[0]
    assert result["front"] == ["telephone", "fx.gain"]
    assert result["summary"]["integrated_lufs"] == pytest.approx(loudness(source, "--front", "telephone"))


def test_the_front_is_named_wherever_the_result_is(tmp_path: Path):
    source = tone(tmp_path / "a.wav", 2.0)
    words = ("analyze", "fx.loudness", source, "--front", "fx.gain")
    assert "a.wav, through fx.gain\n" in done(*words).stdout
    assert done(*words, "--csv", "--summary").stdout.startswith("file,device,front,")
    assert "fx.gain" in done(*words, "--csv", "--summary").stdout.splitlines()[1]


def test_several_files_in_two_processes_say_the_same(tmp_path: Path):
    files = [tone(tmp_path / f"{level}.wav", 2.0, level=level) for level in (0.1, 0.02)]
    words = ("analyze", "fx.loudness", *files, "--front", "slap-back", "--front", "fx.gain", "--json", "--summary")
    one, two = (sorted(lines(done(*words, "--jobs", n)), key=lambda found: found["file"]) for n in (1, 2))
    assert one == two
    assert one[0]["summary"]["integrated_lufs"] < one[1]["summary"]["integrated_lufs"]  # 0.02.wav comes first


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--front", "fx.gian"), 2, "--front fx.gian: there is no device 'fx.gian'; did you mean 'fx.gain'?"),
        (("--front", "zzz.qqq"), 2, "no installed plugin offers 'zzz.…'"),
        (("--front", "telefone"), 2, "that is no device and no preset; did you mean 'telephone'?"),
        (("--front", "gone.json"), 3, "gone.json"),
        (("--front", ""), 2, "--front is an empty name"),
        (("--front", "fx.loudness"), 2, "'fx.loudness' is an analyzer, which only listens; a front takes a processor"),
        (("--front", "fx.gain", "--set", "front.gain.levle=3"), 2, "did you mean 'front.gain.level'?"),
        (("--front", "fx.gain", "--set", "front.gain.level=300"), 2, "gain.level"),
        (("--set", "front.gain.level=3"), 2, "needs a --front that has it; none was given"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_before_a_file_is_read(tmp_path: Path, monkeypatch, words, code, told):
    monkeypatch.chdir(tmp_path)
    result = run("analyze", "fx.loudness", "missing.wav", *words)
    assert result.exit_code == code
    assert told in result.stderr
    assert "missing.wav" not in result.stderr
    assert result.stdout == ""


@pytest.fixture
def toy_host(monkeypatch) -> Host:
    """What `default_host` gives: a learned device without its weights, and one that stands in for it."""
    from voxrack import host as module

    host = Host({"toys": Bundle((LEARNED, toys.SCALE, toys.NARROW, RECORDER, NEEDY))}, discover=False)
    monkeypatch.setattr(module, "default_host", lambda: host)
    return host


def test_missing_weights_are_named_with_the_command_that_mends_it(tmp_path: Path, toy_host: Host):
    source = tone(tmp_path / "a.wav")
    wanting = run("analyze", "toy.recorder", source, "--front", "toy.learned")
    assert wanting.exit_code == 2
    assert "device 'toy.learned' needs the weights 'voxrack/no-such-file.safetensors'" in wanting.stderr
    assert "pip install --force-reinstall" in wanting.stderr
    inside = run("analyze", "toy.recorder", source, "--front", preset(tmp_path, "toy.learned"))
    assert inside.exit_code == 2
    assert "slot 'slot': device 'toy.learned' needs the weights" in inside.stderr
    assert "bypassed" not in inside.stderr
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"mine")
    words = ("--front", "toy.learned", "--set", f"front.learned.weights={own}", "--set", "front.learned.factor=-1")
    assert lines(done("analyze", "toy.recorder", source, *words, "--json"))[0]["front"] == ["toy.learned"]


def test_an_analyzer_that_needs_an_enhancer_says_so(tmp_path: Path, toy_host: Host):
    result = run("analyze", "toy.needy", tone(tmp_path / "a.wav"))
    assert result.exit_code == 2
    assert "device 'toy.needy' needs a processor of the role 'enhancer', and no available device has" in result.stderr
    assert "'toy.learned' needs the weights" in result.stderr


def test_a_front_that_narrows_the_band_says_so(tmp_path: Path, toy_host: Host):
    result = done(
        "analyze", "toy.recorder", tone(tmp_path / "a.wav", rate=48_000), "--front", "toy.narrow", "--summary"
    )
    assert "in front, slot 'narrow': toy.narrow works at 16000 Hz; above 8 kHz nothing passes it" in result.stderr


def test_a_batch_takes_a_front(tmp_path: Path):
    pytest.importorskip("distributed", reason="needs the extra corpus")
    source = tone(tmp_path / "a.wav", 2.0)
    done("batch", "analyze", "fx.loudness", source, "-o", tmp_path / "plain", "--workers", 1)
    words = ("--front", "fx.gain", "--set", "front.gain.level=-6dB", "--workers", 1)
    done("batch", "analyze", "fx.loudness", source, "-o", tmp_path / "softer", *words)
    plain, softer = (json.loads((tmp_path / name / "analyses" / "a.json").read_text()) for name in ("plain", "softer"))
    change = softer["summary"]["integrated_lufs"] - plain["summary"]["integrated_lufs"]
    assert change == pytest.approx(-6.0, abs=0.01)
    assert softer["front"] == ["fx.gain"]
