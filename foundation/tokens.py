"""Random tokens for public links: long enough that nobody guesses one."""

import secrets

BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TOKEN_LENGTH = 11

_TOKEN_OF_BYTE = bytes(ord(BASE_62[byte % 62]) for byte in range(256))
_BIASED_BYTES = bytes(range(248, 256))


NO_TOKEN = "-" * TOKEN_LENGTH  # looked up in place of what cannot be one, so that both take the same time


def could_be_token(text: str) -> bool:
    """Whether a text from an address has the form of a token; anything else must not reach the database."""
    return len(text) == TOKEN_LENGTH and text.isascii() and text.isalnum()


def new_tokens(count: int) -> list[str]:
    """Mint `count` distinct link tokens of 11 base-62 characters (65 bits), each equally likely."""
    tokens: set[str] = set()
    while len(tokens) < count:
        wanted = (count - len(tokens)) * TOKEN_LENGTH
        random = secrets.token_bytes(wanted + wanted // 24 + 64)
        text = random.translate(_TOKEN_OF_BYTE, _BIASED_BYTES).decode("ascii")
        whole = min(len(text) // TOKEN_LENGTH * TOKEN_LENGTH, wanted)
        tokens.update(text[start : start + TOKEN_LENGTH] for start in range(0, whole, TOKEN_LENGTH))
    return list(tokens)
