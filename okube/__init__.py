"""Okube runs containers on servers you own and keeps them running."""
