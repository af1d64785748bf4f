"""Affinities to instances by agglomeration: supervoxels, their region graph, merging by a score.

`supervoxels` cuts a block into pieces that should each lie in one instance; `region_graph` gathers in one pass what
the affinities say of each pair of pieces; `merging` joins pairs from the surest one down, statistics being merged with
the pieces; `classifier` is the score that was learned from pairs with a known answer (`teaching`).
"""

VERSION = 1
