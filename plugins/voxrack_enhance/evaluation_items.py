"""What enhancers are tested on: mixtures of test speakers and test noises, always the same ones, and recorded pairs."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from voxrack.errors import InputError
from voxrack.metrics_quality import RATE

from .material import divide, samples

if TYPE_CHECKING:
    from voxrack.datasets import Item
    from voxrack.feature_file import FeatureFile

CLEAN, MATCHED, UNMATCHED, PAIRS = "clean", "matched", "unmatched", "pairs"
SNRS = (20, 15, 10, 5, 0, -5)  # dB
SECONDS = 5.0  # of a longer test clip, its middle
_LEAST = 1.0  # s of a test clip
_FADED = 20.0  # dB under a noise's mean at which the stretch that lies under the speech is its silence
AUDIO = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif")
Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Heard:
    """Audio of one case, mono at 16 kHz: the reference, what came in, and what others made of it."""

    clean: Sound
    noisy: Sound
    published: Mapping[str, Sound] = field(default_factory=dict)


@dataclass(frozen=True)
class Mixture:
    """A test clip under a test noise.

    Parameters
    ----------
    set : str
        ``"clean"``, ``"matched"`` or ``"unmatched"``.
    snr : int or None
        dB; None without noise.
    speech, noise : int
        Positions in the feature file; the noise's is -1 without noise.
    about : dict
        Ids, corpus, speaker and noise class.
    """

    set: str
    snr: int | None
    speech: int
    noise: int
    about: Mapping[str, str] = field(hash=False)

    @property
    def id(self) -> str:
        return self.about["speech"]

    published: Sequence[str] = ()

    def load(self, features: FeatureFile, ratio: str) -> Heard:
        """Mixed as ``ratio`` says; always the same."""
        clean = _middle(samples(features, self.speech))
        if self.snr is None:
            return Heard(clean, clean)
        rng = np.random.default_rng(_number(self.id, self.set, "place"))
        return Heard(*mixed(clean, samples(features, self.noise), self.snr, ratio, rng))


@dataclass(frozen=True)
class Pair:
    """A recording with noise and the same without; ``published`` names the folders of what others made of it."""

    id: str
    clean: str
    noisy: str
    published: tuple[str, ...] = ()
    set: str = PAIRS
    snr: int | None = None

    @property
    def about(self) -> Mapping[str, str]:
        return {"speech": self.id, "speaker": self.id.partition("_")[0], "corpus": Path(self.clean).parents[1].name}

    def load(self, features: FeatureFile | None, ratio: str) -> Heard:
        """From the files, channels averaged, at 16 kHz."""
        folder = Path(self.clean).parents[1]
        found = {name: _read(_only(folder / name, self.id)) for name in self.published}
        return Heard(_read(Path(self.clean)), _read(Path(self.noisy)), found)


Case = Mixture | Pair


def mixed(clean: Sound, noise: Sound, snr: float, ratio: str, rng: np.random.Generator) -> tuple[Sound, Sound]:
    """Speech, and speech with noise, both scaled where the sum would exceed full scale.

    Parameters
    ----------
    clean, noise : ndarray, shape (frames,)
    snr : float
        dB.
    ratio : {"whole", "active"}
        ``whole``: of the mean powers of speech and noise as they are, pauses included; the noise is taken from its
        start and repeated. ``active``: see :func:`voxrack.datasets.mix`.
    rng : numpy.random.Generator
        Where in the noise the stretch begins, for ``active``.
    """
    from voxrack.datasets import mix
    from voxrack.datasets.mixing import active_part

    if ratio == "active":
        made = mix(clean, noise, snr, rng)
        return made.speech, made.noisy
    power = float(np.mean(np.square(clean, dtype=np.float64)))
    if not power:
        raise InputError("the clip is silent throughout: no noise can be set against it")
    laid = np.resize(noise, len(clean)).astype(np.float64)
    if np.mean(laid**2) <= np.mean(np.square(noise, dtype=np.float64)) * 10 ** (-_FADED / 10):
        laid = np.resize(active_part(noise, RATE), len(clean))
    laid *= np.sqrt(power / np.mean(laid**2) / 10 ** (snr / 10))
    noisy = clean + laid
    scale = 1.0 / max(1.0, float(np.abs(noisy).max()))
    return (clean * scale).astype(np.float32), (noisy * scale).astype(np.float32)


def mixtures(features: FeatureFile, utterances: int) -> list[Mixture]:
    """Every chosen test clip clean, and at each SNR under one noise of either set; the classes come in turn.

    A clip meets the same noise at every SNR: curves over SNR and figures by class compare like with like.

    Raises
    ------
    InputError
        Where the features hold no test speech of a second or more.
    """
    parts = divide(features.items).need("test_speech")
    sets = {MATCHED: parts.test_noise, UNMATCHED: parts.unmatched_noise}
    out = []
    for position, speech in enumerate(_chosen(features.items, parts.test_speech, utterances)):
        item = features.items[speech]
        about = {"speech": item.id, "speaker": item.speaker or item.id, "corpus": item.corpus}
        out.append(Mixture(CLEAN, None, speech, -1, about))
        for name, noises in sets.items():
            if classes := _by_class(features.items, noises):
                category, rows = list(classes.items())[position % len(classes)]
                noise = rows[_number(item.id, name) % len(rows)]
                more = {"noise": features.items[noise].id, "category": category}
                out += [Mixture(name, snr, speech, noise, {**about, **more}) for snr in SNRS]
    return out


def pairs(folder: str) -> list[Pair]:
    """The pairs of a folder: ``clean/NAME``, ``noisy/NAME``, and NAME in folders of what others made of it.

    Raises
    ------
    InputError
        Where one of the two folders, or the counterpart of a file, is missing.
    """
    root = Path(folder)
    for part in (root, root / "clean", root / "noisy"):
        if not part.is_dir():
            raise InputError(f"{part}: there is no such folder; pairs are a folder with clean/ and noisy/ in it")
    clean = sorted(file for file in (root / "clean").iterdir() if file.suffix.lower() in AUDIO)
    if not clean:
        raise InputError(f"{root / 'clean'} holds no audio; its files are what noisy/ is measured against")
    others = [part for part in sorted(root.iterdir()) if part.is_dir() and part.name not in ("clean", "noisy")]
    return [
        Pair(
            file.stem, str(file), str(_only(root / "noisy", file.stem)),
            tuple(part.name for part in others if any(part.glob(f"{file.stem}.*"))),
        )
        for file in clean
    ]  # fmt: skip


# ---- choosing -------------------------------------------------------------------------------------
def _chosen(items: Sequence[Item], rows: Sequence[int], count: int) -> Iterator[int]:
    """Rows of ``count`` clips of each corpus, its speakers in turn, each speaker's by chance but alike."""
    corpora: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if items[row].duration >= _LEAST:
            corpora[items[row].corpus][items[row].speaker].append(row)
    if not corpora:
        raise InputError(f"no test clip of the features lasts {_LEAST:.0f} s; prepare with other speech")
    for _, speakers in sorted(corpora.items()):
        for own in speakers.values():
            own.sort(key=lambda row: _number(items[row].id))
        turns = max(map(len, speakers.values()))
        waiting = [own[turn] for turn in range(turns) for _, own in sorted(speakers.items()) if turn < len(own)]
        yield from waiting[:count]


def _by_class(items: Sequence[Item], noises: Sequence[int]) -> dict[str, list[int]]:
    out: dict[str, list[int]] = defaultdict(list)
    for row in noises:
        out[items[row].attributes.get("category", "") or "noise"].append(row)
    return dict(sorted(out.items()))


def _number(*words: object) -> int:
    return int.from_bytes(hashlib.sha256("|".join(map(str, words)).encode()).digest()[:6], "big")


# ---- audio ----------------------------------------------------------------------------------------
def _middle(sound: Sound) -> Sound:
    size = int(SECONDS * RATE)
    start = max(0, (len(sound) - size) // 2)
    return np.ascontiguousarray(sound[start : start + size])


def _only(folder: Path, stem: str) -> Path:
    found = [file for file in sorted(folder.glob(f"{stem}.*")) if file.suffix.lower() in AUDIO]
    if not found:
        raise InputError(f"{folder} has no audio file '{stem}' beside the clean one")
    return found[0]


def _read(file: Path) -> Sound:
    from voxrack.files import read

    return read(file).mono().resample(RATE).samples[0]
