"""How good a segmentation is on the held-out parts: every measure, with intervals, baselines and a limit.

`prepare.connect_held_out` puts truth, segmentation and baseline of each held-out part side by side on disk, block by
block; `score.score_volumes` counts them, block by block; `fault_table` and `fault_picture` show where it goes wrong.
"""

from neuropil.em.scoring.held_out import HeldOut, open_held_out
from neuropil.em.scoring.prepare import connect_held_out
from neuropil.em.scoring.score import score_volumes

__all__ = ["HeldOut", "connect_held_out", "open_held_out", "score_volumes"]
