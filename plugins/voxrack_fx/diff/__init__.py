"""The effects as torch modules, with gradients to every number (spec sections 3 to 7). Imported only on demand."""
