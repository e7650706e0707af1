"""Specifications of the recognisers and of their recipes. Nothing heavy is imported here."""

from __future__ import annotations

from voxrack.device import DeviceSpec
from voxrack.params import Param
from voxrack.recipe import RecipeSpec

from .analyzer_params import PARAMS, PROTOCOLS
from .specs_trnet import TRNET, TRNET_RECIPE


def _device(name: str, cls: str, rate: int, title: str, summary: str) -> DeviceSpec:
    return DeviceSpec(
        f"ser.{name}", "analyzer", f"voxrack_ser.analyzer:{cls}", PARAMS, role="emotion-embedding",
        weights=f"ser.{name}.safetensors", rates=(rate,), title=title, summary=summary,
    )  # fmt: skip


DEVICES = (
    _device("best", "Best", 16000, "Emotion (CRNN ensemble)", "The default: convolutional recurrent nets that vote."),
    _device("mfcc_lstm", "MfccLstm", 22050, "Emotion (MFCC-LSTM)", "Two LSTM layers over MFCC frames."),
    _device("mfcc_cnn", "MfccCnn", 22050, "Emotion (MFCC-CNN)", "Three convolutions over the MFCC picture of a clip."),
    _device("acrnn", "Acrnn", 16000, "Emotion (ACRNN)", "Convolutions, bidirectional LSTM and attention over log-mel."),
    _device("cornn", "Cornn", 16000, "Emotion (CoRNN)", "Bidirectional LSTM and Conformer over log-mel."),
    TRNET,
)


# ---- options that several recipes have ----------------------------------------------------------
def _mfcc() -> tuple[Param, ...]:
    return (
        Param("n_mfcc", 40, kind="int", lo=8, hi=128, structural=True, help="coefficients per frame"),
        Param("n_fft", 4096, kind="int", lo=256, hi=16384, unit="samples", structural=True,
              help="window at 22.05 kHz: 4096, or 2048 for the paper's comparison"),
        Param("hop_length", 728, kind="int", lo=64, hi=8192, unit="samples", structural=True,
              help="from frame to frame; 728 makes 160 frames of the longest RAVDESS clip"),
    )  # fmt: skip


def _training(learning_rate: float, batch: int, epochs: int, weight_decay: float = 0.0) -> tuple[Param, ...]:
    return (
        Param("normalise", "train", kind="choice", choices=("none", "train"),
              help="z-score per band with the training clips' statistics"),
        Param("learning_rate", learning_rate, lo=1e-7, hi=1.0, scale="log", help="Adam's"),
        Param("weight_decay", weight_decay, lo=0.0, hi=1.0, help="Adam's L2 term"),
        Param("batch", batch, kind="int", lo=2, hi=4096, help="clips, or pieces of clips, per step"),
        Param("epochs", epochs, kind="int", lo=1, hi=100_000, help="of the full tier; the CPU tier takes 40 at most"),
        Param("balance", "none", kind="choice", choices=("none", "classes"),
              help="weigh each class by the inverse of its frequency"),
        Param("patience", 0, kind="int", lo=0, hi=100_000,
              help="epochs without better recall of validation speakers until training stops; 0: never"),
        Param("bfloat16", False, kind="bool",
              help="multiply in bfloat16 while training: several times faster on GPUs and on CPUs that have AMX"),
    )  # fmt: skip


def _dropout(default: float) -> Param:
    return Param("dropout", default, lo=0.0, hi=0.95, help="share of values left out in training")


RECIPES = (
    RecipeSpec(
        "ser.best", "ser.best", "voxrack_ser.recipes.best:best",
        options=(
            Param("members", 3, kind="int", lo=1, hi=32, help="networks that vote"),
            Param("learning_rate", 3e-3, lo=1e-7, hi=1.0, scale="log", help="AdamW's, at its height"),
            Param("weight_decay", 0.05, lo=0.0, hi=1.0, help="AdamW's"),
            Param("batch", 32, kind="int", lo=2, hi=4096, help="clips per step"),
            Param("epochs", 60, kind="int", lo=1, hi=100_000, help="of the full tier; the CPU tier takes 40 at most"),
            _dropout(0.4),
            Param("smoothing", 0.1, lo=0.0, hi=0.9, help="share of a label's mass that is spread over all classes"),
            Param("shift", 2.5, lo=0.0, hi=24.0, unit="semitones", help="augmentation: pitch and formants up or down"),
            Param("stretch", 0.15, lo=0.0, hi=1.0, help="augmentation: tempo, as a natural logarithm"),
            Param("noise", 0.25, lo=0.0, hi=1.0, help="augmentation: share of clips with noise"),
            Param("equaliser", 3.0, lo=0.0, hi=24.0, unit="dB", help="augmentation: scale of the frequency response"),
            Param("crop", 0.3, lo=0.0, hi=1.0, help="augmentation: share of batches cut to 1 to 2.5 s"),
            Param("lead", 0.2, lo=0.0, hi=1.0,
                  help="augmentation: share of clips with up to 0.5 s of background around them"),
            Param("masks", 1.0, lo=0.0, hi=3.0, help="augmentation: scale of the bars blanked out (SpecAugment)"),
            Param("channel", 0.0, lo=0.0, hi=1.0,
                  help="augmentation: share of clips through a narrow band (a telephone's) or a strong tilt"),
            Param("temperature", 1.0, lo=0.05, hi=20.0, help="stored with the model: calibration of whole recordings"),
            Param("window_temperature", 1.0, lo=0.05, hi=20.0, help="stored with the model: calibration of windows"),
        ),
        protocols=PROTOCOLS, title="CRNN ensemble",
        summary="Semitone bands, small convolutional recurrent networks that vote; 0.86 million parameters.",
    ),
    RecipeSpec(
        "ser.mfcc_lstm", "ser.mfcc_lstm", "voxrack_ser.recipes.mfcc:lstm",
        options=(
            *_mfcc(), *_training(5e-4, 32, 100),
            Param("width", 1024, kind="int", lo=8, hi=8192, help="units per layer; 1024 is the paper's"),
        ),
        protocols=PROTOCOLS, title="MFCC-LSTM",
        summary="40 MFCC, two LSTM layers of 1,024, last valid output; 13.0 million parameters.",
    ),
    RecipeSpec(
        "ser.mfcc_cnn", "ser.mfcc_cnn", "voxrack_ser.recipes.mfcc:cnn",
        options=(
            *_mfcc(), *_training(5e-5, 32, 300, 1e-4),
            Param("padding", "none", kind="choice", choices=("none", "same"),
                  help="of the convolutions: none has 28,712 parameters, same 45,096"),
            Param("frames", 160, kind="int", lo=46, hi=4096, help="width of the picture; shorter clips are filled up"),
        ),
        protocols=PROTOCOLS, title="MFCC-CNN",
        summary="40 x 160 MFCC as a picture, three convolutions of 32 kernels; 29 thousand parameters.",
    ),
    RecipeSpec(
        "ser.acrnn", "ser.acrnn", "voxrack_ser.recipes.acrnn:acrnn",
        options=(
            *_training(1e-5, 60, 100), _dropout(0.0),
            Param("cuts", "paper", kind="choice", choices=("paper", "ends", "first"),
                  help="pieces of training clips beyond 3 s: first and last 300 frames; in the paper's way 'happy' "
                  "every 100 frames besides; or the first alone, as in CoRNN's comparison"),
            Param("mask", False, kind="bool", help="attention leaves out the padding; the authors' code does not"),
        ),
        protocols=PROTOCOLS, title="ACRNN",
        summary="Three-channel log-mel, six convolutions, bidirectional LSTM, attention; 7.33 million parameters.",
    ),
    RecipeSpec(
        "ser.cornn", "ser.cornn", "voxrack_ser.recipes.cornn:cornn",
        options=(
            *_training(1e-3, 40, 250), _dropout(0.2),
            Param("parts", "both", kind="choice", choices=("both", "no_conformer", "no_bilstm"),
                  help="the ablations of table 2"),
            Param("frames", 300, kind="int", lo=0, hi=100_000,
                  help="a clip is cut to its first frames of 10 ms; 0 takes it whole"),
            Param("width", 128, kind="int", lo=8, hi=2048,
                  help="LSTM units per direction; the Conformer's dimension is twice that"),
            Param("blocks", 1, kind="int", lo=1, hi=32, help="Conformer blocks"),
            Param("heads", 4, kind="int", lo=1, hi=64, help="attention heads"),
            Param("kernel", 31, kind="int", lo=3, hi=255, help="frames of the Conformer's convolution, an odd number"),
            Param("expansion", 2, kind="int", lo=1, hi=8,
                  help="channels behind the gate of the Conformer's convolution, as a multiple of its dimension"),
        ),
        protocols=PROTOCOLS, title="CoRNN",
        summary="Three-channel log-mel, bidirectional LSTM, Conformer, mean over time; 2.05 million parameters.",
    ),
    RecipeSpec(
        "ser.crnn_raw", "", "voxrack_ser.recipes.crnn_raw:crnn_raw",
        options=(
            *_training(1e-4, 32, 100), _dropout(0.3),
            Param("frames", 0, kind="int", lo=0, hi=10_000_000, unit="samples",
                  help="longest piece at 16 kHz; 0: a clip whole"),
        ),
        protocols=PROTOCOLS, title="CRNN on the waveform",
        summary="Three parallel convolutions of the waveform, one of their picture, an LSTM; for comparison only.",
    ),
    TRNET_RECIPE,
)  # fmt: skip
