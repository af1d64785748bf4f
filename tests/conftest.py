"""What holds for all tests."""

import os

# Before torch is loaded, here and in the processes that tests start: networks of the tests are too small to gain from
# a second thread, and beside other work two threads wait for each other many times longer than they calculate.
os.environ.setdefault("OMP_NUM_THREADS", "1")
