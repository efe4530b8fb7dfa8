"""Clusters on this machine without machines: simulated agents before real managers, to see how much these carry."""
