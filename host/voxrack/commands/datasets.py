"""``voxrack datasets``: what is recognised in a folder of speech, what it lacks, and how it would be split."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import click

from . import common

if TYPE_CHECKING:
    from ..datasets import Corpus, Item, Split

COLUMNS = ("speaker", "gender")


@common.verb("datasets", short_help="Show which speech corpus a folder holds, and its splits.")
@click.argument("folders", metavar="FOLDER…", nargs=-1, required=True, type=click.Path())
@click.option("--name", default="", help="The corpus it is; by default recognised by its file names.")
@click.option("--protocol", default="", help="Show the splits of this protocol: folds, loso, kfold:5, cross:tess, …")
@click.option("--validation", default=0, show_default=True, help="Validation speakers of each split.")
@click.option("--seed", default=0, show_default=True, help="Of the draw of validation speakers.")
@click.option(
    "--duplicates", is_flag=True, help="Decode every file, name equal recordings and keep them on one side of a split."
)
def datasets(
    folders: tuple[str, ...], name: str, protocol: str, validation: int, seed: int, duplicates: bool, as_json: bool
) -> None:
    """Show which speech corpus a FOLDER holds (or a CSV manifest with path, speaker, label): speakers, classes, what
    is missing. Several folders are merged.

    It knows RAVDESS, TESS, SAVEE, EmoDB, IEMOCAP, ESD and CREMA-D by their file names.

    \b
    Examples:
      voxrack datasets ravdess
      voxrack datasets ravdess --protocol folds --validation 2
      voxrack datasets ravdess tess --protocol cross:tess --json
      voxrack datasets calls/manifest.csv --duplicates
    """
    from ..datasets import load_all, splits
    from ..datasets.reading import durations

    corpus = load_all(folders, [name] * len(folders) if name else ())
    notes = list(corpus.notes)
    if duplicates:
        items = _items(corpus, notes)
        seconds = {item.id: item.duration for item in items}
    else:
        items = ()
        seconds = durations(corpus.utterances, notes)
    rows = _rows(corpus, seconds)
    every = items or corpus.utterances
    asked = {"validation_speakers": validation, "seed": seed, "duplicates": "remove"}  # as `evaluate` splits
    about = [_split(split, every) for split in splits(every, protocol, **asked)] if protocol else []
    equal = _equal(items)
    if as_json:
        common.emit({
            "corpus": corpus.name, "root": str(corpus.root), "utterances": len(corpus), "classes": corpus.classes,
            "seconds": sum(seconds.values()), "speakers": rows, "notes": notes,
            **({"duplicates": equal} if duplicates else {}), **({"splits": about} if protocol else {}),
        })  # fmt: skip
        return
    _print(corpus, rows, sum(seconds.values()))
    common.write("")
    if about:
        _print_splits(protocol, about)
    for group in equal:
        common.write(f"equal audio: {', '.join(group)}")
    if duplicates and not equal:
        common.write("no two recordings are equal")
    for note in notes:
        common.write(f"note: {note}")


def _items(corpus: Corpus, notes: list[str]) -> tuple[Item, ...]:
    from ..datasets import Item, read_utterances

    with common.Bar("decoding") as bar:
        return tuple(Item.of(*pair) for pair in read_utterances(corpus.utterances, notes, bar.to))


def _equal(items: tuple[Item, ...]) -> list[list[str]]:
    from ..datasets import duplicates

    return [[items[index].id for index in group] for group in duplicates(items)]


def _rows(corpus: Corpus, seconds: dict[str, float]) -> list[dict[str, Any]]:
    """For each speaker: gender, utterances by class, seconds."""
    genders = {u.speaker: u.attributes.get("gender", "") for u in corpus.utterances}
    time: defaultdict[str, float] = defaultdict(float)
    for utterance in corpus.utterances:
        time[utterance.speaker] += seconds.get(utterance.id, 0.0)
    return [
        {"speaker": speaker, "gender": genders[speaker], "seconds": round(time[speaker], 3), "utterances": counts}
        for speaker, counts in corpus.counts().items()
    ]


def _split(split: Split, items: Any) -> dict[str, Any]:
    from ..datasets.words import natural

    out: dict[str, Any] = {"name": split.name}
    for side in ("train", "validation", "test"):
        indices = getattr(split, side)
        out[side] = len(indices)
        out[f"{side}_speakers"] = sorted({items[index].speaker for index in indices}, key=natural)
    return {**out, "left_out": len(split.left_out), "notes": split.notes}


def _print(corpus: Corpus, rows: list[dict[str, Any]], seconds: float) -> None:
    from ..datasets.words import number

    labels = [*corpus.classes, *([""] if any(not u.label for u in corpus.utterances) else [])]
    names = [label or "(no label)" for label in labels]
    lines = [
        (
            row["speaker"] or "(unknown)", row["gender"], *(row["utterances"].get(label, 0) or "·" for label in labels),
            sum(row["utterances"].values()), f"{row['seconds'] / 60:.1f}",
        )
        for row in rows
    ]  # fmt: skip
    total = [sum(row["utterances"].get(label, 0) for row in rows) for label in labels]
    lines.append(("all", "", *total, len(corpus), f"{seconds / 60:.1f}"))
    columns = (*COLUMNS, *names, "all", "minutes")
    title = f"{corpus.name}: {number(len(corpus), 'utterance')}, {number(len(corpus.speakers), 'speaker')}, "
    title += number(len(corpus.classes), "class", "classes")
    common.table(columns, lines, title=title, right=columns[2:])


def _print_splits(protocol: str, about: list[dict[str, Any]]) -> None:
    rows = [
        (
            split["name"], split["train"], split["validation"], split["test"], split["left_out"],
            _short(split["test_speakers"]), _short(split["validation_speakers"]),
        )
        for split in about
    ]  # fmt: skip
    columns = ("split", "train", "validation", "test", "left out", "test speakers", "validation speakers")
    common.table(columns, rows, title=f"protocol {protocol}: no speaker crosses", right=columns[1:5])
    common.write("")
    for text in dict.fromkeys(f"{split['name']}: {note}" for split in about for note in split["notes"]):
        common.write(f"note: {text}")


def _short(speakers: list[str]) -> str:
    from ..datasets.words import listed

    return listed(speakers, 5)


COMMANDS = (datasets,)
