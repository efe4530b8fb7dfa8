"""The outside world as arguments: time, disks and links between managers, each a small protocol with its real form.

Everything above takes these as parameters and never reaches for globals, so that a whole control plane runs on a
virtual clock, simulated disks and simulated links. Chance is a ``random.Random`` argument and needs no seam of its own.
"""
