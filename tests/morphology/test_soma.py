import numpy as np
import pytest

from neuropil.morphology.soma import effective_somata, soma_centre
from neuropil.morphology.tree import Neuron


def neuron(points, radii, types, parents):
    return Neuron("cell", np.array(points, float), np.array(radii, float), np.array(types, np.int32), np.array(parents))


def test_one_point_is_a_sphere():
    somata = effective_somata(neuron([[1, 2, 3], [9, 9, 9]], [5, 1], [1, 3], [-1, 0]))
    assert somata.kinds == ("point",)
    np.testing.assert_allclose(somata.centres, [[1, 2, 3]])
    assert somata.radii.tolist() == [5] and somata.members.tolist() == [0, -1]


@pytest.mark.parametrize("sign", [1, -1])
def test_three_points_are_one_sphere(sign):
    somata = effective_somata(
        neuron([[0, 0, 0], [0, 5 * sign, 0], [0, -5 * sign, 0], [9, 9, 9]], [5, 5, 5, 1], [1, 1, 1, 3], [-1, 0, 0, 0])
    )
    assert somata.kinds == ("three_point",)
    assert somata.radii.tolist() == [5] and somata.members.tolist() == [0, 0, 0, -1]


def test_contour_has_the_area_of_its_outline():
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.column_stack([1000 + 8 * np.cos(angle), 2000 + 8 * np.sin(angle), np.full(200, 7.0)])
    somata = effective_somata(neuron(ring, np.full(200, 0.1), np.ones(200), np.arange(200) - 1))
    assert somata.kinds == ("contour",)
    assert somata.radii[0] == pytest.approx(8, rel=1e-3)
    np.testing.assert_allclose(somata.centres[0], [1000, 2000, 7], atol=1e-6)


def test_cylinders_keep_their_surface():
    somata = effective_somata(neuron([[0, 0, 0], [10, 0, 0]], [4, 4], [1, 1], [-1, 0]))
    assert somata.kinds == ("cylinders",)
    assert 4 * np.pi * somata.radii[0] ** 2 == pytest.approx(2 * np.pi * 4 * 10)


def test_separate_somata_are_separate_spheres():
    somata = effective_somata(neuron([[0, 0, 0], [90, 0, 0], [99, 0, 0]], [5, 6, 1], [1, 1, 3], [-1, -1, 1]))
    assert somata.radii.tolist() == [5, 6] and somata.members.tolist() == [0, 1, -1]


def test_neurite_of_type_soma_is_no_soma():
    points = np.column_stack([np.arange(300.0), np.zeros(300), np.zeros(300)])
    somata = effective_somata(neuron(points, np.full(300, 0.5), np.ones(300), np.arange(300) - 1))
    assert len(somata.radii) == 0 and (somata.members == -1).all()


def test_neuron_without_soma_has_no_spheres_and_its_root_as_centre():
    cell = neuron([[1, 2, 3], [4, 5, 6]], [1, 1], [3, 3], [-1, 0])
    assert len(effective_somata(cell).radii) == 0
    np.testing.assert_allclose(soma_centre(cell), [1, 2, 3])
