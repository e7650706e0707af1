"""The verbs of ``voxrack atlas``, one a module."""
