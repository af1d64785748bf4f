"""Whom to cite: every repository, archive and paper of the neurons used, counted; safe Markdown and BibTeX."""

import re

from neuropil.sources.citations import cite
from neuropil.sources.metadata import normalised
from neuropil.work.index import Index


def of_neuromorpho(number, archive, **papers):
    return normalised(f"n{number}", "neuromorpho", {"neuron_id": number, "archive": archive, **papers})


def of_allen(number):
    return normalised(str(number), "allen", {"specimen__id": number, "donor__species": "Mus musculus"})


def test_every_repository_archive_and_paper_is_counted():
    first = {"reference_doi": ["10.1000/one"], "reference_pmid": ["111"]}
    records = [
        of_neuromorpho(1, "Staiger", **first),
        of_neuromorpho(2, "Staiger", **first),
        of_neuromorpho(3, "Hof", reference_pmid=["222"]),
        of_neuromorpho(4, "Hof"),
        of_allen(5),
        normalised("own", "folder", {"species": "rat"}),
        normalised("grown", "sample", {}),
    ]
    page, bibtex = cite(Index(records))
    assert "| NeuroMorpho.Org | 4 | 2 | 2 | 1 | CC BY 4.0 |" in page
    assert "[10.1000/one](https://doi.org/10.1000/one) | [111](https://pubmed.ncbi.nlm.nih.gov/111/) | 2 |" in page
    assert "| Staiger | 2 |" in page and "| Hof | 2 |" in page
    assert "1 of these 4 neurons do not name a paper" in page
    assert "RRID:SCR_002145" in page and "alleninstitute.org/legal/citation-policy" in page
    assert "name no repository" in page and "nothing to cite but neuropil" in page
    keys = re.findall(r"@(\w+)\{(\w+),", bibtex)
    assert keys == [
        ("article", "tecuatl_2024_neuromorpho"),
        ("misc", "allen_cell_types"),
        ("misc", "doi_10_1000_one"),
        ("misc", "pmid_222"),
    ]
    assert "note = {2 reconstructions used}" in bibtex


def test_only_what_was_used_is_cited():
    page, bibtex = cite(Index([of_allen(1)]))
    assert "NeuroMorpho" not in page + bibtex and "allen_cell_types" in bibtex


def test_texts_of_records_cannot_break_the_page_or_the_entries():
    hostile = {"reference_doi": ["10.1000/a}{b|c"], "reference_pmid": ["1"]}
    page, bibtex = cite(Index([of_neuromorpho(1, "lab | of\n# all }", **hostile)]))
    assert "| lab \\| of\\n# all } | 1 |" in page and "10.1000/a}{b\\|c" in page
    assert bibtex.count("{") == bibtex.count("}") and "doi = {10.1000/ab|c}" in bibtex
