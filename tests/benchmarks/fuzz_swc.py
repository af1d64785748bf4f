"""Hand any number of broken SWC files to the reader: nothing may come of them but a tree or an InputError.

    python tests/benchmarks/fuzz_swc.py --cases 100000

Three in four are sound files with mistakes in them, the others bytes of any kind. Of each it is also checked that
the fast reading and that row by row give the same bits, that what is repaired needs no repair again, and that what
is written is read as the very same. A case that fails is made small and shown, with how to run it again.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
from swc_wild import check, wild_files

LETTERS = st.text("0123456789.eE+- \n\r\t#,;nan", max_size=120)
ANY_BYTES = st.binary(max_size=200) | LETTERS.map(str.encode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counted: Counter[str] = Counter()

    def run(cases: int, files: st.SearchStrategy[bytes], number: int) -> None:
        @seed(number)
        @settings(
            max_examples=cases,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(files)
        def case(data: bytes) -> None:
            counted["read" if check(data) else "refused"] += 1

        case()

    started = time.perf_counter()
    portion = 5_000  # hypothesis keeps what it has tried: portions keep the memory bounded
    for number, done in enumerate(range(0, options.cases, portion)):
        cases = min(portion, options.cases - done)
        run(cases - cases // 4, wild_files(), options.seed + 2 * number)
        run(
            cases // 4,
            st.binary(max_size=200) | st.text("0123456789.eE+- \n\r\t#,;nan", max_size=120).map(str.encode),
            options.seed + 2 * number + 1,
        )
        sys.stdout.write(f"{done + cases:,} cases: {dict(counted)}, {time.perf_counter() - started:.0f} s\n")


if __name__ == "__main__":
    main()
