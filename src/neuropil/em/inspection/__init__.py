"""What can be measured of a volume without knowing the truth: its sections, its proportions, the fit of its labels."""
