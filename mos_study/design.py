"""Balanced designs: who meets which pair of conditions on which picture, and which one stands on the left."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One thing to rate: a content and its left condition, and the right one where two are compared (else None)."""

    content: str
    left: str
    right: str | None


def paired(conditions):
    """Every pair of conditions once, as (left, right), in rounds in which no condition comes twice.

    It is the schedule of a tournament with games at home and away (circle method): wherever the list is cut, the
    conditions have come equally often up to one round, and each has stood left and right equally often up to two.
    """
    teams = len(conditions) + len(conditions) % 2
    rounds = []
    for turn in range(teams - 1):
        games = [(turn, teams - 1) if turn % 2 else (teams - 1, turn)]
        for step in range(1, teams // 2):
            one, two = (turn + step) % (teams - 1), (turn - step) % (teams - 1)
            games.append((one, two) if step % 2 else (two, one))
        rounds += [game for game in games if max(game) < len(conditions)]
    return [(conditions[left], conditions[right]) for left, right in rounds]


def deal(contents, options, count):
    """`count` items, in an order every piece of which is balanced; contents: names; options: (left, right or None).

    Cut anywhere, from the start: contents, options and items have come equally often up to one; the sides of an
    option and of an item too. In any piece contents come equally often up to one, options up to two, and no item comes
    twice in a piece as long as there are items.
    """
    size, width = len(contents), len(options)
    lap = math.lcm(size, width)
    items, seen = [], [0] * width
    for position in range(count):
        again, place = divmod(position, size * width)
        # a lap meets each content with each option of its diagonal; the next lap takes the next diagonal
        option = (place + place // lap) % width
        left, right = options[option]
        if right is not None and (seen[option] + again * (size - 1)) % 2:  # sides alternate, also for each item
            left, right = right, left
        seen[option] += 1
        items.append(Item(contents[place % size], left, right))
    return items
