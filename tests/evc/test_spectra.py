"""How far converted spectra go: measured on converters whose answer is known."""

import numpy as np
import pytest
from evc.small_evc import LABELS, write

from voxrack.errors import InputError
from voxrack_evc.spectra import DB, Setting, copying, shifts, spectrum


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return write(tmp_path_factory.mktemp("features") / "f.safetensors")


class Known:
    """Colours a voice as `small_evc.sentence` does for an emotion, by a share of the way."""

    class model:
        speaker = None

    def __init__(self, features, share):
        self.features, self.share = features, share
        self.mels = [features.get("mel", row).numpy() for row in range(len(features))]

    def speaker_vector(self, mel, samples):
        return None

    def conditions(self, speaker, own, emotion):
        return emotion

    def average_voice(self, mel):
        return mel + 1.0

    def __call__(self, mel, emotion, **setting):
        if not isinstance(emotion, str):
            return mel + 0.5
        (source,) = [row for row, known in enumerate(self.mels) if np.array_equal(known.T, mel)]
        step = LABELS.index(emotion) - LABELS.index(self.features.items[source].label)
        return mel + (self.share * 0.4 * step * np.linspace(-1.0, 1.0, 80))[:, None].astype(np.float32)


@pytest.mark.parametrize("share", [-0.5, 0.5, 1.0])
def test_the_share_of_the_way_to_the_real_recordings_is_found(features, share):
    found = shifts(Known(features, share), features, Setting(), LABELS)
    assert set(found) == {*LABELS, "all"}
    assert found["all"]["n"] == 12
    assert found["all"]["share"] == pytest.approx(share, abs=0.1)  # real recordings have paces of their own, too
    for one in found.values():
        assert one["share"] == pytest.approx(share, abs=0.2)
        assert one["cosine"] == pytest.approx(np.sign(share), abs=0.2)


def test_what_moves_nothing_goes_nowhere(features):
    found = shifts(Known(features, 0.0), features, Setting(), LABELS)
    assert found["all"]["share"] == found["all"]["cosine"] == 0.0


def test_copying_measures_decibels_of_decoder_and_average_voice(features):
    found = copying(Known(features, 1.0), features, Setting(), corpus="ravdess")
    assert found["n"] == 4
    assert found["decoder"] == pytest.approx(0.5 * DB, rel=1e-4)
    assert found["average voice"] == pytest.approx(DB, rel=1e-4)


def test_a_spectrum_knows_no_level_and_no_pauses():
    mel = np.random.default_rng(0).normal(size=(80, 30)).astype(np.float32)
    paused = np.concatenate((mel - 3.0, np.full((80, 50), -11.5, np.float32)), axis=1)
    np.testing.assert_allclose(spectrum(paused), spectrum(mel), atol=1e-4)


def test_nobody_to_measure_is_told(features):
    with pytest.raises(InputError, match="no test recordings of 'tess'"):
        copying(Known(features, 1.0), features, Setting(), corpus="tess")
    with pytest.raises(InputError, match="two emotions"):
        shifts(Known(features, 1.0), features, Setting(), ("calm", "surprised"))
