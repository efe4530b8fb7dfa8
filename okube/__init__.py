"""Okube runs containers on servers you own and keeps them running."""

__version__ = "0.1.0"
