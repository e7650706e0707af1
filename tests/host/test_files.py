"""Files read and written: formats, blocks, and that a target appears whole or not at all."""

from __future__ import annotations

import os
import stat
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest

import voxrack
from voxrack import Audio, files, read, write
from voxrack.clip import clip, clip_path
from voxrack.errors import InputError, UsageError, VoxrackError
from voxrack.files import AudioWarning, Writer, blocks, info, write_bytes, write_text


def noise(channels: int = 2, frames: int = 20_000, rate: int = 48_000) -> Audio:
    return Audio(0.1 * np.random.default_rng(0).standard_normal((channels, frames)), rate)


def left_behind(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if ".part" in name]


# ---- formats ------------------------------------------------------------------------------------
@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".aif", ".caf", ".au", ".w64", ".rf64", ".WAV"])
def test_float_formats_keep_every_bit(tmp_path: Path, suffix: str) -> None:
    audio = Audio(noise().samples * 40, 48_000)  # far beyond full scale: nothing clips
    write(tmp_path / f"a{suffix}", audio)
    assert read(tmp_path / f"a{suffix}") == audio


@pytest.mark.parametrize(("suffix", "snr"), [(".ogg", 10), (".opus", 5), (".mp3", 5)])
def test_lossy_formats_keep_length_time_and_sound(tmp_path: Path, suffix: str, snr: float) -> None:
    audio = clip().resample(48_000)
    write(tmp_path / f"a{suffix}", audio)
    made = read(tmp_path / f"a{suffix}")
    assert (made.sample_rate, made.channels, made.frames) == (audio.sample_rate, audio.channels, audio.frames)
    error = Audio(made.samples - audio.samples, 48_000)  # an encoder's delay left in would show here
    assert 20 * np.log10(audio.rms / error.rms) > snr


def test_flac_holds_24_bits(tmp_path: Path) -> None:
    audio = noise()
    write(tmp_path / "a.flac", audio)
    assert info(tmp_path / "a.flac").subtype == "PCM_24"
    np.testing.assert_allclose(read(tmp_path / "a.flac").samples, audio.samples, atol=2**-23)


def test_a_subtype_may_be_chosen(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", noise(), subtype="PCM_16")
    about = info(tmp_path / "a.wav")
    assert (about.format, about.subtype, about.frames, about.duration) == ("WAV", "PCM_16", 20_000, 20_000 / 48_000)
    assert about.warnings == ()


@pytest.mark.parametrize(
    ("name", "rate", "channels", "subtype", "told"),
    [
        ("a.xyz", 48_000, 2, None, r"suffix '.xyz' .* takes .wav, .flac"),
        ("a", 48_000, 2, None, "suffix ''"),
        ("a.mp3", 48_000, 6, None, "6 channels; MP3 takes 1 to 2"),
        ("a.mp3", 96_000, 2, None, "96000 Hz; MP3 takes 8000"),
        ("a.opus", 44_100, 2, None, "44100 Hz; OGG takes 8000"),
        ("a.flac", 48_000, 9, None, "9 channels; FLAC takes 1 to 8"),
        ("a.flac", 768_000, 2, None, "FLAC takes up to 655350 Hz"),
        ("a.ogg", 384_000, 2, None, "OGG takes up to 200000 Hz"),  # libvorbis would end the process
        ("a.wav", 48_000, 0, None, "0 channels; WAV takes 1 to 64"),
        ("a.wav", 48_000, 65, None, "65 channels; WAV takes 1 to 64"),
        ("a.flac", 48_000, 2, "FLOAT", "subtype 'FLOAT'; FLAC takes PCM_"),
        ("a.ogg", 48_000, 2, "OPUS", "subtype 'OPUS'; OGG takes VORBIS"),
    ],
)
def test_what_a_format_cannot_hold_is_refused_before_anything_is_created(
    tmp_path: Path, name: str, rate: int, channels: int, subtype: str | None, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        Writer(tmp_path / name, rate, channels, subtype)
    assert os.listdir(tmp_path) == []


ENDS = [(1000, 1), (8000, 1), (192_000, 2), (768_000, 1), (48_000, 6), (48_000, 64)]


@pytest.mark.parametrize(("rate", "channels"), ENDS)
def test_rates_and_channels_at_the_ends(tmp_path: Path, rate: int, channels: int) -> None:
    audio = noise(channels, 1000, rate)
    write(tmp_path / "a.wav", audio)
    assert read(tmp_path / "a.wav") == audio


def test_equal_audio_gives_equal_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", noise())
    first = (tmp_path / "a.wav").read_bytes()
    at = first.index(b"PEAK")
    assert first[at + 12 : at + 16] == bytes(4)  # where libsndfile notes the second of writing
    write(tmp_path / "a.wav", noise())
    assert (tmp_path / "a.wav").read_bytes() == first


# ---- parts and blocks -----------------------------------------------------------------------------
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg"])
@pytest.mark.parametrize("size", [1, 100, 4096, 16_384, 30_000])
def test_blocks_join_to_the_file(tmp_path: Path, suffix: str, size: int) -> None:
    frames = 1000 if size == 1 else 20_000
    write(tmp_path / f"a{suffix}", noise(frames=frames))
    pieces = list(blocks(tmp_path / f"a{suffix}", size))
    assert all(piece.shape == (2, size) for piece in pieces[:-1])
    assert all(piece.flags.c_contiguous and piece.dtype == np.float32 for piece in pieces)
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), read(tmp_path / f"a{suffix}").samples)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg"])
def test_a_part_is_that_part_of_the_whole(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"a{suffix}", noise())
    whole = read(tmp_path / f"a{suffix}")
    part = read(tmp_path / f"a{suffix}", start=5000, frames=3000)
    np.testing.assert_allclose(part.samples, whole.samples[:, 5000:8000], atol=1e-4)  # MP3's synthesis restarts
    assert read(tmp_path / f"a{suffix}", start=19_000, frames=5000).frames == 1000


@pytest.mark.parametrize(("start", "frames"), [(20_000, -1), (-1, -1), (0, 0), (0, -2)])
def test_a_part_outside_the_file_is_refused(tmp_path: Path, start: int, frames: int) -> None:
    write(tmp_path / "a.wav", noise())
    with pytest.raises((InputError, UsageError), match="frames"):
        read(tmp_path / "a.wav", start=start, frames=frames)


def test_blocks_need_a_size(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", noise())
    with pytest.raises(UsageError, match="1 or more"):
        next(blocks(tmp_path / "a.wav", 0))


def test_reading_and_writing_in_blocks_takes_constant_memory(tmp_path: Path) -> None:
    """Four times the length, the same peak of memory."""
    peaks = []
    for seconds in (10, 40):
        source, target = tmp_path / f"{seconds}.flac", tmp_path / f"{seconds}.wav"
        with Writer(source, 48_000, 2) as writer:
            for _ in range(seconds):
                writer.write(noise(frames=48_000).samples)
        tracemalloc.start()
        with Writer(target, 48_000, 2) as writer:
            for block in blocks(source):
                writer.write(block)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert info(target).frames == seconds * 48_000
    assert peaks[1] < 1.5 * peaks[0]
    assert peaks[1] < 4e6  # bytes; the longer file holds 15 million


def test_what_does_not_go_into_memory_is_refused_with_the_way_that_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.wav", noise())
    monkeypatch.setattr(files, "MAX_SAMPLES", 39_999)
    with pytest.raises(InputError, match="render_file"):
        read(tmp_path / "a.wav")
    assert read(tmp_path / "a.wav", frames=10_000).frames == 10_000


# ---- whole or not at all ---------------------------------------------------------------------------
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, GeneratorExit, SystemExit])
@pytest.mark.parametrize("before", [b"what was there", None])
def test_an_interrupted_write_leaves_what_was_there(
    tmp_path: Path, error: type[BaseException], before: bytes | None
) -> None:
    target = tmp_path / "a.wav"
    if before is not None:
        target.write_bytes(before)
    with pytest.raises(error), Writer(target, 48_000, 2) as writer:
        writer.write(noise().samples)
        assert left_behind(tmp_path)  # it is being written beside the target
        assert (target.read_bytes() if target.exists() else None) == before
        raise error
    assert (target.read_bytes() if target.exists() else None) == before
    assert left_behind(tmp_path) == []


def test_the_target_may_be_the_source(tmp_path: Path) -> None:
    audio = noise()
    write(tmp_path / "a.wav", audio)
    with Writer(tmp_path / "a.wav", 48_000, 2) as writer:
        for block in blocks(tmp_path / "a.wav"):
            writer.write(block * np.float32(0.5))
    assert read(tmp_path / "a.wav") == Audio(audio.samples * np.float32(0.5), 48_000)


def test_a_bad_block_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    for bad, told in [
        (np.zeros((1, 5)), r"\(2, frames\)"),
        (np.zeros(5), r"\(2, frames\)"),
        (np.full((2, 5), np.nan), "sample 100 of channel 0 .* is NaN"),
    ]:
        with pytest.raises(VoxrackError, match=told), Writer(tmp_path / "a.wav", 48_000, 2) as writer:
            writer.write(np.zeros((2, 100), np.float32))
            writer.write(bad)
        assert os.listdir(tmp_path) == []


def test_a_file_without_a_frame_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not one frame"), Writer(tmp_path / "a.wav", 48_000, 2) as writer:
        writer.write(np.zeros((2, 0), np.float32))
    assert os.listdir(tmp_path) == []


def test_a_writer_outside_with_says_how_to_use_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="with Writer"):
        Writer(tmp_path / "a.wav", 48_000, 2).write(np.zeros((2, 5), np.float32))
    assert os.listdir(tmp_path) == []


def test_a_new_file_gets_the_usual_permissions_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    plain, own = tmp_path / "plain", tmp_path / "own.wav"
    plain.touch()
    write(tmp_path / "new.wav", noise())
    assert stat.S_IMODE((tmp_path / "new.wav").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    own.touch()
    own.chmod(0o640)
    write(own, noise())
    assert stat.S_IMODE(own.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link.wav").symlink_to(tmp_path / "there" / "real.wav")
    write(tmp_path / "link.wav", noise())
    assert (tmp_path / "link.wav").is_symlink()
    assert read(tmp_path / "there" / "real.wav") == noise()


def test_text_and_bytes_replace_the_old_ones_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "a.json", '{"ü": 1}\n')
    assert (tmp_path / "a.json").read_bytes() == '{"ü": 1}\n'.encode()
    write_bytes(tmp_path / "a.json", b"\x00\xff")
    assert (tmp_path / "a.json").read_bytes() == b"\x00\xff"
    assert os.listdir(tmp_path) == ["a.json"]


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    name = "ü" * 125 + ".json"  # 255 bytes, what a file system allows
    write_text(tmp_path / name, "x")
    assert os.listdir(tmp_path) == [name]


# ---- 4 GB and clipping ------------------------------------------------------------------------------
def test_a_wav_that_outgrows_its_length_field_becomes_rf64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxrack.writer._WAV_BYTES", 100_000)  # in earnest 4 GB
    audio = noise()
    for subtype, tolerance in [("FLOAT", 0.0), ("PCM_24", 2**-22)]:
        with Writer(tmp_path / "a.wav", 48_000, 2, subtype) as writer:
            for first in range(0, audio.frames, 1000):
                writer.write(audio.samples[:, first : first + 1000])
        about = info(tmp_path / "a.wav")
        assert (about.format, about.subtype, about.frames) == ("RF64", subtype, audio.frames)
        np.testing.assert_allclose(read(tmp_path / "a.wav").samples, audio.samples, atol=tolerance)
        assert os.listdir(tmp_path) == ["a.wav"]


def test_clipping_is_counted_and_said(tmp_path: Path) -> None:
    samples = np.array([[0.0, 1.0, -1.0, 1.001, -5.0]])
    with pytest.warns(AudioWarning, match="2 samples beyond ±1 were clipped by PCM_16"):
        write(tmp_path / "a.wav", Audio(samples, 48_000), subtype="PCM_16")
    np.testing.assert_allclose(read(tmp_path / "a.wav").samples[0], [0, 1, -1, 1, -1], atol=1 / 32768)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write(tmp_path / "a.wav", Audio(samples, 48_000))


# ---- the bundled clip --------------------------------------------------------------------------------
def test_the_bundled_clip_is_a_sound_voice() -> None:
    import pyloudnorm

    audio = clip()
    assert (audio.channels, audio.sample_rate) == (1, 44_100)
    assert 3 < audio.duration < 8
    assert clip_path().stat().st_size < 400_000
    assert pyloudnorm.Meter(44_100).integrated_loudness(audio.samples.T) == pytest.approx(-23, abs=0.1)
    assert audio.peak < 0.9
    spectrum = np.abs(np.fft.rfft(audio.samples[0])) ** 2
    frequency = np.fft.rfftfreq(audio.frames, 1 / 44_100)
    top, floor = spectrum[(frequency > 12_000) & (frequency < 16_000)].mean(), spectrum[frequency > 21_000].mean()
    assert top > 10 * floor  # the sibilants go beyond what a 22 kHz synthesiser gives
    quiet = audio[0:0.1]
    assert quiet.rms < 10 ** (-60 / 20)


def test_the_public_names_are_these_functions() -> None:
    assert voxrack.read is files.read
    assert voxrack.write is files.write


def test_soundfile_is_imported_on_first_use_only() -> None:
    import subprocess
    import sys

    code = "import sys, voxrack.files; sys.exit(any(name in sys.modules for name in ('soundfile', 'soxr', 'scipy')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
