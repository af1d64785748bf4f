import numpy as np
import pytest

from neuropil.morphology.morphometry import measure
from neuropil.morphology.soma import effective_somata
from neuropil.morphology.swc import read_swc, write_swc
from neuropil.morphology.synthesis.grow import CLASSES, grow_neuron
from neuropil.morphology.tree import APICAL, AXON, BASAL

NUMBERS = range(6)


@pytest.fixture(scope="module")
def cells():
    return {name: [grow_neuron(name, number, 17) for number in NUMBERS] for name in CLASSES}


def of(cells, name):
    return [neuron for neuron, _ in cells[name]]


def part(neuron, kind):
    return neuron.points[neuron.types == kind]


def spread(points):
    """Standard deviation along the three principal axes, largest first."""
    return np.linalg.svd(points - points.mean(axis=0), compute_uv=False) / np.sqrt(len(points))


def test_there_are_eight_classes():
    assert len(CLASSES) == 8


@pytest.mark.parametrize("name", CLASSES)
def test_same_seed_same_neuron_other_number_another(name):
    (one, facts), (again, facts_again), (other, _) = (grow_neuron(name, k, 5) for k in (1, 1, 2))
    assert np.array_equal(one.points, again.points) and np.array_equal(one.radii, again.radii)
    assert facts == facts_again
    assert len(one) != len(other) or not np.array_equal(one.points, other.points)


@pytest.mark.parametrize("name", CLASSES)
def test_neurons_are_whole_and_of_real_size(cells, name):
    for neuron, facts in cells[name]:
        assert 300 <= len(neuron) <= 3500
        assert (neuron.radii > 0).all() and np.isfinite(neuron.points).all()
        assert (neuron.parents < 0).sum() == 1
        assert effective_somata(neuron).kinds == ("three_point",)
        assert (neuron.types == AXON).any() and (neuron.types == BASAL).any()
        assert facts["domain"] == "Dendrites, Soma, Axon"
        assert (neuron.types == APICAL).any() == (name == "pyramidal")


@pytest.mark.parametrize("name", CLASSES)
def test_file_of_the_sample_needs_no_repair(cells, name, tmp_path):
    neuron, _ = cells[name][0]
    write_swc(neuron, tmp_path / "cell.swc")
    repaired = read_swc(tmp_path / "cell.swc")
    assert repaired.repairs == {} and repaired.remarks == {}


@pytest.mark.parametrize("name", CLASSES)
def test_cells_of_a_class_differ_in_size_and_stems(cells, name):
    measured = [measure(neuron) for neuron in of(cells, name)]
    lengths = np.array([m["length"] for m in measured])
    assert lengths.std() / lengths.mean() > 0.04
    assert len({(m["n_stems"], m["n_tips"]) for m in measured}) > 2


@pytest.mark.parametrize("name", CLASSES)
def test_radii_taper_from_the_soma_to_the_tips(cells, name):
    for neuron in of(cells, name):
        stems = (neuron.parents == 0) & (neuron.types == BASAL)
        tips = (np.bincount(neuron.parents[1:], minlength=len(neuron)) == 0) & (neuron.types == BASAL)
        assert np.median(neuron.radii[stems]) > 1.15 * np.median(neuron.radii[tips])


@pytest.mark.parametrize("name", CLASSES)
def test_layer_is_among_the_regions_and_only_the_cortex_has_one(cells, name):
    for _, facts in cells[name]:
        assert ("layer" in facts) == (facts["brain_region"][0] == "neocortex")
        assert facts.get("layer", facts["brain_region"][-1]) == facts["brain_region"][-1]


def test_pyramidal_cells_have_a_tuft_far_above_and_a_skirt_below(cells):
    for neuron in of(cells, "pyramidal"):
        apical, basal = part(neuron, APICAL), part(neuron, BASAL)
        assert apical[:, 1].max() > 1.5 * basal[:, 1].max()
        upper = apical[apical[:, 1] > 0.75 * apical[:, 1].max()]
        assert np.ptp(upper[:, [0, 2]], axis=0).max() > 50
        assert part(neuron, AXON)[:, 1].mean() < 0
        assert measure(neuron)["apical_tips"] >= 5


def test_martinotti_axons_climb_above_all_else_and_spread_there(cells):
    for neuron in of(cells, "martinotti"):
        axon, dendrites = part(neuron, AXON), part(neuron, BASAL)
        assert axon[:, 1].max() > dendrites[:, 1].max()
        upper = axon[axon[:, 1] > 0.8 * axon[:, 1].max()]
        assert len(upper) > 0.2 * len(axon)
        assert np.ptp(upper[:, [0, 2]], axis=0).max() > np.ptp(upper[:, 1])


def test_chandelier_tips_stand_upright(cells):
    for neuron in of(cells, "chandelier"):
        degree = np.bincount(neuron.parents[1:], minlength=len(neuron))
        tips = np.flatnonzero((degree == 0) & (neuron.types == AXON))
        back = tips
        for _ in range(5):
            back = neuron.parents[back]
        rise = neuron.points[tips] - neuron.points[back]
        upright = np.abs(rise[:, 1]) / np.linalg.norm(rise, axis=1)
        assert (upright > 0.8).mean() > 0.6
        assert len(tips) > 40


def test_purkinje_dendrites_fill_a_sheet(cells):
    for neuron in of(cells, "purkinje"):
        large, middle, thin = spread(part(neuron, BASAL))
        assert thin < 0.2 * middle and middle > 0.3 * large
        assert measure(neuron)["basal_tips"] > 100


def test_ganglion_dendrites_lie_in_one_stratum(cells):
    for neuron in of(cells, "ganglion"):
        dendrites = part(neuron, BASAL)
        _, middle, thin = spread(dendrites)
        assert thin < 0.2 * middle


def test_granule_cells_are_tiny_with_an_axon_like_a_t(cells):
    for neuron in of(cells, "granule"):
        measured = measure(neuron)
        assert measured["axon_tips"] == 2 and 3 <= measured["n_stems"] - 1 <= 5
        assert np.linalg.norm(part(neuron, BASAL), axis=1).max() < 70
        assert measured["soma_surface"] < 250


def test_stellate_dendrites_go_to_all_sides_and_stay_short(cells):
    for neuron in of(cells, "spiny-stellate"):
        dendrites = part(neuron, BASAL)
        large, _, thin = spread(dendrites)
        assert thin > 0.3 * large
        assert np.linalg.norm(dendrites, axis=1).max() < 260


def test_basket_axon_is_dense_and_wider_than_tall(cells):
    width = np.mean([np.ptp(part(n, AXON)[:, [0, 2]], axis=0).max() for n in of(cells, "basket")])
    height = np.mean([np.ptp(part(n, AXON)[:, 1]) for n in of(cells, "basket")])
    assert width > height
    assert np.mean([measure(n)["axon_tips"] for n in of(cells, "basket")]) > 50
