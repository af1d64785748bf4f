from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from neuropil import doctor
from neuropil.errors import InputError
from neuropil.rendering.opengl import platform
from neuropil.rendering.opengl.platform import INSTALL, prepare, probe_opengl, require_opengl
from rendering.opengl import needs_opengl


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    probe_opengl.cache_clear()
    yield
    probe_opengl.cache_clear()


@pytest.fixture
def without_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent.json")


def test_without_opengl_one_line_says_what_to_install_and_the_doctor_does_too(without_driver: None) -> None:
    with pytest.raises(InputError) as error:
        require_opengl()
    assert INSTALL in str(error.value)
    assert "\n" not in str(error.value)
    finding = doctor._opengl()
    assert not finding.good
    assert INSTALL in finding.text


def test_a_library_that_ends_its_process_leaves_this_one_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "_PROBE", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(InputError, match="signal 11"):
        require_opengl()


def test_a_driver_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "_PROBE", "import time; time.sleep(60)")
    monkeypatch.setattr(platform, "_SECONDS", 1)
    with pytest.raises(InputError, match="no answer within 1 s"):
        require_opengl()


def test_what_a_person_chose_for_the_driver_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGL_LOG_LEVEL", "debug")
    monkeypatch.delenv("LP_NUM_THREADS", raising=False)
    monkeypatch.setenv("PYOPENGL_PLATFORM", "glx")
    prepare()
    assert os.environ["EGL_LOG_LEVEL"] == "debug"
    assert os.environ["PYOPENGL_PLATFORM"] == "egl"
    assert "LP_NUM_THREADS" not in os.environ


def test_workers_draw_in_their_own_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LP_NUM_THREADS", raising=False)
    monkeypatch.setattr("multiprocessing.parent_process", lambda: object())
    assert platform._settings()["LP_NUM_THREADS"] == "0"


def test_the_analytic_backend_loads_no_opengl() -> None:
    code = """
import sys
from neuropil.rendering.backends import check_backend, open_backend
from neuropil.rendering.parameters import RenderingParameters
parameters = RenderingParameters(width=32, height=32)
check_backend(parameters)
open_backend(parameters)
sys.exit(any(name in sys.modules for name in ("OpenGL", "pyrender", "pyglet", "trimesh")))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@needs_opengl
def test_the_one_that_draws_is_named_and_the_doctor_repeats_it() -> None:
    renderer = require_opengl()
    assert renderer
    assert doctor._opengl() == doctor.Finding("OpenGL", renderer)


@needs_opengl
def test_a_device_that_is_not_there_is_an_error_with_the_number_of_those_that_are() -> None:
    with pytest.raises(InputError, match=r"there is no EGL device 99, this machine has [0-9]"):
        require_opengl(99)
