from __future__ import annotations

SPECS: tuple = ()
