"""The card of a volume: its facts and three slices, as a picture."""
