"""How seven corpora name their files: one small function each, and the table of them, :data:`CORPORA`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from . import sentences
from .words import emotion_word

Match = re.Match[str]


@dataclass(frozen=True, slots=True)
class Named:
    """What a file's name tells. ``take`` is the same for two copies of one recording and for nothing else."""

    speaker: str
    label: str
    take: str
    text: str = ""
    intensity: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """A corpus by its file names.

    Parameters
    ----------
    name, title : str
        ``"ravdess"``, and the name it is known by.
    pattern : re.Pattern
        Searched in the path below the corpus's folder, with that folder's own name in front and without the suffix.
    example : str
        A path that fits, for messages.
    read : callable
        From a match to :class:`Named`.
    speakers : tuple of str
        All that the complete corpus has.
    each : int
        Files of each speaker in the complete corpus; 0 where they differ.
    total : int
        Files of the complete corpus.
    """

    name: str
    title: str
    pattern: re.Pattern[str]
    example: str
    read: Callable[[Match], Named]
    speakers: tuple[str, ...]
    each: int
    total: int


def ravdess(found: Match) -> Named:
    """``03-01-06-01-02-01-12``: modality, channel, emotion, intensity, statement, repetition, actor (odd: male).

    Livingstone & Russo (2018), PLoS ONE 13(5) e0196391; zenodo.org/records/1188976.
    """
    emotions = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    attributes = {
        "gender": "male" if int(found["actor"]) % 2 else "female", "statement": found["statement"],
        "repetition": found["repetition"], "channel": ("speech", "song")[int(found["channel"]) - 1],
        "modality": ("audio and video", "video", "audio")[int(found["modality"]) - 1],
    }  # fmt: skip
    text, intensity = sentences.RAVDESS[found["statement"]], ("normal", "strong")[int(found["intensity"]) - 1]
    return Named(found["actor"], emotions[int(found["emotion"]) - 1], found[0], text, intensity, attributes)


def tess(found: Match) -> Named:
    """``OAF_back_angry``: older or younger actress, word, emotion (``ps``: pleasant surprise).

    Pichora-Fuller & Dupuis (2020), doi 10.5683/SP2/E8H2MF. The release has one ``OA_bite_neutral``, which is OAF's.
    """
    speaker = {"OA": "OAF"}.get(found["speaker"].upper(), found["speaker"].upper())
    attributes = {"gender": "female", "statement": found["word"].lower(), "age": {"OAF": "64", "YAF": "26"}[speaker]}
    text = f"Say the word {found['word'].lower()}"
    take = f"{speaker}_{found['word']}_{found['emotion']}".lower()
    return Named(speaker, emotion_word(found["emotion"]), take, text, attributes=attributes)


def savee(found: Match) -> Named:
    """``DC/a01`` or ``DC_a01``: speaker (four men), emotion letters, sentence.

    Haq & Jackson (2009), AVSP; the release's AudioData/Info.txt.
    """
    emotions = {"a": "angry", "d": "disgust", "f": "fearful", "h": "happy", "n": "neutral", "sa": "sad",
                "su": "surprised"}  # fmt: skip
    attributes = {"gender": "male", "statement": found["emotion"] + found["sentence"]}
    take = f"{found['speaker']}_{found['emotion']}{found['sentence']}"
    return Named(found["speaker"], emotions[found["emotion"]], take, attributes=attributes)


def emodb(found: Match) -> Named:
    """``03a01Fa``: speaker, text, emotion (its German letter: W anger, L boredom, E disgust, A fear, …), version.

    Burkhardt et al. (2005), Interspeech 1517-1520; emodb.bilderbar.info, index-1280.
    """
    emotions = {"W": "angry", "L": "bored", "E": "disgust", "A": "fearful", "F": "happy", "T": "sad", "N": "neutral"}
    men = ("03", "10", "11", "12", "15")
    gender = "male" if found["speaker"] in men else "female"
    attributes = {"gender": gender, "statement": found["text"], "repetition": found["version"] or "a"}
    text = sentences.EMODB[found["text"]]
    return Named(found["speaker"], emotions[found["emotion"]], found[0], text, attributes=attributes)


def iemocap(found: Match) -> Named:
    """``Ses01F_impro01_M003``: session, who wore the markers, dialogue, and **who speaks** (the last F or M).

    Busso et al. (2008), Language Resources and Evaluation 42. Labels are not in the name: see ``iemocap``.
    """
    attributes = {
        "gender": {"F": "female", "M": "male"}[found["who"]], "session": found["session"].lstrip("0"),
        "style": {"impro": "improvised", "script": "scripted"}[found["style"]], "dialogue": found["dialogue"],
    }  # fmt: skip
    return Named(f"Ses{found['session']}{found['who']}", "", found[0], attributes=attributes)


def esd(found: Match) -> Named:
    """``0011/Angry/train/0011_000351``: speaker, emotion, part (absent in some copies), number.

    Zhou et al. (2022), Speech Communication 137. Speakers 1-10 speak Chinese, 11-20 English; each emotion has the
    same 350 sentences in the same order, so that the number tells the sentence.
    """
    women = (1, 2, 3, 7, 9, 15, 16, 17, 18, 19)
    speaker = found["speaker"]
    attributes = {
        "gender": "female" if int(speaker) in women else "male", "language": "zh" if int(speaker) <= 10 else "en",
        "statement": str((int(found["number"]) - 1) % 350 + 1), **({"part": found["part"]} if found["part"] else {}),
    }  # fmt: skip
    take = f"{speaker}_{found['number']}"
    return Named(speaker, emotion_word(found["emotion"]), take, attributes=attributes)


def crema_d(found: Match) -> Named:
    """``1001_DFA_ANG_XX``: actor, sentence, emotion, level (XX: unspecified; one file of the release has X).

    Cao et al. (2014), IEEE Transactions on Affective Computing 5(4); VideoDemographics.csv for the actors' sex.
    """
    emotions = {"ANG": "angry", "DIS": "disgust", "FEA": "fearful", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
    levels = {"LO": "low", "MD": "medium", "HI": "high"}
    gender = "female" if int(found["actor"]) in _CREMA_D_WOMEN else "male"
    attributes = {"gender": gender, "statement": found["sentence"]}
    text = sentences.CREMA_D[found["sentence"]]
    return Named(found["actor"], emotions[found["emotion"]], found[0], text, levels.get(found["level"], ""), attributes)


_CREMA_D_WOMEN = frozenset((
    1002, 1003, 1004, 1006, 1007, 1008, 1009, 1010, 1012, 1013, 1018, 1020, 1021, 1024, 1025, 1028, 1029, 1030, 1037,
    1043, 1046, 1047, 1049, 1052, 1053, 1054, 1055, 1056, 1058, 1060, 1061, 1063, 1072, 1073, 1074, 1075, 1076, 1078,
    1079, 1082, 1084, 1089, 1091,
))  # fmt: skip

_ravdess = Rule(
    "ravdess", "RAVDESS (speech)",
    re.compile(r"(?<=/)(?P<modality>0[1-3])-(?P<channel>01)-(?P<emotion>0[1-8])-(?P<intensity>0[12])-"
               r"(?P<statement>0[12])-(?P<repetition>0[12])-(?P<actor>0[1-9]|1\d|2[0-4])$"),
    "Actor_12/03-01-06-01-02-01-12.wav", ravdess, tuple(f"{actor:02d}" for actor in range(1, 25)), 60, 1440,
)  # fmt: skip
_sung = _ravdess.pattern.pattern.replace("(?P<channel>01)", "(?P<channel>02)")

CORPORA: tuple[Rule, ...] = (
    _ravdess,
    replace(
        _ravdess, name="ravdess-song", title="RAVDESS (song)", pattern=re.compile(_sung), each=44, total=1012,
        example="Actor_12/03-02-06-01-02-01-12.wav", speakers=tuple(s for s in _ravdess.speakers if s != "18"),
    ),
    Rule(
        "tess", "TESS",
        re.compile(r"(?<=/)(?P<speaker>OAF|OA|YAF)_(?P<word>[a-z]+)_"
                   r"(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad)$", re.IGNORECASE),
        "OAF_angry/OAF_back_angry.wav", tess, ("OAF", "YAF"), 1400, 2800,
    ),
    Rule(
        "savee", "SAVEE",
        re.compile(r"(?<=/)(?P<speaker>DC|JE|JK|KL)[/_](?P<emotion>sa|su|[adfhn])(?P<sentence>[0-3]\d)$"),
        "AudioData/DC/a01.wav", savee, ("DC", "JE", "JK", "KL"), 120, 480,
    ),
    Rule(
        "emodb", "EmoDB",
        re.compile(r"(?<=/)(?P<speaker>03|08|09|1[0-6])(?P<text>a0[12457]|b0[1239]|b10)(?P<emotion>[WLEAFTN])"
                   r"(?P<version>[a-f]?)$"),
        "wav/03a01Fa.wav", emodb, ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16"), 0, 535,
    ),
    Rule(
        "iemocap", "IEMOCAP",
        re.compile(r"(?<=/)(?P<dialogue>Ses(?P<session>0[1-5])[FM]_(?P<style>impro|script)\w+)_(?P<who>[FM])"
                   r"(?:XX)?\d+$"),
        "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav", iemocap,
        tuple(f"Ses0{session}{who}" for session in range(1, 6) for who in "FM"), 0, 10_039,
    ),
    Rule(
        "esd", "ESD",
        re.compile(r"(?<=/)(?P<speaker>00(?:0[1-9]|1\d|20))/(?P<emotion>angry|happy|neutral|sad|surprise)/"
                   r"(?:(?P<part>train|test|evaluation)/)?(?P=speaker)_(?P<number>\d{6})$", re.IGNORECASE),
        "0011/Angry/train/0011_000371.wav", esd, tuple(f"{speaker:04d}" for speaker in range(1, 21)), 1750, 35_000,
    ),
    Rule(
        "crema-d", "CREMA-D",
        re.compile(r"(?<=/)(?P<actor>10[0-8]\d|109[01])_(?P<sentence>[A-Z]{3})_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)_"
                   r"(?P<level>LO|MD|HI|XX?)$"),
        "AudioWAV/1001_DFA_ANG_XX.wav", crema_d, tuple(str(actor) for actor in range(1001, 1092)), 0, 7442,
    ),
)  # fmt: skip


def by_name(name: str) -> Rule | None:
    """The corpus of that name, however it is written: ``CREMA-D``, ``crema_d`` and ``cremad`` are one."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return next((rule for rule in CORPORA if re.sub(r"[^a-z0-9]", "", rule.name) == plain), None)
