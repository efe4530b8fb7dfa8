"""cluster.yaml and its errors."""
