"""How the converters and the vocoder are prepared, trained and evaluated."""
