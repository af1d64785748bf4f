"""A view of a neuron as training takes it: manifests, pictures as tensors, augmentation."""
