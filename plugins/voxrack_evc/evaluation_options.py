"""What a converter's evaluation may be asked for: the options that its recipes share. Nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from voxrack.params import Param

PROTOCOL = "pairs"
"""The only one: every ordered pair of emotions, of speakers that training left out."""
PARTS = ("test", "validation")
WINDOWS = {"off": 0, "first": 1, "all": None}  # of DNSMOS

PART = Param("part", "test", kind="choice", choices=PARTS, structural=True,
             help="preparing: who tests (RAVDESS actors 21 to 24), or those that settings are chosen by")  # fmt: skip

OPTIONS = (
    Param("weights", "", kind="asset", help="evaluating: weight file of the device; empty: what it ships with"),
    Param("against", "", kind="text", help="evaluating: further devices, with commas between them"),
    Param("sweep", "", kind="text", help="evaluating: a parameter of the device and its values, as in "
          "strength=0.5,1,1.5: each is a system of its own; several with ; between them"),
    Param("base", "", kind="asset", help="evaluating: weights without disentanglement (disentangle=false), as a system "
          "of its own, without guidance; with sweep=negative=none,speaker,emotion,both the paper's order is tested"),
    Param("settings", "", kind="text", help="evaluating: values of the device, as in negative=both;steps=10"),
    Param("judge", "", kind="text", help="evaluating: id of the recogniser; empty: the first of role "
          "emotion-embedding that is available"),
    Param("judge_weights", "", kind="asset", help="evaluating: its weights. They should not have heard the speakers"),
    Param("speaker_weights", "", kind="asset", help="evaluating: run of stage=speaker, or weights of evc.diffevc, "
          "whose speaker encoder measures too; empty: the shipped ones, where there are some"),
    Param("utmos", "", kind="asset", help="evaluating: checkpoint of UTMOS, safetensors; empty: without"),
    Param("emotions", "neutral,angry,happy,sad", kind="text", help="evaluating: between which is converted"),
    Param("clips", 4, kind="int", lo=1, hi=100, help="evaluating: recordings of each actor and emotion"),
    Param("spoken", 40, kind="int", lo=0, hi=100_000, help="evaluating: stretches of unacted speech"),
    Param("dnsmos", "first", kind="choice", choices=tuple(WINDOWS), help="evaluating: windows of 9 s it hears"),
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """See the options' help."""

    weights: str = ""
    against: str = ""
    sweep: str = ""
    settings: str = ""
    judge: str = ""
    judge_weights: str = ""
    base: str = ""
    speaker_weights: str = ""
    utmos: str = ""
    emotions: str = "neutral,angry,happy,sad"
    clips: int = 4
    spoken: int = 40
    dnsmos: str = "first"

    @classmethod
    def taken(cls, options: dict[str, Any]) -> Asked:
        """Its options, taken out of those of a recipe; the others stay."""
        return cls(**{field.name: options.pop(field.name) for field in fields(cls) if field.name in options})

    @property
    def named(self) -> tuple[str, ...]:
        """The emotions."""
        return tuple(dict.fromkeys(word.strip() for word in self.emotions.split(",") if word.strip()))

    def lasting(self) -> Mapping[str, Any]:
        """What makes an evaluation another one; systems may be added to an evaluation."""
        return {
            "judge": self.judge, "judge_weights": self.judge_weights, "emotions": self.emotions, "clips": self.clips,
            "spoken": self.spoken, "dnsmos": self.dnsmos,
        }  # fmt: skip
