"""Every score of a run in one form: neurons, EM, VAE and plain features, with the comparisons among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neuropil.statistics.tables import comparison_markdown, headline_markdown, markdown

NEURONS, EM, VAE, BASELINES = "Neurons", "EM segmentation", "SegVAE2D", "Features without learning"
GROUPS = (NEURONS, EM, VAE, BASELINES)
TRAININGS = {EM: "em_segmentation", VAE: "vae_pretrain"}
"""Group -> its key in `metrics.json`."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class AllScores:
    """What a run knows of how good it is.

    Attributes:
        scores: rows of `statistics.scores.Score` with their "group" and, where it is known, the "checkpoint".
        comparisons: rows of `statistics.scores.Comparison` with their "group".
        missing: group -> why it has no score.
    """

    scores: Sequence[Row]
    comparisons: Sequence[Row]
    missing: Mapping[str, str]


def gather_scores(
    metrics: Mapping[str, Any], baselines: Sequence[Row] | str, baseline_comparisons: Sequence[Row] | str
) -> AllScores:
    """Put the rows of all parts one under the other, those of a group together, headlines first.

    Args:
        metrics: the document of `metrics.gather_metrics`.
        baselines, baseline_comparisons: the rows of `baselines.score_methods` and `baseline_comparisons`, or why there
            are none.
    """
    documents = {NEURONS: metrics} | {group: metrics.get(key, {}) for group, key in TRAININGS.items()}
    missing = {group: str(document["skipped"]) for group, document in documents.items() if "skipped" in document}
    found: dict[str, Sequence[Row]] = {group: document.get("scores", ()) for group, document in documents.items()}
    if isinstance(baselines, str):
        missing[BASELINES] = baselines
    else:
        found[BASELINES] = baselines
    rows = []
    for group in GROUPS:
        checkpoint = str(documents.get(group, {}).get("checkpoint", ""))
        rows += [{**row, "group": group, "checkpoint": checkpoint} for row in _headlines_first(found.get(group, ()))]
    compared = [{**row, "group": NEURONS} for row in compared_methods(metrics)]
    if not isinstance(baseline_comparisons, str):
        compared += [{**row, "group": BASELINES} for row in baseline_comparisons]
    return AllScores(rows, compared, missing)


def compared_methods(metrics: Mapping[str, Any]) -> Iterator[Row]:
    """The comparisons of all labels that were scored."""
    for task in metrics.get("zero_shot", {}).values():
        yield from task.get("comparisons", ())


def write_scores(found: AllScores) -> str:
    """The Markdown of all scores: headlines, comparisons, then every row by group and task."""
    sections = ["# All scores of this run", _INTRODUCTION]
    if any(row.get("headline") for row in found.scores):
        sections += ["## Headlines", headline_markdown(found.scores).rstrip()]
    if found.comparisons:
        sections += [
            "## Methods compared on the same neurons",
            _COMPARED,
            comparison_markdown(found.comparisons).rstrip(),
        ]
    for group in GROUPS:
        rows = [row for row in found.scores if row["group"] == group]
        sections.append(f"## {group}")
        if rows:
            checkpoint = rows[0]["checkpoint"]
            sections += [f"Checkpoint `{checkpoint}`."] if checkpoint else []
            sections.append(markdown(rows).rstrip())
        else:
            sections.append(f"Not scored: {found.missing.get(group, 'no part was held back')}.")
    return "\n\n".join(sections) + "\n"


_INTRODUCTION = """\
In square brackets the 95 % interval: bootstrap over neurons (and seeds) or objects, jackknife over sub-volumes.
*Chance*: what guessing reaches; of instances, what one segment for all reaches. *Split*: the first digits of
the hash of the frozen division that the items come from. All of it comes from what was held back. The same rows, with
whole hashes, stand in `scores.parquet`."""
_COMPARED = """\
p: two-sided, by permutation, the methods' answers exchanged neuron by neuron; *Holm*: adjusted for all comparisons of
the task. McNemar's test asks of how many neurons either method has right alone, whatever their class. The same rows
stand in `comparisons.parquet`."""


def _headlines_first(rows: Sequence[Row]) -> list[Row]:
    """Tasks and measures that a headline stands in come before the others; otherwise the order stays."""
    shown = {(row["task"], row["metric"]) for row in rows if row.get("headline")}
    return sorted(rows, key=lambda row: (row["task"], row["metric"]) not in shown)
