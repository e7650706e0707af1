"""README's picture, made by the demo and made small: python tools/readme_picture.py."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

TARGET = Path(__file__).resolve().parent.parent / "docs" / "demo.png"
WIDTH, COLOURS = 1200, 96  # pixels; few enough colours for a file below 300 kB

with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.executable, "-m", "voxrack", "demo", "--out", folder], check=True)
    (made,) = Path(folder).glob("*.png")
    with Image.open(made) as picture:
        size = (WIDTH, round(picture.height * WIDTH / picture.width))
        small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        small.quantize(COLOURS, dither=Image.Dither.NONE).save(TARGET, optimize=True)
print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")
