"""Guards switched off, one at a time, to show that the simulators and the tests find what they are for.

``python -m tests.mutants`` switches each off in a process of its own and runs seeds, or the test that is named for it,
until something notices; ``--write`` puts the table into docs/reliability.md. One that nobody notices is a failure.
"""
