"""Captions: the facts of a neuron, and sentences that state them."""
