"""The vocabulary: nodes, services, tasks, commands and errors as typed, frozen structs, and what makes them valid."""
