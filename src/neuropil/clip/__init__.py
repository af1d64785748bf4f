"""Contrastive learning (CLIP): views of neurons and texts about them in one space."""
