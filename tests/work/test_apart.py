import os
import signal
import sys

import pytest

from neuropil.errors import InputError, MachineError
from neuropil.work.apart import apart


def refuse(message: str) -> None:
    raise InputError(message)


def chatter() -> int:
    sys.stdout.write("not a part of the answer\n")
    return 5


def fall() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_result_comes_from_another_process():
    assert apart(divmod, 7, 2) == (3, 1)
    assert apart(os.getpid) != os.getpid()


def test_what_is_printed_is_no_part_of_the_result():
    assert apart(chatter) == 5


def test_users_mistake_arrives_as_it_is():
    with pytest.raises(InputError, match=r"^cells\.csv: no column name$"):
        apart(refuse, "cells.csv: no column name")


def test_process_that_is_killed_is_told_in_one_line():
    with pytest.raises(MachineError, match="fall: its process ended"):
        apart(fall)
