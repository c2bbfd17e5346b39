"""From tokens to confirmed groups and their members: blocking, weights, clustering, e-values, membership."""
