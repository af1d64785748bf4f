"""Changes of a training patch that leave its meaning as it is; `prepare`, `margin` and `augment` are the door."""

from neuropil.em.augmentation.apply import augment, margin, prepare

__all__ = ["augment", "margin", "prepare"]
