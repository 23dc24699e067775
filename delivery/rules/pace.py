"""How much of a channel's bucket one chunk may take."""


def bounds(rate: float, parts: int, *, is_urgent: bool) -> tuple[int, int]:
    """
    What must stay in a bucket of one second, and the least that a chunk of up to `parts` waits for.

    Bulk leaves the last tenth to codes and notices, and waits for half of what it could ever get: it would otherwise
    wake for every single part and send chunks of one person. Half, because a bucket that waits to be full runs over.
    """
    if is_urgent:
        return 0, 1
    stay = int(rate) // 10
    return stay, max(1, min(parts, int(rate) - stay) // 2)
