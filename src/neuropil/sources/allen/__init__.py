"""Neurons of the Allen Institute: the Cell Types Database and the Patch-seq cells in the Brain Image Library."""
