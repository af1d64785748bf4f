"""Tables of specimens and of transcriptomic types: every form is read, and what is no table is one clear line."""

import json

import pytest

from loopback import Cut, Html, Loopback, Reply, Status
from neuropil.captions.adapters import adapt
from neuropil.errors import InputError
from neuropil.sources.allen.cell_types import cell_type_cells
from neuropil.sources.allen.labels import read_labels
from neuropil.sources.allen.parameters import AllenNeurons, PatchSeqListing
from neuropil.sources.allen.specimens import fetch_specimens, find_specimens, read_specimens
from neuropil.sources.http.client import HttpClient
from neuropil.sources.metadata import normalised
from sources.allen.allen_server import QUICK, TYPES, as_csv, serve_cells, settings, specimens

ROWS = specimens(12)


def fetched(server, folder, **more):
    with HttpClient(QUICK) as client:
        return fetch_specimens(AllenNeurons(**settings(server, **more)), client, folder)


def test_csv_and_rma_give_the_same_rows(tmp_path):
    with Loopback() as server:
        serve_cells(server, ROWS)
        assert fetched(server, tmp_path / "csv") == ROWS
        assert fetched(server, tmp_path / "rma", specimens="rma") == ROWS


def test_rma_is_read_in_pages_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr("neuropil.sources.allen.specimens._PAGE", 5)
    with Loopback() as server:
        serve_cells(server, ROWS)
        server.fail("/rma", Status(503), Html(), Cut(20))
        assert fetched(server, tmp_path, specimens="rma") == ROWS
        assert len(server.requests) == 3 + 3
        assert fetched(server, tmp_path, specimens="rma") == ROWS and len(server.requests) == 6
        assert fetched(server, tmp_path, specimens="rma", refresh=True) == ROWS and len(server.requests) == 9


def test_rma_that_refuses_or_stops_early_is_an_error(tmp_path):
    with Loopback() as server:
        server.serve("/rma", Reply(json.dumps({"success": False, "msg": "bad criteria"}).encode()))
        with pytest.raises(InputError, match=r"bad criteria.*ingestion\.neurons\.allen\.table"):
            fetched(server, tmp_path, specimens="rma")
        row = {"specimen__id": 1, "nrwkf__id": 2}
        pages = [{"success": True, "total_rows": 3, "msg": [row]}, {"success": True, "total_rows": 3, "msg": []}]
        server.answer("/rma", lambda request: Reply(json.dumps(pages["eq1" in str(request.query)]).encode()))
        with pytest.raises(InputError, match="no rows came of 3"):
            fetched(server, tmp_path, specimens="rma")


def test_table_on_disk_is_found_and_read_in_both_forms(tmp_path):
    (tmp_path / "swc").mkdir()
    assert find_specimens(tmp_path / "swc") is None
    (tmp_path / "cell_types_specimen_details.csv").write_bytes(b"\xef\xbb\xbf" + as_csv(ROWS + ROWS[:2]))
    assert read_specimens(find_specimens(tmp_path / "swc")) == ROWS
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"success": True, "msg": ROWS}))
    assert read_specimens(answer) == ROWS


@pytest.mark.parametrize(
    "data",
    [b"", b"a,b\n1,2\n", b'{"success": false, "msg": "no"}', b'{"msg": 3}', b"{", b"<html></html>", b"\0\1\2"],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path, data):
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(InputError, match=r"ingestion\.neurons\.allen\.table=.*expected the CSV export") as caught:
        read_specimens(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)


def test_filters_choose_and_a_wrong_one_is_named():
    human = AllenNeurons(filters={"donor__species": ["Homo Sapiens"], "nr__reconstruction_type": ["full"]})
    wanted = [cell.id for cell in cell_type_cells(ROWS, human) if cell.skip is None]
    assert wanted == [
        row["specimen__id"]
        for row in ROWS
        if row["donor__species"] == "Homo Sapiens" and row["nr__reconstruction_type"] == "full"
    ]
    with pytest.raises(InputError, match=r"filters: .*no column specis"):
        cell_type_cells(ROWS, AllenNeurons(filters={"specis": ["x"]}))
    with pytest.raises(InputError, match=r"filters\.donor__species: no specimen is mouse; there are 'Homo Sapiens'"):
        cell_type_cells(ROWS, AllenNeurons(filters={"donor__species": ["mouse"]}))


@pytest.mark.parametrize("number", ["../1", "1?x=2", "eleven", "-3"])
def test_reconstruction_that_is_no_number_is_not_asked_for(number):
    (cell,) = cell_type_cells([{**ROWS[0], "nrwkf__id": number}], AllenNeurons())
    assert cell.url is None and "no number" in cell.skip


def labels(tmp_path, text, **fields):
    (tmp_path / "types.csv").write_text(text)
    return read_labels("visp", PatchSeqListing(url="http://x", table=tmp_path / "types.csv", **fields))


def test_types_are_joined_and_reach_the_captions(tmp_path):
    row = "601506507,Sst Calb2 Pdlim5,Sst-MET-3,sparsely spiny,VISp2/3,Mus musculus\n"
    facts = labels(tmp_path, TYPES + row).facts("601506507")
    assert facts["t_type"] == "Sst Calb2 Pdlim5" and facts["brain_region"] == ["VISp", "layer 2/3"]
    found = adapt(normalised("601506507", "allen", facts), "neuromorpho")
    assert found.species == "mouse" and found.layer == "2/3" and "VISp" in found.regions
    assert found.labels["t_type"] == "Sst Calb2 Pdlim5" and found.labels["met_type"] == "Sst-MET-3"
    assert found.labels["dendrite_type"] == "sparsely spiny"


def test_allen_rows_reach_the_captions():
    row = next(row for row in ROWS if row["donor__species"] == "Mus musculus")
    (cell,) = cell_type_cells([row], AllenNeurons())
    found = adapt(normalised(cell.name, "allen", cell.facts), "neuromorpho")
    assert (found.species, found.layer, found.labels["dendrite_type"]) == ("mouse", "4", "aspiny")
    assert any("visual" in region for region in found.regions)


@pytest.mark.parametrize(
    ("structure", "areas"),
    [
        ("VISp6a", ["VISp", "layer 6a"]),
        ("MOp2/3", ["MOp", "layer 2/3"]),
        ("CA1", ["CA1"]),
        ("CA1; CA3", ["CA1", "CA3"]),
    ],
)
def test_layer_is_taken_off_cortical_areas_only(tmp_path, structure, areas):
    facts = labels(tmp_path, TYPES + f"1,T,,,{structure},\n").facts("1")
    assert facts["brain_region"] == areas and "met_type" not in facts


def test_tabs_other_columns_float_ids_and_common_facts(tmp_path):
    found = labels(
        tmp_path,
        "Cell\tRNA type\n601.0\tL5 IT_1\n20171204_sample_2\t\n",
        id_column="Cell",
        columns={"t_type": "RNA type"},
        facts={"species": "mouse", "strain": None},
    )
    assert found.facts("601")["t_type"] == "L5 IT_1" and "601" in found
    assert found.facts("20171204_sample_2") == {"species": "mouse", "Cell": "20171204_sample_2"}
    assert found.facts("not there") == {"species": "mouse"}


def test_wrong_columns_are_named(tmp_path, caplog):
    with pytest.raises(
        InputError, match=r"listings\.visp\.id_column: .* no column 'cell_specimen_id'; its columns: a, b"
    ):
        labels(tmp_path, "a,b\n1,2\n")
    with pytest.raises(InputError, match=r"listings\.visp\.columns: .* has none of"):
        labels(tmp_path, "cell_specimen_id,b\n1,2\n")
    assert labels(tmp_path, "cell_specimen_id,T-type Label\n1,Sst\n").facts("1")["t_type"] == "Sst"
    assert "no column MET-type or dendrite_type" in caplog.text
    with pytest.raises(InputError, match=r"listings\.visp\.table=.*cannot be read"):
        read_labels("visp", PatchSeqListing(url="http://x", table=tmp_path / "none.csv"))
