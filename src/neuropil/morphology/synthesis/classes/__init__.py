"""One file for each class of neuron that can be grown."""
