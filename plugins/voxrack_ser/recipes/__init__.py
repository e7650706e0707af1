"""How the recognisers are prepared, trained and evaluated; one file per paper."""
