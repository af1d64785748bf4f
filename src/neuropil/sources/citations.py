"""Whom to cite for the neurons of a run: repositories with their policies, archives, papers; as Markdown and BibTeX."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from neuropil.sources.repositories import REPOSITORIES, SAMPLE
from neuropil.work.index import Index
from neuropil.work.text import printable

_OWN = "no repository named"


class Citations(NamedTuple):
    """The citations of a run: a page to read, and entries for a reference manager."""

    page: str
    bibtex: str


class _Used:
    """What the neurons of one repository name; memory grows with archives and papers, not with neurons."""

    def __init__(self) -> None:
        self.neurons = 0
        self.without_paper = 0
        self.archives: Counter[str] = Counter()
        self.papers: Counter[tuple[str, str]] = Counter()  # (DOI, PubMed id), either may be ""
        self.licences: Counter[str] = Counter()

    def add(self, record: Mapping[str, Any]) -> None:
        self.neurons += 1
        self.archives[str(record.get("laboratory") or record.get("archive") or "")] += 1
        self.licences[str(record.get("licence") or "not stated")] += 1
        papers = record.get("publications") or []
        self.without_paper += not papers
        for paper in papers:
            self.papers[paper.get("doi", ""), paper.get("pmid", "")] += 1


def cite(metadata: Index) -> Citations:
    """The citations of the neurons that a run uses.

    Args:
        metadata: a record a neuron in the standard form (see `standard`): `repository`, `laboratory`,
            `publications`, `licence`.

    Returns:
        Markdown: for each repository its policy, licence, the archives and the papers with their numbers of neurons;
        BibTeX: the references of the repositories and an entry of each paper by its DOI or PubMed id, which a
        reference manager fills in.
    """
    used: dict[str, _Used] = {}
    for record in metadata:
        used.setdefault(str(record.get("repository") or _OWN), _Used()).add(record)
    names = sorted(used, key=lambda name: (name not in REPOSITORIES, -used[name].neurons, name))
    lines = [
        "# What to cite for the neurons of this run",
        "",
        f"{len(metadata):,} neurons. The same as BibTeX stands beside this page.",
        "",
        "| repository | neurons | archives | papers | neurons without a paper | licence |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for name in names:
        one = used[name]
        archives = len(one.archives) - ("" in one.archives)
        licences = ", ".join(_cell(text) for text, _ in one.licences.most_common(3))
        counts = f"{one.neurons:,} | {archives:,} | {len(one.papers):,} | {one.without_paper:,}"
        lines.append(f"| {_cell(name)} | {counts} | {licences} |")
    for name in names:
        lines += ["", *_section(name, used[name])]
    return Citations("\n".join(lines) + "\n", "\n".join(_entries(used)))


def _section(name: str, used: _Used) -> Iterator[str]:
    known = REPOSITORIES.get(name)
    yield f"## {printable(name)}"
    yield ""
    if known:
        yield f"{known.policy} Terms: <{known.terms}>."
    elif name == SAMPLE:
        yield "Grown by neuropil, not traced: there is nothing to cite but neuropil."
        return
    elif name == _OWN:
        yield "Their metadata name no repository: cite them as those who traced them ask."
    else:
        yield "neuropil knows no citation policy of this repository: look it up there."
    if used.papers:
        yield from ("", "| paper | PubMed | neurons |", "|---|---|--:|")
        for (doi, pmid), count in sorted(used.papers.items(), key=lambda item: (-item[1], item[0])):
            paper = f"[{_cell(doi)}](https://doi.org/{_cell(doi)})" if doi else ""
            yield f"| {paper} | {f'[{pmid}](https://pubmed.ncbi.nlm.nih.gov/{pmid}/)' if pmid else ''} | {count:,} |"
    archives = {archive: count for archive, count in used.archives.items() if archive}
    if archives:
        yield from ("", "| archive or laboratory | neurons |", "|---|--:|")
        for archive, count in sorted(archives.items(), key=lambda item: (-item[1], item[0])):
            yield f"| {_cell(archive)} | {count:,} |"
    if used.without_paper and (known is None or known.papers):
        which = "None" if used.without_paper == used.neurons else f"{used.without_paper:,}"
        name = "name" if used.without_paper == used.neurons else "do not name"
        yield ""
        yield f"{which} of these {used.neurons:,} neurons {name} a paper; look it up by archive before you publish."


def _entries(used: Mapping[str, _Used]) -> Iterator[str]:
    """The BibTeX entries, repositories first, each paper once."""
    for name, known in REPOSITORIES.items():
        if name in used:
            for key, fields in known.references.items():
                yield _entry(key, fields["type"], {field: text for field, text in fields.items() if field != "type"})
    papers: Counter[tuple[str, str]] = Counter()
    for one in used.values():
        papers.update(one.papers)
    for (doi, pmid), count in sorted(papers.items(), key=lambda item: (-item[1], item[0])):
        fields = {"doi": _plain(doi)} if doi else {}
        fields |= {"eprint": _plain(pmid), "eprinttype": "pubmed"} if pmid else {}
        fields["note"] = f"{count} reconstruction{'s' if count > 1 else ''} used"
        key = "doi_" + re.sub(r"\W+", "_", doi) if doi else f"pmid_{pmid}"
        yield _entry(key, "misc", fields)


def _entry(key: str, kind: str, fields: Mapping[str, str]) -> str:
    lines = [f"  {field} = {{{text}}}," for field, text in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}", ""])


def _plain(text: str) -> str:
    """Text from a record that cannot end a BibTeX field."""
    return re.sub(r"[{}]", "", printable(text))


def _cell(text: str) -> str:
    """Text from a record that cannot end a cell of a Markdown table."""
    return printable(text).replace("|", "\\|")
