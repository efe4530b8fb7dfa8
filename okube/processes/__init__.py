"""Starts and ends managers and workers on this machine."""
