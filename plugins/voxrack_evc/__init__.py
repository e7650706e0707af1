"""Emotional voice conversion: the same words by the same voice, with another feeling."""
