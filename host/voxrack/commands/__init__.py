"""The verbs of the command line, one module per family. Each module lists its own in ``COMMANDS``."""
