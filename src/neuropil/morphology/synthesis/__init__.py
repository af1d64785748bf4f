"""Neurons grown procedurally: eight classes, each true to its description by construction."""
