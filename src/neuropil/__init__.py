"""neuropil: from electron-microscopy volumes and neuron tracings to neurons found by plain text."""

__version__ = "0.1.0"
