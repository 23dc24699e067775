"""console.env: typed reading, and one list of everything that is wrong."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from console.env import Env


def test_values_are_read_by_type():
    env = Env({"NAME": " shop ", "COUNT": "12", "OPEN": "yes", "SITES": "a, b,,c ", "HOME": "https://x.cn/"})

    assert env.text("NAME") == "shop"
    assert env.integer("COUNT") == 12
    assert env.flag("OPEN") is True
    assert env.strings("SITES") == ["a", "b", "c"]
    assert env.url("HOME", ["http", "https"]) == "https://x.cn/"
    env.finish()


def test_defaults_stand_in_for_missing_and_blank_values():
    env = Env({"NAME": "", "COUNT": "  "})

    assert env.text("NAME", "shop") == "shop"
    assert env.integer("COUNT", 3) == 3
    assert env.flag("OPEN", False) is False
    assert env.strings("SITES", ["a"]) == ["a"]
    assert env.url("HOME", ["http"], "http://x") == "http://x"
    env.finish()


def test_every_problem_is_in_one_list():
    env = Env({"COUNT": "many", "OPEN": "perhaps", "HOME": "ftp://x", "PORT": "70000"})
    env.text("NAME")
    env.integer("COUNT", 1)
    env.flag("OPEN", True)
    env.url("HOME", ["http", "https"])
    env.integer("PORT", 1, maximum=65535)

    with pytest.raises(ImproperlyConfigured) as refusal:
        env.finish()

    said = str(refusal.value)
    for problem in ("NAME is missing", "COUNT is not", "OPEN is neither", "HOME is not", "PORT is above"):
        assert problem in said


def test_a_malformed_value_is_not_repeated_because_it_may_be_a_secret():
    env = Env({"DATABASE_URL": "app:verysecret@host"})
    env.url("DATABASE_URL", ["postgresql"])

    with pytest.raises(ImproperlyConfigured) as refusal:
        env.finish()

    assert "verysecret" not in str(refusal.value)


@pytest.mark.parametrize("address", ["http://", "http://host:port", "http://[::1", "//host", "http://host:0"])
def test_half_an_address_is_refused(address):
    env = Env({"HOME": address})

    env.url("HOME", ["http"])

    assert len(env.problems) == 1


def test_brokers_in_memory_need_no_host():
    env = Env({"BROKER_URL": "memory://"})

    assert env.url("BROKER_URL", ["memory"]) == "memory://"
    env.finish()


def test_a_secret_may_come_from_a_file(tmp_path):
    (tmp_path / "key").write_text("from file\n", encoding="utf-8")
    env = Env({"KEY_FILE": str(tmp_path / "key")})

    assert env.text("KEY") == "from file"
    env.finish()


def test_the_variable_wins_over_its_file(tmp_path):
    env = Env({"KEY": "direct", "KEY_FILE": str(tmp_path / "absent")})

    assert env.text("KEY") == "direct"
    env.finish()


def test_an_unreadable_file_is_one_problem_not_two(tmp_path):
    env = Env({"KEY_FILE": str(tmp_path / "absent")})
    env.text("KEY")

    assert len(env.problems) == 1
    assert "KEY_FILE" in env.problems[0]


def test_names_read_are_remembered():
    env = Env({})
    env.text("NAME", "")
    env.flag("OPEN", False)

    assert env.seen == {"NAME", "OPEN"}
