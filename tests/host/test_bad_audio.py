"""Odd and broken audio through every door: info, read, blocks, render_file, the command line.

Each refusal names the file and the next step, costs no memory, and damages nothing that was there.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import struct
import subprocess
import tempfile
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voxrack import Audio, Preset, Rack, render_file
from voxrack.cli import cli
from voxrack.errors import InputError, VoxrackError
from voxrack.files import AudioWarning, Writer, blocks, info, read, write, write_text

OLD = b"what was there before"


def noise(channels: int = 2, frames: int = 44_100, rate: int = 44_100) -> Audio:
    return Audio(0.1 * np.random.default_rng(0).standard_normal((channels, frames)), rate)


# ---- files that are refused --------------------------------------------------------------------------
def _bytes_of(suffix: str, subtype: str | None = None) -> bytearray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        write(path, noise(), subtype)
        return bytearray(path.read_bytes())


def _wav(rate: int = 44_100, channels: int = 2, data: bytes = bytes(400), claimed: int | None = None) -> bytes:
    """A 16-bit WAV by hand, so that its header may say anything."""
    size = len(data) if claimed is None else claimed
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2 % 2**32, channels * 2 % 2**16, 16)
    return (
        b"RIFF" + struct.pack("<I", (36 + size) % 2**32) + b"WAVEfmt " + struct.pack("<I", 16) + form
        + b"data" + struct.pack("<I", size) + data
    )  # fmt: skip


def _flac(promised: int) -> bytes:
    """A FLAC of one second whose header promises another number of frames (36 bits at byte 21)."""
    data = _bytes_of(".flac")
    data[21] = data[21] & 0xF0 | promised >> 32
    data[22:26] = struct.pack(">I", promised % 2**32)
    return bytes(data)


def _poisoned(value: float) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        samples = noise().samples.copy()
        samples[1, 30_000] = value
        soundfile.write(path, samples.T, 44_100, "FLOAT", format="WAV")

    return make


def _containing(data: bytes | Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(data if isinstance(data, bytes) else data()) and None


REFUSED: dict[str, tuple[str, Callable[[Path], object], str]] = {  # name: file, maker, what the message tells
    "missing": ("a.wav", lambda p: None, "no such file.*check the name"),
    "missing folder": ("no/such/a.wav", lambda p: None, "no such file.*last folder of that path that exists"),
    "directory": ("a.wav", lambda p: p.mkdir(), "is a folder"),
    "empty": ("a.wav", lambda p: p.touch(), "empty .0 bytes."),
    "text": ("a.wav", _containing(b"hello\n" * 100), "not an audio file.*convert"),
    "text named raw": ("a.raw", _containing(b"hello\n" * 100), "not an audio file.*convert"),
    "zeros named mp3": ("a.mp3", _containing(bytes(5000)), "not an audio file.*convert"),
    "zeros named flac": ("a.flac", _containing(bytes(5000)), "not an audio file.*convert"),
    "header cut": ("a.wav", _containing(lambda: bytes(_bytes_of(".wav")[:20])), "export|convert"),
    "header only": ("a.wav", _containing(_wav(data=b"")), "no audio .0 frames."),
    "header only, promising": ("a.wav", _containing(_wav(data=b"", claimed=400)), "no audio .0 frames."),
    "zero channels": ("a.wav", _containing(_wav(channels=0)), "(?i)channel"),
    "65 channels": ("a.wav", _containing(_wav(channels=65, data=bytes(130 * 9))), "65 channels.*1 to 64"),
    "zero rate": ("a.wav", _containing(_wav(rate=0)), "not an audio file"),
    "999 Hz": ("a.wav", _containing(_wav(rate=999)), "999 Hz is outside 1000 to 768000"),
    "768001 Hz": ("a.wav", _containing(_wav(rate=768_001)), "768001 Hz is outside 1000 to 768000"),
    "cut FLAC": ("a.flac", _containing(lambda: bytes(_bytes_of(".flac")[:80_000])), "cut off after frame.*again"),
    "FLAC promising 400 days": ("a.flac", _containing(lambda: _flac(2**36 - 1)), "cut off after frame.*again"),
    "FLAC of unknown length": ("a.flac", _containing(lambda: _flac(0)), "does not say how long"),
    "NaN": ("a.wav", _poisoned(np.nan), r"sample 30000 of channel 1 \(0.680272 s\) is NaN.*nan_to_num"),
    "infinity": ("a.wav", _poisoned(-np.inf), r"sample 30000 of channel 1 .* is infinite.*nan_to_num"),
    "pipe": ("a.wav", lambda p: os.mkfifo(p), "not a plain file"),
    "broken link": ("a.wav", lambda p: p.symlink_to("nowhere.wav"), "no such file"),
    "link to itself": ("a.wav", lambda p: p.symlink_to(p), "cannot be opened"),
    "name too long": ("a" * 300 + ".wav", lambda p: None, "cannot be opened"),
    "NUL in the name": ("a\0b.wav", lambda p: None, "cannot be opened"),
}
refused = pytest.mark.parametrize("case", REFUSED)


def broken(folder: Path, case: str) -> tuple[Path, str]:
    name, make, told = REFUSED[case]
    path = folder / name
    make(path)
    return path, told


@refused
def test_a_bad_file_is_refused_with_its_name_and_the_next_step(tmp_path: Path, case: str) -> None:
    path, told = broken(tmp_path, case)
    tracemalloc.start()
    try:
        for door in (lambda: read(path), lambda: list(blocks(path))):
            with pytest.raises(InputError, match=f"(?s){told}") as caught:
                door()
            assert str(path) in str(caught.value)
        assert tracemalloc.get_traced_memory()[1] < 20e6  # whatever a header promises
    finally:
        tracemalloc.stop()


@refused
def test_what_the_header_shows_is_refused_by_info_as_well(tmp_path: Path, case: str) -> None:
    path, told = broken(tmp_path, case)
    if case in ("cut FLAC", "FLAC promising 400 days", "NaN", "infinity"):  # the header is in order
        assert info(path).channels == 2
    else:
        with pytest.raises(InputError, match=f"(?s){told}"):
            info(path)


@refused
@pytest.mark.parametrize("before", [OLD, None])
def test_rendering_a_bad_file_leaves_the_old_target(tmp_path: Path, case: str, before: bytes | None) -> None:
    path, told = broken(tmp_path, case)
    target = tmp_path / "out" / "b.wav"
    target.parent.mkdir()
    if before is not None:
        target.write_bytes(before)
    with pytest.raises(InputError, match=f"(?s){told}"):
        render_file(Rack([]), path, target)
    assert [p.read_bytes() for p in target.parent.iterdir()] == ([before] if before else [])


# a shell cannot pass a NUL; a folder is no mistake there: what is in it is rendered
@pytest.mark.parametrize("case", [case for case in REFUSED if case not in ("NUL in the name", "directory")])
def test_the_command_line_says_it_in_one_line_with_exit_code_3(
    tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = broken(tmp_path, case)
    preset = tmp_path / "p.json"
    Preset.of(Rack([]), name="plain").save(preset)
    target = tmp_path / "out" / "b.wav"
    target.parent.mkdir()
    target.write_bytes(OLD)
    code = cli.run(["render", str(preset), str(path), "-o", str(target)])
    said = capsys.readouterr().err
    assert code == 3, said
    assert str(path) in said
    assert "Traceback" not in said
    assert [p.read_bytes() for p in target.parent.iterdir()] == [OLD]


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """Root may read and write everything; permissions bind only somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody reaches (pytest's own is closed to others)."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


def test_a_file_that_may_not_be_read_says_so(open_folder: Path) -> None:
    path = open_folder / "a.wav"
    write(path, noise())
    path.chmod(0)
    with nobody(), pytest.raises(InputError, match=r"may not read it.*chmod"):
        read(path)


# ---- files that are odd, and fine ----------------------------------------------------------------------
DENORMAL = np.float32(1e-42)
ODD: dict[str, tuple[str, Audio]] = {
    "one sample": ("a.wav", Audio(np.array([0.5]), 44_100)),
    "six channels": ("a.wav", noise(6)),
    "8 kHz": ("a.wav", noise(1, 8000, 8000)),
    "192 kHz": ("a.wav", noise(2, 19_200, 192_000)),
    "1 kHz": ("a.wav", noise(1, 500, 1000)),
    "768 kHz": ("a.wav", noise(1, 7680, 768_000)),
    "silence": ("a.wav", Audio(np.zeros((2, 44_100)), 44_100)),
    "denormals": ("a.wav", Audio(np.full((2, 4410), DENORMAL), 44_100)),
    "far beyond full scale": ("a.wav", Audio(noise().samples * np.float32(1e6), 44_100)),
    "unicode": ("Übung – 音声 🎙️ (1)%s'\".wav", noise()),
    "space and newline": (" a\nb .wav", noise()),
    "leading dash": ("-o.wav", noise()),
    "not UTF-8": (os.fsdecode(b"\xff\xfe.wav"), noise()),
    "wrong suffix": ("a.mp3", noise()),  # what is inside counts
}


@pytest.mark.parametrize("case", ODD)
def test_odd_audio_goes_through_every_door(tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, audio = ODD[case]
    path, target = tmp_path / name, tmp_path / "out.wav"
    with path.open("wb") as file:
        soundfile.write(file, audio.samples.T, audio.sample_rate, "FLOAT", format="WAV")
    assert info(path).frames == audio.frames
    assert read(path) == audio
    np.testing.assert_array_equal(np.concatenate(list(blocks(path, 512)), axis=1), audio.samples)
    report = render_file(Rack([]), path, target, tail=False)
    assert read(target) == audio
    assert (report.channels_in, report.frames_in) == (audio.channels, audio.frames)
    assert report.sample_rate == audio.sample_rate
    preset = tmp_path / "p.json"
    Preset.of(Rack([]), name="plain").save(preset)
    target.unlink()
    code = cli.run(["render", str(preset), str(path), "-o", str(target), "--no-tail"])
    assert code == 0, capsys.readouterr().err
    assert read(target) == audio


CUT: dict[str, tuple[str, Callable[[], bytes], int]] = {  # name: file, contents, frames that are there
    "WAV": ("a.wav", lambda: bytes(_bytes_of(".wav", "PCM_16")[: 44 + 4 * 10_000]), 10_000),
    "WAV in mid-frame": ("a.wav", lambda: bytes(_bytes_of(".wav", "PCM_16")[: 44 + 4 * 10_000 + 3]), 10_000),
    "AIFF": ("a.aiff", lambda: bytes(_bytes_of(".aiff", "PCM_16")[: 54 + 4 * 10_000]), 10_000),
    "W64": ("a.w64", lambda: bytes(_bytes_of(".w64", "PCM_16")[: 128 + 4 * 10_000]), 10_000),
    "AU": ("a.au", lambda: bytes(_bytes_of(".au", "PCM_16")[: 24 + 4 * 10_000]), 10_000),
    "Ogg": ("a.ogg", lambda: bytes(_bytes_of(".ogg")[:-4000]), 0),
    "MP3": ("a.mp3", lambda: bytes(_bytes_of(".mp3")[:-4000]), 0),
    "WAV promising 4 GB": ("a.wav", lambda: _wav(data=bytes(4 * 10_000), claimed=0xFFFFFFF0), 10_000),
}


@pytest.mark.parametrize("case", CUT)
def test_a_cut_file_gives_the_frames_it_has_and_says_so(tmp_path: Path, case: str) -> None:
    """As a warning of Python; and in the header's description where the header betrays it."""
    name, contents, there = CUT[case]
    path = tmp_path / name
    path.write_bytes(contents())
    tracemalloc.start()
    with pytest.warns(AudioWarning, match=r"cut off.*promises|cut off.*missing") as caught:
        audio = read(path)
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
    assert len(caught) == 1
    assert caught[0].filename == __file__  # it points at whoever called
    assert str(path) in str(caught[0].message)
    assert abs(audio.frames - there) <= 12 if there else 20_000 < audio.frames < 44_100  # a header of another length
    assert audio.peak > 0 or case.endswith("GB")  # real frames, not zeros
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AudioWarning)
        assert sum(block.shape[1] for block in blocks(path)) == audio.frames
        report = render_file(Rack([]), path, tmp_path / "out.wav", tail=False)
    assert report.frames_out == audio.frames
    assert bool(info(path).warnings) == (case != "MP3")  # its header is an estimate


def test_a_sound_file_brings_no_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for suffix in (".wav", ".flac", ".mp3", ".ogg", ".aiff", ".caf", ".au", ".w64", ".rf64"):
            write(tmp_path / f"a{suffix}", noise())
            assert info(tmp_path / f"a{suffix}").warnings == ()
            assert read(tmp_path / f"a{suffix}").frames == 44_100


# ---- destinations that cannot be written ---------------------------------------------------------------
def _doors(folder: Path) -> Iterator[tuple[str, Callable[[Path], object]]]:
    source = folder / "source.wav"
    write(source, noise())
    preset = folder / "preset.json"
    Preset.of(Rack([]), name="plain").save(preset)

    def by_command(target: Path) -> None:
        if cli.run(["render", str(preset), str(source), "-o", str(target)]) != 0:
            raise VoxrackError("the command line said it on stderr")

    yield "write", lambda target: write(target, noise())
    yield "write_text", lambda target: write_text(target, "x" * 400_000)
    yield "render_file", lambda target: render_file(Rack([]), source, target)
    yield "command", by_command


def refused_by_every_door(folder: Path, target: Path, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No door writes the target; each says why; what stands in its folder stays as it is."""
    doors = list(_doors(folder))
    before = _contents(target.parent)
    for name, door in doors:
        with pytest.raises(VoxrackError) as caught:
            door(target)
        said = str(caught.value) if name != "command" else capsys.readouterr().err
        assert re.search(told, said), f"{name} said: {said}"
        assert "Traceback" not in said
        assert _contents(target.parent) == before, name


def _contents(folder: Path) -> dict[str, bytes | None]:
    if not folder.is_dir():
        return {}
    return {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}


def test_a_folder_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(VoxrackError, match="is a folder; give the name of a file"):
        write(tmp_path / "a.wav", noise())
    assert (tmp_path / "a.wav").is_dir()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(VoxrackError, match=r"folder .*no/such does not exist; create it"):
        write(tmp_path / "no" / "such" / "a.wav", noise())


def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(VoxrackError, match="not a plain file"):
        write(tmp_path / "a.wav", noise())


def test_a_write_protected_file_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out" / "a.wav"
    target.parent.mkdir()
    target.write_bytes(OLD)
    target.chmod(0o444)
    refused_by_every_door(tmp_path, target, "write-protected", capsys)


def test_a_read_only_folder(open_folder: Path) -> None:
    folder = open_folder / "closed"
    folder.mkdir()
    (folder / "a.wav").write_bytes(OLD)
    (folder / "a.wav").chmod(0o666)
    folder.chmod(0o555)
    with nobody():
        for door in (lambda p: write(p, noise()), lambda p: write_text(p, "x")):
            with pytest.raises(VoxrackError, match=r"may not write into .*untouched"):
                door(folder / "a.wav")
    folder.chmod(0o755)
    assert _contents(folder) == {"a.wav": OLD}


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A small file system of our own, of 64 kB."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"only root may mount a small file system here: {made.stderr.strip()}")
    try:
        (folder / "a.wav").write_bytes(OLD)
        subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


needs_mount = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system for the test")


@needs_mount
def test_a_read_only_file_system(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with mounted(tmp_path / "small", "ro") as folder:
        refused_by_every_door(tmp_path, folder / "a.wav", "read-only file system|write-protected", capsys)


@needs_mount
def test_a_full_file_system(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with mounted(tmp_path / "small", "rw") as folder:
        refused_by_every_door(tmp_path, folder / "a.wav", "free some", capsys)
        for suffix in (".flac", ".aiff", ".caf", ".w64", ".rf64"):
            with pytest.raises(VoxrackError, match=r"could not be completed.*bytes are free.*free some space"):
                write(folder / f"b{suffix}", noise())
        assert _contents(folder) == {"a.wav": OLD}


@needs_mount
@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".flac", ".wav"])
def test_a_disk_that_fills_with_the_very_last_bytes(tmp_path: Path, suffix: str) -> None:
    """libsndfile writes an encoder's last bytes on closing and reports nothing: a file is whole or refused."""
    outcomes = []
    with mounted(tmp_path / "small", "rw") as folder:
        for frames in range(2000, 44_000, 2000):
            audio = Audio(noise(2, frames).samples, 44_100)
            try:
                write(folder / f"b{suffix}", audio)
            except VoxrackError as error:
                assert "could not be completed" in str(error) or "no space is left" in str(error)
                outcomes.append(False)
            else:
                assert read(folder / f"b{suffix}").frames == frames
                outcomes.append(True)
            (folder / f"b{suffix}").unlink(missing_ok=True)
            assert list(_contents(folder)) == ["a.wav"]
    assert outcomes[0]


def test_a_file_that_hits_the_size_limit(tmp_path: Path) -> None:
    """What a full disk is to root, for everybody: writing stops short in mid-file."""
    target = tmp_path / "a.wav"
    target.write_bytes(OLD)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(VoxrackError, match="could not be completed"):
            write(target, noise())
        with pytest.raises(VoxrackError, match="larger than this system lets a file be"):
            write_text(target, "x" * 400_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert _contents(tmp_path) == {"a.wav": OLD}


def test_an_interrupt_in_mid_file_leaves_the_old_one(tmp_path: Path) -> None:
    source, target = tmp_path / "a.wav", tmp_path / "out" / "b.wav"
    target.parent.mkdir()
    target.write_bytes(OLD)
    write(source, noise(frames=200_000))

    def stop(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_file(Rack([]), source, target, progress=stop)
    assert _contents(target.parent) == {"b.wav": OLD}


def test_the_hidden_file_is_beside_the_target_while_it_grows(tmp_path: Path) -> None:
    with Writer(tmp_path / "a.wav", 44_100, 2) as writer:
        writer.write(noise().samples)
        (hidden,) = os.listdir(tmp_path)
        assert hidden.startswith(".")
        assert hidden.endswith(".part.wav")
    assert os.listdir(tmp_path) == ["a.wav"]
