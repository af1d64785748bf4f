"""What is measured of a tree, part by part; `morphometry`, `profiles` and `lmeasure` put it together."""
