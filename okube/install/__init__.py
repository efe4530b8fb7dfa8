"""From cluster.yaml to a rack of machines."""
