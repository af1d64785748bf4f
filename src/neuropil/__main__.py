"""`python -m neuropil`: the commands of `neuropil`."""

from neuropil.cli import main

if __name__ == "__main__":
    main()
