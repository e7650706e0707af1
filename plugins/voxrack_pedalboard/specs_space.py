"""Modulation, echo, room."""

from __future__ import annotations

from voxrack.params import Param

from .spec_parts import built_in, cutoff, lfo_rate, milliseconds, share, wet

# feedback of exactly 1 adds up what comes in without an end
_FEEDBACK = 0.99

SPECS = (
    built_in(
        "chorus", "Chorus", "Copies with a wavering delay; also flanger and vibrato.",
        lfo_rate(), share("depth", 0.25, "how far the delay wavers"),
        milliseconds("centre_delay_ms", 7.0, 1.0, 100.0, "delay around which it wavers"),
        share("feedback", 0.0, "what is sent round again", -_FEEDBACK, _FEEDBACK), wet(0.5),
        transparent={"wet": 0.0},
    ),
    built_in(
        "phaser", "Phaser", "Six all-pass stages that sweep notches through the spectrum.",
        lfo_rate(), share("depth", 0.5, "how far the notches sweep"),
        cutoff("centre_frequency_hz", 1300.0, "frequency around which they sweep"),
        share("feedback", 0.0, "what is sent round again", -_FEEDBACK, _FEEDBACK), wet(0.5),
        transparent={"wet": 0.0},
    ),
    built_in(
        "delay", "Delay", "Echoes.",
        Param("delay_seconds", 0.5, lo=0.0, hi=30.0, unit="s", scale=0.3,
              help="time between echoes; 0 is no effect at all; while it sounds, a change jumps"),
        share("feedback", 0.0, "level of each echo against the one before; 1 repeats for ever"), wet(0.5),
        transparent={"wet": 0.0},
    ),
    built_in(
        "reverb", "Reverb", "Freeverb: eight combs and four all-passes a channel.",
        share("room_size", 0.5, "length of the reverberation"),
        share("damping", 0.5, "how much faster the high frequencies die away"),
        share("wet_level", 0.33, "level of the reverberation (0.33 is about -10 dB)"),
        share("dry_level", 0.4, "level of the input; 0.5 is unity gain"),
        share("width", 1.0, "0 is mono, 1 full stereo"),
        share("freeze_mode", 0.0, "from 0.5 on, the sound stands still for ever"),
        module="buffered", channels=(1, 2), transparent={"wet_level": 0.0, "dry_level": 0.5},
    ),
    built_in(
        "convolution", "Convolution", "Convolves with a recorded impulse response: rooms, speakers, telephones.",
        Param("impulse_response", "", "asset", structural=True, help="audio file, mono or with the signal's channels"),
        Param("normalize", True, "bool", structural=True,
              help="bring the response to an energy of -18 dB, as pedalboard does; off: a plain convolution"),
        wet(1.0),
        module="convolution", transparent={"wet": 0.0},
    ),
)  # fmt: skip
