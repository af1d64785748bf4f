import json

import pytest

from neuropil.errors import InputError
from neuropil.sources.metadata import normalised
from neuropil.sources.tables import find_table, read_table


def written(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def test_jsonl_and_csv_say_the_same(tmp_path):
    row = {"neuron_name": "a.CNG.swc", "species": "rat", "brain_region": ["neocortex", "layer 4"]}
    lines = written(tmp_path, "metadata.jsonl", json.dumps(row))
    table = written(tmp_path, "metadata.csv", "neuron_name,species,brain_region\na.CNG.swc,rat,neocortex; layer 4\n")
    assert read_table(lines) == read_table(table) == {"a": {"species": "rat", "brain_region": ["neocortex", "layer 4"]}}


@pytest.mark.parametrize("cell", ["a; b", "a|b", '"[""a"", ""b""]"', "\"['a', 'b']\""])
def test_csv_lists_may_be_written_in_several_ways(tmp_path, cell):
    table = written(tmp_path, "metadata.csv", f"name,cell_type\nx,{cell}\n")
    assert read_table(table)["x"]["cell_type"] == ["a", "b"]


@pytest.mark.parametrize("field", ["neuron_name", "name", "file", "swc"])
def test_name_may_stand_in_any_of_the_fields(tmp_path, field):
    table = written(tmp_path, "metadata.csv", f"{field},species\nfolder/x.swc,rat\n")
    assert read_table(table) == {"x": {"species": "rat"}}


@pytest.mark.parametrize("name, text", [("metadata.csv", "species\nrat\n"), ("metadata.jsonl", '{"species": "rat"}')])
def test_row_without_a_name_is_refused_with_its_number(tmp_path, name, text):
    with pytest.raises(InputError, match="row 1: no name"):
        read_table(written(tmp_path, name, text))


def test_line_that_is_not_json_is_refused_with_its_number(tmp_path):
    with pytest.raises(InputError, match="line 2"):
        read_table(written(tmp_path, "metadata.jsonl", '{"name": "a"}\n{"name": \n'))


def test_table_is_found_in_the_folder_then_above_it(tmp_path):
    swc = tmp_path / "swc"
    swc.mkdir()
    assert find_table(swc) is None
    above = written(tmp_path, "metadata.csv", "name\n")
    assert find_table(swc) == above
    inside = written(swc, "metadata.jsonl", "")
    assert find_table(swc) == inside


def test_large_table_is_not_held_in_memory(tmp_path):
    import tracemalloc

    rows = 5000
    with open(tmp_path / "metadata.jsonl", "w") as file:
        for number in range(rows):
            file.write(json.dumps({"name": f"cell_{number}", "note": "x" * 2000}) + "\n")
    tracemalloc.start()
    table = read_table(tmp_path / "metadata.jsonl")
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(table) == rows and table["cell_4321"] == {"note": "x" * 2000} and "cell_5000" not in table
    assert held < rows * 400, "bytes: name and place, not the facts"


def test_repeated_name_keeps_its_first_row_and_is_told(tmp_path, caplog):
    table = read_table(written(tmp_path, "metadata.csv", "name,species\na,rat\na.swc,mouse\n"))
    assert table == {"a": {"species": "rat"}} and "1 rows repeat a name" in caplog.text


@pytest.mark.parametrize(
    "regions, layer",
    [
        (["neocortex", "layer 4"], "layer 4"),
        (["Layer 2/3", "neocortex"], "layer 2-3"),
        (["layer 2-3"], "layer 2-3"),
        (["neocortex", "L5"], "layer 5"),
        (["layers 5 - 6"], "layer 5-6"),
        (["layer 6a"], "layer 6a"),
        (["granular layer"], None),
        (["CA1", "hippocampus"], None),
        ([], None),
    ],
)
def test_layer_is_taken_from_the_regions(regions, layer):
    assert normalised("x", "folder", {"brain_region": regions}).get("layer") == layer


@pytest.mark.parametrize(
    "given, layer", [("5", "layer 5"), (4, "layer 4"), ("2/3", "layer 2-3"), ("stratum oriens", "stratum oriens")]
)
def test_layer_that_is_given_is_kept(given, layer):
    assert normalised("x", "folder", {"layer": given, "brain_region": ["layer 6"]})["layer"] == layer


@pytest.mark.parametrize("unknown", [None, "", " ", "NA", "Not reported", "unknown", float("nan"), [], ["", None]])
def test_what_is_unknown_is_absent(unknown):
    facts = {"species": unknown, "brain_region": unknown, "cell_type": "pyramidal"}
    assert normalised("x", "folder", facts) == {
        "neuron_name": "x",
        "source": "folder",
        "cell_type": ["pyramidal"],
        "cell_type_path": ["pyramidal"],
    }
