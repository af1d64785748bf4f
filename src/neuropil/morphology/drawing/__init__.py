"""The parts of the figure and of the page of a neuron."""
