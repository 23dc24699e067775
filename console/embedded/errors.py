"""What the embedded layer says to people: one refusal class, one line at a time."""

import sys


class EmbeddedError(Exception):
    """The embedded services cannot be used; the text tells an operator why and what to do."""


class DidNotStart(EmbeddedError):
    """A service ended before it was ready; on another port it may do better."""


def say(line: str) -> None:
    """Tell the person at the terminal; standard error keeps `dumpdata > file` clean."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
