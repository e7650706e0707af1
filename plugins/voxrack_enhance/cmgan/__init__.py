"""CMGAN: a conformer-based metric GAN for speech enhancement (Cao, Abdulatif and Yang, Interspeech 2022).

The generator reads a power-compressed spectrogram and answers with a magnitude mask and a complex correction; the
discriminator learns to predict PESQ. Sizes and defaults are those of the authors' code (ruizhecao96/CMGAN).
"""
