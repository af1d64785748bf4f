"""A calm console: one line for a person's mistake, no chatter of libraries."""

from __future__ import annotations

import os
import re
import sys
import warnings
from pathlib import Path
from types import TracebackType

from neuropil.errors import InputError
from neuropil.work.atomic import disk_is_full
from neuropil.work.text import printable

_QUIET = {
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}

# Kedro says these as plain ValueErrors with a traceback, though they are slips of the command line.
_SLIPS = ("Failed to find the pipeline named", "Pipeline contains no nodes", "Pipeline does not contain")


def calm() -> None:
    """Quiet the libraries of this process and show mistakes in one line.

    What a person set in the environment stays; Python's `-W` brings the warnings back, and notebooks keep theirs.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    _own_programs_first()
    if not sys.warnoptions and "IPython" not in sys.modules:
        # A filter is not enough: libraries put filters of their own before it.
        warnings.simplefilter("ignore")
        warnings.showwarning = _drop
    sys.excepthook = _show


def _own_programs_first() -> None:
    """Let `kedro ipython` and `kedro jupyter` find the programs of this environment where it is not activated."""
    own, path = str(Path(sys.executable).parent), os.environ.get("PATH", "")
    if own not in path.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([own, path])


def mistake(error: BaseException | None) -> str | None:
    """The line to show for an error that a person caused; None for a defect.

    Kedro wraps what a dataset raises, so the causes are searched too.
    """
    cause, seen = error, list[BaseException]()
    while cause is not None and cause not in seen:
        seen.append(cause)
        if isinstance(cause, InputError):
            return str(cause)
        if isinstance(cause, ValueError) and str(cause).startswith(_SLIPS):
            return _reworded(" ".join(str(cause).split()))
        cause = cause.__cause__
    if disk_is_full(error):
        return "the disk is full; free some space or move the run with --params workspace=PATH"
    return None


def _reworded(line: str) -> str:
    """Kedro's slips in the words of this project."""
    unknown = re.match(r"Failed to find the pipeline named '(.*?)'", line)
    if unknown:
        close = line.partition("one of these instead? ")[2]
        hint = f"did you mean {' or '.join(close.split())}?" if close else "`kedro registry list` names them all"
        return f"no pipeline is named '{unknown[1]}'; {hint}"
    if line.startswith("Pipeline contains no nodes"):
        return "no step fits the given tags, names and pipelines; the tags are train, infer and score"
    return line


def _drop(*_: object, **__: object) -> None:
    """Take the place of the function that prints warnings."""


def _show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    line = mistake(error)
    if line is not None:
        sys.stderr.write(f"Error: {printable(line)}\n")
    elif issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("Stopped. The same command goes on where it was.\n")
    else:
        sys.__excepthook__(kind, error, trace)
