"""One form for the facts of all sources: paths from coarse to fine, papers, completeness, licence, citation."""

import pytest

from neuropil.captions.adapters import adapt
from neuropil.rendering.grouping import group_keys
from neuropil.sources.metadata import normalised
from neuropil.sources.standard import integrity_of, publications_of

NEUROMORPHO = {
    "neuron_id": 1,
    "neuron_name": "cnic_001",
    "archive": "Wearne_Hof",
    "species": "monkey",
    "brain_region": ["layer 3", "prefrontal", "neocortex"],
    "cell_type": ["Local projecting", "pyramidal", "principal cell"],
    "domain": "Dendrites, Soma, No Axon",
    "attributes": "Diameter, 3D, Angles",
    "physical_Integrity": "Dendrites Complete & Axon Incomplete",
    "reference_pmid": ["12204204", "12902394"],
    "reference_doi": ["10.1006/nimg.2002.1186", "Not reported"],
}
ALLEN = {
    "specimen__id": "565871768",
    "donor__species": "Mus musculus",
    "structure__name": '"Primary visual area, layer 5"',
    "structure__layer": "5",
    "tag__dendrite_type": "aspiny",
    "tag__apical": "NA",
}


def test_neuromorpho_record_in_the_standard_form():
    record = normalised("cnic_001", "neuromorpho", NEUROMORPHO)
    assert record["region_path"] == ["neocortex", "prefrontal"] and record["layer"] == "layer 3"
    assert record["cell_type_path"] == ["principal cell", "pyramidal", "Local projecting"]
    assert record["laboratory"] == "Wearne_Hof" and record["repository"] == "NeuroMorpho.Org"
    assert record["integrity"] == {"dendrites": "complete", "axon": "incomplete"}
    assert record["traced"] == ["dendrites", "soma"] and record["measured"] == ["diameter", "3d", "angles"]
    assert record["source_url"].endswith("neuron_name=cnic_001") and record["source_id"] == "1"
    assert record["licence"] == "CC BY 4.0"
    assert record["citation"].startswith("doi:10.1006/nimg.2002.1186; PMID:12204204; PMID:12902394; NeuroMorpho.Org")
    for key in ("brain_region", "cell_type", "archive", "domain"):
        assert record[key] == NEUROMORPHO[key], "the source's own fields stay"


def test_allen_record_in_the_standard_form():
    record = normalised("565871768", "allen", ALLEN)
    assert record["species"] == "mouse" and record["scientific_name"] == "Mus musculus"
    assert record["region_path"] == ["Primary visual area"] and record["layer"] == "layer 5"
    assert record["dendrite_type"] == "aspiny" and "apical" not in record
    assert record["repository"] == "Allen Cell Types Database" and record["source_id"] == "565871768"
    assert record["source_url"] == "https://celltypes.brain-map.org/experiment/morphology/565871768"
    assert "Allen Institute" in record["licence"] and "SCR_014806" in record["citation"]


def test_lists_in_another_order_give_the_same_paths():
    turned = {key: list(reversed(value)) if isinstance(value, list) else value for key, value in NEUROMORPHO.items()}
    one, other = normalised("a", "neuromorpho", NEUROMORPHO), normalised("a", "neuromorpho", turned)
    for key in ("region_path", "cell_type_path", "layer"):
        assert one[key] == other[key]


def test_patch_seq_types_are_the_finest_of_the_path():
    facts = {"database": "Brain Image Library", "t_type": "Lamp5 Plch2 Dock5", "met_type": "Lamp5-MET-1"}
    record = normalised("x", "allen", {**facts, "cell_type": ["interneuron"]})
    assert record["cell_type_path"] == ["interneuron", "Lamp5-MET-1", "Lamp5 Plch2 Dock5"]
    assert record["repository"] == "Brain Image Library"


def test_own_files_in_neuromorpho_form_are_that_archive_s_and_others_nobody_s():
    assert normalised("a", "folder", NEUROMORPHO)["repository"] == "NeuroMorpho.Org"
    assert "repository" not in normalised("a", "folder", {"species": "rat", "archive": "ours"})
    assert normalised("a", "sample", {"archive": "neuropil sample"})["repository"] == "neuropil sample"


def test_what_a_source_says_under_a_standard_name_is_kept():
    facts = {**NEUROMORPHO, "laboratory": "Hof", "licence": "CC0", "citation": "ours"}
    record = normalised("a", "folder", facts)
    assert (record["laboratory"], record["licence"], record["citation"]) == ("Hof", "CC0", "ours")
    assert record["source_name"] == "cnic_001"


def test_readers_of_metadata_find_what_they_found():
    record = normalised("cnic_001", "neuromorpho", NEUROMORPHO)
    facts = adapt(record, "neuromorpho")
    assert (facts.cell_class, facts.layer, facts.species) == ("pyramidal", "3", "monkey")
    assert group_keys(["cnic_001"], [record], "laboratory") == ["Wearne_Hof"]


@pytest.mark.parametrize(
    "text, found",
    [
        ("Dendrites Complete, Axon Incomplete", {"dendrites": "complete", "axon": "incomplete"}),
        ("Dendrites & Axon Moderate", {"dendrites": "moderate", "axon": "moderate"}),
        ("Dendrites and Axon Complete", {"dendrites": "complete", "axon": "complete"}),
        ("Neurites Incomplete", {"neurites": "incomplete"}),
        ("Complete", {}),
        ("Dendrites", {}),
        ("", {}),
    ],
)
def test_integrity_is_read_by_compartment(text, found):
    assert integrity_of(text) == found


def test_papers_are_paired_where_both_lists_name_as_many():
    paired = {"reference_doi": ["https://doi.org/10.1/x", "10.1234/ab."], "reference_pmid": [11, "12.0"]}
    assert publications_of(paired) == [{"doi": "10.1234/ab"}, {"pmid": "11"}, {"pmid": "12"}]
    paired["reference_doi"][0] = "https://doi.org/10.1016/x"
    assert publications_of(paired) == [{"doi": "10.1016/x", "pmid": "11"}, {"doi": "10.1234/ab", "pmid": "12"}]
    assert publications_of({"reference_doi": ["Not reported"], "reference_pmid": None}) == []
