"""Specification of DiffEVC's recipe. Nothing heavy is imported here."""

from __future__ import annotations

from voxrack.params import Param
from voxrack.recipe import RecipeSpec

ROLE = "emotion-embedding"
STAGES = ("content", "speaker", "decoder")
PREDICTS = ("velocity", "score")
NEGATIVES = ("none", "speaker", "emotion", "both")
"""What guidance leads away from; ``none`` is plain conditioning."""

DIFFEVC_RECIPE = RecipeSpec(
    "evc.diffevc", "evc.diffevc", "voxrack_evc.recipes.diffevc:recipe", stages=("prepare", "train"),
    needs={ROLE: "analyzer"},
    options=(
        Param(ROLE, "", kind="text", structural=True,
              help="id of the device whose embeddings tell the emotion; empty: the first available one"),
        Param("speaker", "auto", kind="choice", choices=("auto", "own", "resemblyzer"), structural=True,
              help="speaker encoder: Resemblyzer's, our own (stage=speaker trains it), or Resemblyzer's where it is "
              "installed"),
        Param("stage", "decoder", kind="choice", choices=STAGES,
              help="what is trained: the average-voice encoder, our speaker encoder, or the decoder, which needs them"),
        Param("content_run", "", kind="text", help="run of stage=content, for the decoder"),
        Param("speaker_run", "", kind="text", help="run of stage=speaker, for a decoder with our own speaker encoder"),
        Param("start", "", kind="text",
              help="run of stage=decoder, or its weights, to begin with; of the same sizes"),
        Param("width", 64, kind="int", lo=8, hi=512,
              help="channels of the decoder's first level, a multiple of 8; 64, 128, 256: 8.6, 30.7, 117.8 million "
              "weights"),
        Param("condition", 128, kind="int", lo=8, hi=1024, help="channels by which the conditions enter the decoder"),
        Param("predicts", "velocity", kind="choice", choices=PREDICTS,
              help="what the U-Net's output is: the score itself, as published, or the velocity that the score follows "
              "from, which is learned in far fewer steps"),
        Param("reference_block", False, kind="bool",
              help="whether the decoder also hears the speaker's own spectrum as a whole (DiffVC's wodyn)"),
        Param("content_width", 192, kind="int", lo=8, hi=1024, help="channels of the content encoder"),
        Param("content_filters", 768, kind="int", lo=8, hi=8192, help="of its feed-forward layers"),
        Param("content_layers", 6, kind="int", lo=1, hi=32),
        Param("content_heads", 2, kind="int", lo=1, hi=32),
        Param("content_post", 128, kind="int", lo=8, hi=512, help="channels of its post-net, a multiple of 8"),
        Param("clusters", 150, kind="int", lo=2, hi=4096,
              help="of frames, whose mean mel is the average voice where the sentence is not known"),
        Param("speaker_width", 128, kind="int", lo=8, hi=1024, help="units of our own speaker encoder's layers"),
        Param("speaker_layers", 2, kind="int", lo=1, hi=8),
        Param("disentangle", True, kind="bool",
              help="with the mutual-information loss and the auxiliary heads (eq. 2); off: the base model"),
        Param("alpha", 1.0, lo=0.0, hi=100.0, help="weight of the mel term (eq. 2); 0 for the paper's base model"),
        Param("beta", 0.05, lo=0.0, hi=100.0, help="weight of the mutual information (eq. 2)"),
        Param("gamma", 0.1, lo=0.0, hi=100.0, help="weight of the auxiliary heads (eq. 2)"),
        Param("club_updates", 5, kind="int", lo=1, hi=100, help="updates of vCLUB's own network before each step"),
        Param("club_warm", 1, kind="int", lo=0, hi=10_000,
              help="epochs in which vCLUB's network learns alone, before the bound is minimised"),
        Param("classes", "neutral,angry,happy,sad", kind="text", help="emotions that the auxiliary head tells apart"),
        Param("learning_rate", 1e-4, lo=1e-7, hi=1.0, scale="log", help="Adam's, at its height"),
        Param("batch", 32, kind="int", lo=2, hi=4096, help="crops per step"),
        Param("frames", 128, kind="int", lo=16, hi=4096, help="of a crop, a multiple of 4 (11.6 ms each)"),
        Param("crops", 1, kind="int", lo=1, hi=1000, help="of every 128 frames (`frames`) of an utterance in an epoch"),
        Param("epochs", 100, kind="int", lo=1, hi=1_000_000),
        Param("averaging", 0.999, lo=0.0, hi=0.99999, help="decay of the averaged weights, which are exported"),
    ),
    title="DiffEVC",
    summary="Score-based decoder between an average voice and the voice with an emotion; disentangled, guided.",
)  # fmt: skip
