"""The losses of the three heads."""
