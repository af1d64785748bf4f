"""Pictures of neurons: cameras, framing, an exact rasteriser of round cones, PNG files and manifests."""
