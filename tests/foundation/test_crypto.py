import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from foundation.crypto import CannotDecrypt, parse_ring
from foundation.models import AuditEntry, KeyFingerprint
from foundation.services import phones
from tests.factories import NOON, make_operator


def key(byte: int) -> str:
    return base64.b64encode(bytes([byte]) * 32).decode()


OLD = parse_ring(f"k1:{key(1)}", key(9))
ROTATED = parse_ring(f"k2:{key(2)},k1:{key(1)}", key(9))


@given(st.text(max_size=40))
def test_what_is_sealed_opens_to_the_same_text_and_never_looks_the_same(text):
    first, second = OLD.encrypt(text), OLD.encrypt(text)

    assert OLD.decrypt(first) == OLD.decrypt(second) == text
    assert first != second


def test_after_a_rotation_old_values_open_and_new_ones_use_the_new_key():
    old, new = OLD.encrypt("13900000001"), ROTATED.encrypt("13900000001")

    assert ROTATED.decrypt(old) == ROTATED.decrypt(new) == "13900000001"
    assert new.startswith(b"k2\0\0")
    with pytest.raises(CannotDecrypt):
        OLD.decrypt(new)


@pytest.mark.parametrize("place", [4, 15, 16, -1])
def test_an_altered_value_does_not_open(place):
    value = bytearray(OLD.encrypt("13900000001"))
    value[place] ^= 1

    with pytest.raises(CannotDecrypt):
        OLD.decrypt(bytes(value))


def test_another_key_under_the_same_name_does_not_open():
    with pytest.raises(CannotDecrypt):
        parse_ring(f"k1:{key(3)}", key(9)).decrypt(OLD.encrypt("13900000001"))


def test_hashes_outlive_a_rotation_and_depend_on_the_index_key_alone():
    assert OLD.digest("13900000001") == ROTATED.digest("13900000001")
    assert OLD.digest("13900000001") != parse_ring(f"k1:{key(1)}", key(8)).digest("13900000001")
    assert OLD.digest("13900000001") != OLD.digest("13900000002")


@pytest.mark.parametrize(
    ("keys", "index"),
    [("", key(9)), (key(1), key(9)), ("toolong:" + key(1), key(9)), ("k1:short", key(9)), (f"k1:{key(1)}", "?")],
)
def test_malformed_keys_stop_the_start(keys, index):
    with pytest.raises(ImproperlyConfigured):
        parse_ring(keys, index)


def test_a_key_ring_does_not_show_its_keys():
    assert key(9) not in repr(OLD) and repr(bytes([9]) * 32) not in repr(OLD)


@pytest.mark.django_db
def test_a_database_refuses_another_index_key_and_keeps_the_first():
    phones.confirm_index_key(OLD)
    phones.confirm_index_key(ROTATED)

    with pytest.raises(ImproperlyConfigured):
        phones.confirm_index_key(parse_ring(f"k1:{key(1)}", key(8)))

    assert KeyFingerprint.objects.get().fingerprint == OLD.index_fingerprint()


@pytest.mark.django_db
def test_revealing_a_phone_leaves_a_trace_without_the_phone():
    sealed, operator = phones.seal("13900000001"), make_operator()

    assert phones.reveal(cipher=sealed.cipher, subject="members.member:1", by=operator, now=NOON) == "13900000001"

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.actor, entry.at) == (
        "phone.revealed", "members.member:1", operator, NOON,
    )  # fmt: skip
    assert entry.detail == {}
    assert (sealed.tail, str(sealed.carrier)) == ("0001", "MOBILE")
