"""Prosody: how it is read off a voice, how an emotion changes it, and how a voice is given another one."""
