"""Fails on import, like a plugin whose licence server is away."""

raise RuntimeError("the licence server did not answer")
