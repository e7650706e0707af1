"""``voxrack recipes``, ``prepare``, ``train`` and ``evaluate``: learned devices, from a corpus to figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..recipe import RecipeSpec
from . import common
from . import recipe_screen as screen
from .sources import Sources, sources_options

if TYPE_CHECKING:
    from ..feature_file import FeatureFile
    from ..recipe import Report
    from .studying import Variant

_SET = click.option(
    "--set", "settings", metavar="OPTION=VALUE", multiple=True,
    help="Change an option of the recipe (`voxrack recipes ID` lists them); may be given again.",
)  # fmt: skip
_WORKERS = click.option("--workers", type=click.IntRange(0, 256), default=1, show_default=True,
                        help="Processes; 0 is one per core.")  # fmt: skip
_VALIDATION = click.option(
    "--validation", type=click.IntRange(0), default=0, show_default=True, metavar="SPEAKERS",
    help="Training speakers who choose the best epoch instead; 0: the last epoch counts.",
)  # fmt: skip
_EPOCHS = click.option("--epochs", type=click.IntRange(1), help="Instead of the recipe's own number.")


@common.verb("recipes", short_help="List the recipes of learned devices, or the options of one.")
@click.argument("id", required=False)
def recipes(id: str | None, as_json: bool) -> None:
    """List the recipes; with an ID, its options.

    \b
    Examples:
      voxrack recipes
      voxrack recipes ser.mfcc_cnn --json
    """
    from ..host import default_host

    known = default_host().recipes()
    if id is None:
        if as_json:
            common.emit([screen.about(spec) for spec in known.values()])
        else:
            rows = [(spec.id, spec.title, ", ".join(spec.stages), ", ".join(spec.protocols)) for spec in known.values()]
            common.table(("recipe", "title", "stages", "protocols"), rows)
        return
    spec = _recipe(id)
    if as_json:
        common.emit(screen.about(spec))
    else:
        screen.show_recipe(spec)


@common.verb("prepare", short_help="Read a corpus once and keep its features for training.")
@click.argument("recipe")
@sources_options
@_SET
@click.option("-o", "--out", required=True, metavar="FILE", type=click.Path(), help="Ends in .safetensors.")
@_WORKERS
@click.option("--half", is_flag=True, help="Store float16: half the size, 11 bits of precision.")
def prepare(
    recipe: str, data: Sequence[str], manifest: Sequence[str], noise: Sequence[str], unmatched: Sequence[str],
    settings: Sequence[str], out: str, workers: int, half: bool, as_json: bool,
) -> int:  # fmt: skip
    """Decode every recording of a corpus, extract what RECIPE asks for, and keep it in one file.

    A recording that cannot be read is named and left out, and the exit code is 1. The file takes its place when it
    is whole: where preparing is stopped or killed, what was there before stays.

    \b
    Examples:
      voxrack prepare ser.mfcc_cnn --data ravdess -o features.safetensors
      voxrack prepare ser.mfcc_cnn --data ravdess --set n_fft=2048 --workers 4 -o 2048.safetensors
      voxrack prepare ser.cornn --data ravdess --data tess --half -o both.safetensors
      voxrack prepare ser.cornn --manifest calls.csv -o calls.safetensors
      voxrack prepare enhance.light --data ravdess --noise esc10 --unmatched street -o mixed.safetensors
    """
    spec = _recipe(recipe, "prepare")
    sources = Sources((*data, *manifest), tuple(noise), tuple(unmatched))
    prepared, notes = _prepared(spec, sources, settings, Path(out), workers, half)
    return screen.show_features(prepared, notes, as_json)


@common.verb("train", short_help="Train a recipe on prepared features; stop and go on at will.")
@click.argument("recipe")
@click.option("--features", required=True, metavar="FILE", type=click.Path(), help="What `prepare` wrote.")
@click.option("-o", "--out", required=True, metavar="RUN", type=click.Path(), help="Folder of the run.")
@click.option("--protocol", default="all", show_default=True, help="Train on one split of it; all: on everything.")
@click.option("--fold", default="", help="Which split: a number from 1, or its name.")
@_VALIDATION
@click.option("--seed", type=int, default=0, show_default=True)
@_EPOCHS
@_SET
@click.option("--accelerator", default="auto", show_default=True, help="auto, cpu, gpu, cuda or mps.")
@click.option("--devices", type=click.IntRange(1), default=1, show_default=True, help="GPUs, or processes on the CPU.")
@click.option("--precision", type=click.Choice(("32-true", "bf16-mixed", "16-mixed")), default="32-true",
              show_default=True)  # fmt: skip
def train(
    recipe: str, features: str, out: str, protocol: str, fold: str, validation: int, seed: int, epochs: int | None,
    settings: Sequence[str], accelerator: str, devices: int, precision: str, as_json: bool,
) -> int:  # fmt: skip
    """Train RECIPE on prepared features. The folder RUN holds what was asked, a line of measures an epoch, and at the
    end model.safetensors, which the recipe's device takes as its parameter `weights`.

    Stop with Ctrl-C, or from elsewhere with `voxrack runs RUN --stop`; the same command goes on, also after a crash,
    and ends with the same weights. With --json, one line an epoch, then {"run": ...}. On a machine with nothing but
    torch, numpy and safetensors: python -m voxrack.bare RECIPE FEATURES RUN.

    \b
    Examples:
      voxrack train ser.mfcc_cnn --features features.safetensors -o runs/cnn
      voxrack train ser.cornn --features f.safetensors --protocol folds --fold 1 --validation 2 -o runs/fold1
      voxrack train ser.cornn --features f.safetensors --devices 2 --precision bf16-mixed -o runs/two
    """
    from ..feature_file import FeatureFile
    from ..training import train_recipe

    spec = _recipe(recipe, "train")
    pairs = common.split_settings(settings)
    file = FeatureFile(features)
    with screen.Training(spec.id, out, as_json) as watching:
        run = train_recipe(
            spec, file, out, settings=pairs, protocol=protocol, fold=fold, validation_speakers=validation, seed=seed,
            epochs=epochs, accelerator=accelerator, devices=devices, precision=precision, progress=watching,
        )  # fmt: skip
    return screen.show_run(run, as_json)


@common.verb("evaluate", short_help="Train and test recipes over the splits of a protocol; compare them.")
@click.argument("recipes", metavar="RECIPE...", nargs=-1)
@click.option("--features", metavar="FILE", multiple=True, type=click.Path(),
              help="What `prepare` wrote; with several recipes, one of each.")  # fmt: skip
@sources_options
@click.option("--protocol", help="Which speakers are tested. Default: the recipe's first.")
@click.option("--fold", "folds", metavar="FOLD", multiple=True,
              help="Keep to this split: a number from 1, or its name; may be given again.")  # fmt: skip
@_VALIDATION
@click.option("--seeds", type=click.IntRange(1, 1000), help="Runs of each split. Default: 3, or 1 of the CPU tier.")
@click.option("-o", "--out", metavar="DIR", type=click.Path(), help="Folder of the runs and tables.")
@click.option("--tier", type=click.Choice(("cpu", "full")), default="full", show_default=True,
              help="cpu: one seed, at most 40 epochs; full: three seeds and the recipe's epochs.")  # fmt: skip
@_EPOCHS
@_SET
@click.option("--vary", metavar="OPTION=VALUE,VALUE", multiple=True,
              help="Evaluate every value (n_fft=2048,4096), compare them; may be given again.")  # fmt: skip
@click.option("--compare", metavar="DIR", multiple=True, type=click.Path(),
              help="Also test against this finished evaluation, in pairs; may be given again.")  # fmt: skip
@_WORKERS
@click.option("--plot", metavar="PICTURE", type=click.Path(),
              help="Draw the figures (.png, .svg, .pdf); without a suffix, a folder of pictures.")  # fmt: skip
def evaluate(
    recipes: Sequence[str], features: Sequence[str], data: Sequence[str], manifest: Sequence[str],
    noise: Sequence[str], unmatched: Sequence[str], protocol: str | None, folds: Sequence[str], validation: int,
    seeds: int | None, out: str | None, tier: str, epochs: int | None, settings: Sequence[str], vary: Sequence[str],
    compare: Sequence[str], workers: int, plot: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Train RECIPE on every split of a protocol with several seeds, test each on speakers it has not heard, and print
    tables with intervals. Runs are kept in DIR: what is stopped goes on with the same command.

    With several recipes, or --vary, each has a folder in DIR, and all are compared by paired tests over the same
    speakers, folds and seeds. Finished evaluations alone: evaluate --compare A --compare B.

    \b
    Examples:
      voxrack evaluate ser.mfcc_cnn --features features.safetensors --protocol folds --seeds 3 -o cnn
      voxrack evaluate ser.mfcc_cnn --data ravdess --protocol paper --tier cpu -o cnn-paper --plot cnn.png
      voxrack evaluate ser.mfcc_cnn --data ravdess --vary n_fft=2048,4096 -o windows
      voxrack evaluate ser.cornn ser.acrnn --data ravdess --protocol folds -o two
      voxrack evaluate --compare two --compare cnn
    """
    from ..metrics_folder import slug
    from . import studying

    if plot:
        common.need("matplotlib", "--plot", "notebook")
    if not recipes and not compare:
        raise UsageError("name a RECIPE to evaluate (`voxrack recipes` lists them), or folders with --compare")
    if recipes and out is None:
        raise UsageError("name a folder for the runs and tables: -o DIR")
    sources = Sources((*data, *manifest), tuple(noise), tuple(unmatched))
    if features and sources.folders:
        raise UsageError("give --features, or --data to prepare them first; not both")
    made = studying.variants(recipes, settings, vary)
    for variant in made:
        studying.check(_recipe(variant.recipe, "evaluate"), variant)
    reports, folders = {}, []
    for variant in made:
        folder = Path(out or ".") / variant.name if len(made) > 1 else Path(out or ".")
        spec = _recipe(variant.recipe)
        chosen = protocol or (spec.protocols[0] if spec.protocols else "kfold:5")
        if features:
            file = screen.choose_features(features, spec, variant.settings)
        else:
            file = _features_in(folder, spec, sources, variant.settings, workers)
        reports[variant.name] = _evaluated(
            spec, file, variant, protocol=chosen, folds=folds, validation_speakers=validation, folder=folder,
            seeds=seeds or (1 if tier == "cpu" else 3), epochs=epochs, tier=tier, workers=common.workers(workers),
        )  # fmt: skip
        folders.append(folder / slug(chosen))
    report = studying.finished(reports, folders, compare)
    if plot:
        report.plot(Path(plot))
    if as_json:
        common.emit(report.json())
    else:
        report.tables()
    return 0


def _evaluated(spec: RecipeSpec, file: FeatureFile, variant: Variant, **asked: Any) -> Report:
    from ..recipe import create, options_for

    values = options_for(spec, file.options, common.split_settings(variant.settings))
    with screen.Steps(f"{variant.name}, {asked['protocol']}") as watching:
        return create(spec, values).evaluate(file, progress=watching, **asked)


# ---- what they share ----------------------------------------------------------------------------
def _recipe(id: str, stage: str = "") -> RecipeSpec:
    from ..host import default_host
    from ..recipe import check_stage, find

    spec = find(default_host().recipes(), id)
    if stage:
        check_stage(spec, stage)
    return spec


def _prepared(
    spec: RecipeSpec, sources: Sources, settings: Sequence[str], out: Path, workers: int, half: bool = False
) -> tuple[FeatureFile, tuple[str, ...]]:
    """Prepare features; the opened file, and the corpus's notes."""
    from ..feature_file import FeatureFile, FeatureWriter
    from ..host import default_host
    from ..recipe import create, named_needs, options, structural

    values = options(spec, common.split_settings(settings))
    helpers = default_host().needs(spec, named_needs(spec, values))
    corpus = sources.corpus(spec)
    kind = "float16" if half else "float32"
    with (
        FeatureWriter(out, spec.id, structural(spec, values), dtype=kind, workers=common.workers(workers)) as writer,
        screen.Steps(f"preparing {corpus.name}") as watching,
    ):
        create(spec, values, helpers).prepare(corpus, writer, watching)
    return FeatureFile(out), corpus.notes


def _features_in(
    folder: Path, spec: RecipeSpec, sources: Sources, settings: Sequence[str], workers: int
) -> FeatureFile:
    """``features.safetensors`` of an evaluation's folder, prepared where it is not there, or is of other options."""
    from ..preparation import utterance_ids
    from ..recipe import options, structural
    from ..replace import make_folder

    make_folder(folder)
    path = folder / "features.safetensors"
    if path.exists() and sources.folders:
        file = screen.open_features(path, spec)
        wanted = structural(spec, options(spec, common.split_settings(settings)))
        there = utterance_ids(file.items) | {id for id, _ in file.failures}
        if file.options == wanted and there == {utterance.id for utterance in sources.corpus(spec).utterances}:
            common.say(f"voxrack: {path} is there already and is used")
            return file
    file, notes = _prepared(spec, sources, settings, path, workers)
    for note in (*notes, *(f"{id} left out: {why}" for id, why in file.failures)):
        common.say(f"voxrack: {note}")
    return file


COMMANDS = (recipes, prepare, train, evaluate)
