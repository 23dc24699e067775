"""
PostgreSQL and Valkey out of wheels, for a machine that brings neither.

Nothing here imports Django: it runs before the settings, and decides what they will read.
"""

from console.embedded.attaching import VARIABLES, attach
from console.embedded.errors import EmbeddedError
from console.embedded.place import Place, locate
from console.embedded.postgres import check_text_search
from console.embedded.sharing import BROKER, DATABASE, Addresses, Membership, services

__all__ = [
    "BROKER",
    "DATABASE",
    "VARIABLES",
    "Addresses",
    "EmbeddedError",
    "Membership",
    "Place",
    "attach",
    "check_text_search",
    "locate",
    "services",
]
