"""How the enhancers are prepared, trained and evaluated."""
