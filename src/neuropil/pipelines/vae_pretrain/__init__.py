"""vae_pretrain: silhouettes to compartments and depth through a latent space, scored beside baselines."""

from neuropil.pipelines.vae_pretrain.pipeline import create_pipeline

__all__ = ["create_pipeline"]
