"""The supervisor of a host in the lab: what systemd is to a machine, as far as Okube and its tests need it.

It runs as the first process of a host (`python3 -m labinit` with no more words), reads systemd's own unit files, and is
told what to do by the same program: `okube-lab-init start okube-manager-m1.service`. Standard library only, as hosts
have nothing else.
"""
