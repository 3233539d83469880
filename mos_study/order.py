"""A random order in which no content comes twice in a row."""

from collections import Counter


def spread(trials, rng, content_of, previous=None):
    """`trials` in a random order in which neighbours, and the first and `previous`, have different contents.

    There is one when no content has more than half of the trials, rounded up, and `previous` no more than half,
    rounded down. rng: random.Random. Raises ValueError when there is none.
    """
    left = list(trials)
    counts = Counter(map(content_of, left))
    ordered = []
    while left:
        possible = [trial for trial in left if _goes_on(counts, content_of(trial), previous, len(left) - 1)]
        if not possible:
            raise ValueError("one content is in more than half of the trials")
        trial = rng.choice(possible)
        left.remove(trial)
        previous = content_of(trial)
        counts[previous] -= 1
        ordered.append(trial)
    return ordered


def _goes_on(counts, content, previous, after):
    """Whether the `after` trials left once `content` was taken can still be ordered."""
    if content == previous or counts[content] - 1 > after // 2:
        return False
    return all(number <= (after + 1) // 2 for other, number in counts.items() if other != content)
