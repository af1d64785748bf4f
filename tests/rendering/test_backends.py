from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from neuropil.compute import ComputeParameters
from neuropil.errors import InputError, MachineError
from neuropil.rendering import backends
from neuropil.rendering.backends import AnalyticBackend, check_backend, open_backend
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.render import plan_views
from neuropil.rendering.store import Task, render_neurons, render_task
from rendering.neurons import grown

SMALL = RenderingParameters(width=32, height=32, supersample_factor=2)
PYRENDER = SMALL.model_copy(update={"backend": "pyrender"})
INSTALL = "install libegl1"


@pytest.fixture
def without_opengl(monkeypatch: pytest.MonkeyPatch) -> None:
    def require_opengl(device: int | None = None) -> str:
        raise InputError(INSTALL)

    monkeypatch.setattr("neuropil.rendering.opengl.platform.require_opengl", require_opengl)


def test_auto_and_analytic_are_one_backend_that_asks_for_no_opengl(without_opengl: None) -> None:
    for name in ("auto", "analytic"):
        parameters = SMALL.model_copy(update={"backend": name})
        check_backend(parameters)
        assert open_backend(parameters).name == "analytic"


def test_a_process_keeps_its_backend_from_neuron_to_neuron_but_not_between_sizes_or_threads() -> None:
    first = open_backend(SMALL)
    assert open_backend(SMALL.model_copy(update={"margin": 0.1})) is first
    assert open_backend(SMALL.model_copy(update={"width": 48})) is not first
    assert open_backend(SMALL) is not first
    found = []
    thread = threading.Thread(target=lambda: found.append(open_backend(SMALL)))
    thread.start()
    thread.join()
    assert found[0] is not open_backend(SMALL)


def test_what_an_error_left_half_drawn_is_not_seen_in_the_next_view(monkeypatch: pytest.MonkeyPatch) -> None:
    plan, other = plan_views(grown(1), SMALL, 0), plan_views(grown(2), SMALL, 0)
    clean = AnalyticBackend(32, 32, 2).draw(other.segments, other.frames[0])
    backend = AnalyticBackend(32, 32, 2)
    backend.draw(plan.segments, plan.frames[0])

    def breaks(segments, frame, canvas):
        canvas.draw(segments, frame)
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(backends, "rasterise", breaks)
        with pytest.raises(MemoryError):
            backend.draw(plan.segments, plan.frames[1])
    np.testing.assert_array_equal(backend.draw(other.segments, other.frames[0]).depth, clean.depth)


def test_pyrender_without_opengl_stops_before_any_neuron(tmp_path: Path, without_opengl: None) -> None:
    def neurons():
        raise AssertionError("a neuron was asked for")
        yield

    with pytest.raises(InputError, match=INSTALL):
        render_neurons(
            neurons(),
            neuron_store=tmp_path,
            view_store=tmp_path / "views",
            parameters=PYRENDER,
            compute=ComputeParameters(),
            seed=0,
        )
    assert not (tmp_path / "views").exists()


def test_a_worker_without_opengl_stops_the_run_instead_of_failing_each_neuron(
    tmp_path: Path, without_opengl: None
) -> None:
    backends._opened.key = None  # as in a fresh process
    task = Task("a", "a.swc", tmp_path / "a.swc", "d", tmp_path / "views", PYRENDER, 0)
    with pytest.raises(MachineError, match=INSTALL):
        render_task(task)
