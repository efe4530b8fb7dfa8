"""Topology measurement, discovery, proxy."""
