"""What a cluster bears: real managers on this machine, simulated agents, and figures of both (``okube bench``)."""
