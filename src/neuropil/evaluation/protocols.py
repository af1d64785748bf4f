"""Under which divisions of the neurons a method is scored: frozen folds, with the labels that are asked for.

Four protocols. `grouped`: repeated k-fold over all neurons, cells of one laboratory and day together (where no day is
known, neuron by neuron, and the title says so). `inside`: the same among the cells of the largest laboratory, where
knowing the laboratory is of no use. `unseen`: each laboratory in turn is asked about by what the others taught; classes
that only one laboratory has cannot take part. `seen`: the neurons and classes of `unseen` once more, divided as in
`grouped`: what the two differ by is the laboratory's share, and not that of fewer classes or easier neurons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError
from neuropil.evaluation.parameters import BaselineParameters
from neuropil.evaluation.tasks import TITLES
from neuropil.rendering.grouping import LABORATORY, RECORDING_DATE, group_keys
from neuropil.statistics.folds import Fold, inside, leave_one_group_out, repeated_kfold
from neuropil.statistics.frozen import check_frozen, frozen_folds, thawed_folds
from neuropil.statistics.rare import fold_rare
from neuropil.work.keys import content_key

GROUPED, INSIDE, SEEN, UNSEEN = "grouped", "inside", "seen", "unseen"
Values = Sequence[str | None]


class Origins(NamedTuple):
    """Where each neuron is from, None where it is not known.

    Attributes:
        laboratories: its laboratory.
        days: its laboratory and recording day; the cells of a laboratory whose day is not known are together.
        dated: the same for those whose day is known, None for the others.
    """

    laboratories: Values
    days: Values
    dated: Values


def origins_of(names: Sequence[str], metadata: Sequence[Mapping[str, Any]]) -> Origins:
    """Read laboratory and day of neurons from their metadata (see `rendering.grouping.group_keys`)."""
    laboratories = _keys(names, metadata, LABORATORY)
    dates = _keys(names, metadata, RECORDING_DATE)
    days = _keys(names, metadata, f"{LABORATORY}+{RECORDING_DATE}")
    dated = [None if date is None else day for day, date in zip(days, dates, strict=True)]
    return Origins(laboratories, days, dated)


def _keys(names: Sequence[str], metadata: Sequence[Mapping[str, Any]], by: str) -> Values:
    try:
        return group_keys(names, metadata, by)
    except InputError:  # no neuron has it
        return [None] * len(names)


@dataclass(frozen=True)
class FoldSet:
    """A task under a protocol.

    Attributes:
        label: what is classified ("cell_class").
        protocol: `grouped`, `inside`, `seen` or `unseen`.
        title: task and protocol in words.
        classes: the classes asked for, in the order of the alphabet.
        truth: (n,) class index of each neuron, -1 for those that take no part.
        folds: all repeats one after the other, places in the list of neurons.
        hash: of the frozen folds; it covers labels and classes too.
        notes: what was left out, in sentences.
    """

    label: str
    protocol: str
    title: str
    classes: tuple[str, ...]
    truth: NDArray[np.int64]
    folds: tuple[Fold, ...]
    hash: str
    notes: tuple[str, ...]

    def runs(self, seeds: int) -> list[list[Fold]]:
        """The folds of each seed; the laboratories of `unseen` are the same for all seeds."""
        if self.protocol == UNSEEN:
            return [list(self.folds)] * seeds
        each = len(self.folds) // seeds
        return [list(self.folds[start : start + each]) for start in range(0, each * seeds, each)]


def freeze_protocols(
    names: Sequence[str],
    labels: Mapping[str, Values],
    origins: Origins,
    *,
    parameters: BaselineParameters,
    seed: int,
) -> dict[str, Any]:
    """Decide all folds, as plain values for a JSON file.

    Args:
        names: the neurons, each once.
        labels: task -> the class of each neuron, None where it has none.
        origins: laboratory and day of each.
        parameters: folds, repeats, rare classes.
        seed: decides the divisions.

    Returns:
        {"hash", "neurons", "seeds", "sets": [...], "left_out": [sentences]}.
    """
    sets, left_out = [], []
    sizes = Counter(one for one in origins.laboratories if one is not None)
    largest = max(sorted(sizes), key=lambda one: sizes[one]) if len(sizes) > 1 else None
    for label, values in labels.items():
        title = TITLES.get(label, label)
        for protocol in _PROTOCOLS:
            if protocol != GROUPED and (label == LABORATORY or largest is None):
                continue
            made = _make(protocol, label, values, origins, largest, parameters, seed)
            if isinstance(made, str):
                if protocol == SEEN and made == _NONE_SHARED:
                    continue  # said of the unseen laboratories
                left_out.append(f"{title}, {_PROTOCOLS[protocol].format(largest=largest)}: {made}")
                continue
            facts = {
                "label": label,
                "protocol": protocol,
                "title": f"{title}, {made.words}",
                "classes": sorted({str(made.labels[place]) for fold in made.folds for place in fold.test}),
                "labels": {name: value for name, value in zip(names, made.labels, strict=True) if value is not None},
                "notes": made.notes,
                "seed": seed,
            }
            sets.append(frozen_folds(names, made.folds, by=made.by, facts=facts))
    document = {"neurons": list(names), "seeds": parameters.seeds, "sets": sets, "left_out": left_out}
    return {"hash": content_key(document), **document}


def thaw_protocols(document: Mapping[str, Any], there: Collection[str], *, label: str) -> list[FoldSet]:
    """The fold sets of a frozen document; every hash is checked.

    Args:
        document: of `freeze_protocols`.
        there: the neurons of now.
        label: names the document in messages.

    Raises:
        InputError: it was changed after it was frozen, or names a neuron that is not there any more.
    """
    check_frozen(document, label=label)
    names = document["neurons"]
    missing = [name for name in names if name not in there]
    if missing:
        raise InputError(f"{label}: {len(missing)} neurons are not there any more, the first {missing[0]}; freeze anew")
    sets = []
    for one in document["sets"]:
        facts = one["facts"]
        number = {name: index for index, name in enumerate(facts["classes"])}
        truth = np.array([number.get(facts["labels"].get(name), -1) for name in names], np.int64)
        folds = tuple(thawed_folds(one, names, label=label))
        sets.append(
            FoldSet(
                facts["label"], facts["protocol"], facts["title"], tuple(facts["classes"]), truth, folds,
                one["hash"], tuple(facts["notes"]),
            )
        )  # fmt: skip
    return sets


_PROTOCOLS = {
    GROUPED: "all neurons",
    INSIDE: "inside {largest}",
    SEEN: "the neurons of the unseen laboratories, seen",
    UNSEEN: "unseen laboratory",
}


class _Made(NamedTuple):
    """Labels and folds, what was left out, what is kept together, and all that in words."""

    labels: Values
    folds: list[Fold]
    notes: list[str]
    by: str
    words: str


def _make(
    protocol: str,
    label: str,
    values: Values,
    origins: Origins,
    largest: str | None,
    parameters: BaselineParameters,
    seed: int,
) -> _Made | str:
    """A task under a protocol; or why it cannot be."""
    laboratories, words = origins.laboratories, _PROTOCOLS[protocol].format(largest=largest)
    if protocol == INSIDE:
        values = [one if of == largest else None for one, of in zip(values, laboratories, strict=True)]
    kept = fold_rare(values, least=parameters.min_cells, how=parameters.rare)
    notes = [kept.said()] if kept.said() else []
    divided: Values = kept.labels
    whole: Values = kept.labels
    taught = np.empty(0, np.int64)
    if protocol in (SEEN, UNSEEN):
        labels, folds = _widened(kept.labels, laboratories)
        if not folds:
            return _NONE_SHARED
        notes += _lone(kept.labels, labels)
        if protocol == UNSEEN:
            return _Made(labels, folds, notes, LABORATORY, words)
        divided, taught = _asked(labels, laboratories, folds)
        whole = labels
    # The cells of a laboratory whose days are not known are one group: the laboratory itself could not be asked for.
    ways = [(_DATED, origins.dated)] if label == LABORATORY else [(_TOGETHER, origins.days), (_DATED, origins.dated)]
    for how_together, groups in ways:
        by = how_together if any(groups) else _APART
        labels, few = _divisible(divided, groups, parameters.folds)
        if len(set(labels) - {None}) >= 2 and not (few and protocol == SEEN):
            break
    else:
        if protocol == SEEN:
            return f"not all of its classes have neurons of {parameters.folds} days"
        return f"fewer than two classes have {parameters.min_cells} neurons of {parameters.folds} days"
    if few:
        notes.append(f"left out, for too few days: {', '.join(few)}")
    how = {"k": parameters.folds, "repeats": parameters.seeds, "seed": seed}
    if protocol == INSIDE:
        folds = inside(labels, laboratories, str(largest), groups, **how)
    else:
        folds = repeated_kfold(labels, groups, **how)
    if protocol == SEEN:
        labels = whole
        folds = [Fold(fold.name, np.union1d(fold.train, taught), fold.test) for fold in folds]
    return _Made(labels, folds, notes, by, f"{words}, {by}")


_NONE_SHARED = "no laboratory shares two classes with the others"
_TOGETHER = "laboratory and day kept together"
_DATED = "day kept together where it is known"
_APART = "neuron by neuron, days not known"


def _divisible(labels: Values, groups: Values, k: int) -> tuple[list[str | None], list[str]]:
    """Labels without the classes that have fewer than k groups, and those classes with their numbers of groups."""
    seen: dict[str, set[str]] = {}
    for place, (label, group) in enumerate(zip(labels, groups, strict=True)):
        if label is not None:
            seen.setdefault(label, set()).add(f"item {place}" if group is None else f"group {group}")
    few = sorted(label for label, of in seen.items() if len(of) < k)
    return [None if label in few else label for label in labels], [f"{label} ({len(seen[label])})" for label in few]


def _widened(labels: Values, laboratories: Values) -> tuple[Values, list[Fold]]:
    """One fold a laboratory. All of them choose among the same classes: those that any fold asks about.

    `leave_one_group_out` trains each fold on the classes of the laboratory that is left out; then a fold of two
    classes is an easier question than one of four, and which they are is given away.
    """
    folds = leave_one_group_out(labels, laboratories)
    asked = {labels[place] for fold in folds for place in fold.test}
    known = [place for place, label in enumerate(labels) if label in asked and laboratories[place] is not None]
    wide = []
    for fold in folds:
        out = laboratories[fold.test[0]]
        train = np.array([place for place in known if laboratories[place] != out], np.int64)
        wide.append(Fold(fold.name, train, fold.test))
    return [label if label in asked else None for label in labels], wide


def _asked(labels: Values, laboratories: Values, folds: Sequence[Fold]) -> tuple[Values, NDArray[np.int64]]:
    """Labels of the neurons that unseen laboratories are asked about, and the neurons that only teach there.

    Those are of laboratories that are never asked about, so they share no day with any that is.
    """
    asked = {int(place) for fold in folds for place in fold.test}
    known = [place for place, label in enumerate(labels) if label is not None and laboratories[place] is not None]
    divided = [label if place in asked else None for place, label in enumerate(labels)]
    return divided, np.array([place for place in known if place not in asked], np.int64)


def _lone(before: Values, after: Values) -> list[str]:
    gone = Counter(label for label in before if label is not None) - Counter(label for label in after if label)
    named = ", ".join(f"{name} ({count})" for name, count in sorted(gone.items()))
    return [f"left out, as only one laboratory has them: {named}"] if gone else []
