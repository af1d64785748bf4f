"""The pictures of an evaluation: t-SNE maps and the confusion of zero-shot classes."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuropil.captions.facts import NeuronFacts
from neuropil.evaluation.report import score_line
from neuropil.evaluation.zero_shot import CLIP

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008): colours that stay apart for colour-blind readers; marks keep further classes apart.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_MOST_CLASSES = 16  # in one legend; the rest is drawn as "other"
_OTHER = "other"
_UNKNOWN = "not known"
_DPI = 130


def draw_maps(
    embeddings: pd.DataFrame, captions: Mapping[str, NeuronFacts], *, perplexity: float, seed: int
) -> tuple[bytes, bytes]:
    """The t-SNE map of all neurons twice: coloured by cell class, and by brain region. PNG bytes."""
    neurons = [captions.get(name, NeuronFacts(name)) for name in embeddings["neuron_name"]]
    held_out = [part == "test" for part in embeddings["part"]]
    places = tsne_map(np.stack(list(embeddings["embedding"])), perplexity=perplexity, seed=seed)
    by_class, by_region = (
        tsne_picture(places, [one.label(label) for one in neurons], held_out, title=f"Embeddings of neurons by {said}")
        for label, said in (("cell_class", "cell class"), ("region", "brain region"))
    )
    return by_class, by_region


def draw_confusion(metrics: Mapping[str, Any]) -> bytes:
    """The confusion of the first label that was scored (cell classes by default). PNG bytes."""
    title = "Zero-shot classification"
    if "skipped" in metrics:
        return message_picture(title, metrics["skipped"])
    scored = {label: task for label, task in metrics["zero_shot"].items() if "confusion" in task}
    if not scored:
        reasons = "; ".join(task["skipped"] for task in metrics["zero_shot"].values())
        return message_picture(title, reasons or "no label was asked for")
    task = next(iter(scored.values()))
    row = next(
        score
        for score in metrics["scores"]
        if (score["task"], score["metric"], score["method"]) == (task["title"], "balanced accuracy", CLIP)
    )
    return confusion_picture(task, title=f"Zero-shot {task['title']} of held-out neurons", score=score_line(row))


def tsne_map(embeddings: NDArray[np.floating], *, perplexity: float, seed: int) -> NDArray[np.float64]:
    """Places [n, 2] of unit vectors [n, d] by t-SNE (van der Maaten & Hinton 2008) with cosine distances.

    The perplexity is lowered where there are fewer than three times as many neurons; with fewer than five
    neurons the first two principal components stand in.
    """
    n = len(embeddings)
    if n < 5:
        centred = embeddings - embeddings.mean(0)
        left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
        places = np.zeros((n, 2))
        kept = min(2, len(sizes))
        places[:, :kept] = left[:, :kept] * sizes[:kept]
        return places
    from sklearn.manifold import TSNE

    tsne = TSNE(perplexity=min(perplexity, (n - 1) / 3), metric="cosine", init="random", random_state=seed)
    return np.asarray(tsne.fit_transform(embeddings), dtype=np.float64)


def tsne_picture(
    places: NDArray[np.float64], labels: Sequence[str | None], held_out: Sequence[bool], *, title: str
) -> bytes:
    """A scatter of all neurons, coloured by label; test neurons filled, the others hollow. PNG bytes.

    Args:
        places: [n, 2].
        labels: a value for each neuron, None where unknown.
        held_out: whether the neuron is in the test part.
        title: stands over the picture.
    """
    figure, axes = _figure(8.6, 5.8)
    names = _named(labels)
    counts = Counter(names)
    order = sorted((name for name in counts if name not in (_OTHER, _UNKNOWN)), key=lambda name: (-counts[name], name))
    test = np.array(held_out, dtype=bool)
    for number, name in enumerate([*order, *(one for one in (_OTHER, _UNKNOWN) if one in counts)]):
        chosen = np.array([one == name for one in names])
        grey = name in (_OTHER, _UNKNOWN)
        colour = "#999999" if grey else _COLOURS[number % len(_COLOURS)]
        mark = "." if grey else _MARKS[(number + number // len(_COLOURS)) % len(_MARKS)]
        hollow, filled = chosen & ~test, chosen & test
        axes.scatter(
            places[hollow, 0],
            places[hollow, 1],
            marker=mark,
            s=30,
            facecolors="none",
            edgecolors=colour,
            linewidths=0.9,
        )
        axes.scatter(
            places[filled, 0], places[filled, 1], marker=mark, s=38, c=colour, edgecolors="black", linewidths=0.4
        )
        axes.scatter([], [], marker=mark, s=38, c=colour, label=f"{name} ({counts[name]})")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
    axes.set_title(f"{title}\n{len(names)} neurons; filled: {int(test.sum())} of the test part", fontsize=11)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("t-SNE 1 (no unit)")
    axes.set_ylabel("t-SNE 2 (no unit)")
    return _png(figure)


def confusion_picture(report: Mapping[str, Any], *, title: str, score: str) -> bytes:
    """The confusion of zero-shot classes: rows are true classes, each shaded by its share. PNG bytes.

    Args:
        report: `classes` and `confusion` (counts, true class in rows) of a task.
        title: stands over the picture.
        score: a line below the title: the score with interval, n and chance.
    """
    classes, table = list(report["classes"]), np.array(report["confusion"], dtype=np.int64)
    k = len(classes)
    totals = table.sum(1)
    shares = table / np.maximum(totals, 1)[:, None]
    figure, axes = _figure(max(5.5, 2.8 + 0.62 * k), max(4.4, 2.2 + 0.52 * k))
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(k, k):
        if table[row, column]:
            dark = shares[row, column] > 0.55
            axes.text(
                column, row, str(table[row, column]), ha="center", va="center", color="white" if dark else "black"
            )
    axes.set_xticks(range(k), classes, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(k), [f"{name} (n = {total})" for name, total in zip(classes, totals, strict=True)])
    axes.set_xlabel("class of the nearest text")
    axes.set_ylabel("true class")
    axes.set_title(f"{title}\n{score}", fontsize=10.5)
    figure.colorbar(image, ax=axes, label="share of the true class", fraction=0.046, pad=0.03)
    return _png(figure)


def message_picture(title: str, message: str) -> bytes:
    """A picture that says why there is nothing to show. PNG bytes."""
    figure, axes = _figure(7, 2.4)
    axes.set_axis_off()
    axes.set_title(title, fontsize=11)
    axes.text(0.5, 0.5, message, ha="center", va="center", wrap=True, fontsize=10)
    return _png(figure)


def _named(labels: Sequence[str | None]) -> list[str]:
    """The labels with rare ones beyond the legend's length as "other"."""
    common = {name for name, _ in Counter(label for label in labels if label is not None).most_common(_MOST_CLASSES)}
    return [_UNKNOWN if label is None else label if label in common else _OTHER for label in labels]


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    # The figure is made without pyplot: no window, no global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None}, bbox_inches="tight")
    return buffer.getvalue()
