"""The distributions in here bring tests of their own; they run where the distributions are installed."""

from __future__ import annotations

collect_ignore = ["voxrack_tremolo", "voxrack_broken"]
