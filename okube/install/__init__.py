"""From cluster.yaml to a rack of machines.

What is decided is plain: facts of machines in, findings and steps out. What is done goes over a ``Remote``, by small
programs that need nothing on a machine but its Python.
"""
