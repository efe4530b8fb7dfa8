"""Who depends on whom: sets that depend on each other in a circle, and the circle itself, for the sentence about it."""

from collections.abc import Collection, Mapping

__all__ = ["Graph", "circle_in", "components"]

Graph = Mapping[str, Collection[str]]
"""What each depends on. What is depended on and has no entry of its own is not part of it."""


def components(graph: Graph) -> list[tuple[str, ...]]:
    """The strongly connected components, each sorted: those that a component depends on come before it.

    Tarjan, "Depth-first search and linear graph algorithms" (SIAM Journal on Computing 1(2), 1972), without recursion;
    names are visited in order, so equal input gives equal output.
    """
    found: list[tuple[str, ...]] = []
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    for root in sorted(graph):
        if root in number:
            continue
        path = [(root, iter(_known(graph, root)))]
        _enter(root, number, lowest, stack, waiting)
        while path:
            name, rest = path[-1]
            target = next(rest, None)
            if target is None:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[name])
                if lowest[name] == number[name]:
                    found.append(_leave(name, stack, waiting))
            elif target not in number:
                _enter(target, number, lowest, stack, waiting)
                path.append((target, iter(_known(graph, target))))
            elif target in waiting:
                lowest[name] = min(lowest[name], number[target])
    return found


def circle_in(graph: Graph) -> tuple[str, ...]:
    """A shortest circle from the first name that is in one, back to it: ``(a, b, a)``; empty where there is none."""
    for members in components(graph):
        if len(members) > 1 or members[0] in graph[members[0]]:
            return _circle_of(graph, members)
    return ()


def _circle_of(graph: Graph, members: tuple[str, ...]) -> tuple[str, ...]:
    start, within = members[0], set(members)
    before: dict[str, str] = {}
    level = [start]
    while start not in before:
        following = []
        for name in level:
            for target in sorted(within.intersection(graph[name]) - before.keys()):
                before[target] = name
                following.append(target)
        level = following
    path = [start]
    while len(path) == 1 or path[-1] != start:
        path.append(before[path[-1]])
    return tuple(reversed(path))


def _known(graph: Graph, name: str) -> list[str]:
    return sorted(target for target in set(graph[name]) if target in graph)


def _enter(name: str, number: dict[str, int], lowest: dict[str, int], stack: list[str], waiting: set[str]) -> None:
    number[name] = lowest[name] = len(number)
    stack.append(name)
    waiting.add(name)


def _leave(name: str, stack: list[str], waiting: set[str]) -> tuple[str, ...]:
    members: list[str] = []
    while not members or members[-1] != name:
        members.append(stack.pop())
    waiting.difference_update(members)
    return tuple(sorted(members))
