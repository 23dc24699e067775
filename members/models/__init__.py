"""Rows of the members' room."""

from members.models.consent import (
    Consent,
    ConsentEvent,
    ConsentSource,
    PhoneGate,
    PreferenceLink,
    Suppression,
    SuppressionKind,
)
from members.models.erasure import EraseReason, Erasure
from members.models.grant import GrantState, RoleGrant
from members.models.import_file import (
    HeaderChoice,
    ImportChange,
    ImportFile,
    ImportKind,
    ImportUndo,
    UndoState,
)
from members.models.member import Lifecycle, Member
from members.models.purchase import CategoryPurchase, Order, OrderLine
from members.models.segment import Segment
from members.models.store import Store, StoreScope

__all__ = [
    "CategoryPurchase",
    "Consent",
    "ConsentEvent",
    "ConsentSource",
    "EraseReason",
    "Erasure",
    "GrantState",
    "HeaderChoice",
    "ImportChange",
    "ImportFile",
    "ImportKind",
    "ImportUndo",
    "Lifecycle",
    "Member",
    "Order",
    "OrderLine",
    "PhoneGate",
    "PreferenceLink",
    "RoleGrant",
    "Segment",
    "Store",
    "StoreScope",
    "Suppression",
    "SuppressionKind",
    "UndoState",
]
