import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from delivery.adapters.simulator import scenario_files
from delivery.adapters.simulator.scenario import Brownout, Scenario, ScenarioRefused
from delivery.adapters.simulator.scenario_files import load, read, shipped


def test_the_shipped_scenarios_can_be_played():
    assert shipped() == ["brownout", "chaos", "clean", "demo", "lively", "silent", "slow", "throttled"]
    assert all(isinstance(load(name), Scenario) for name in shipped())
    assert load("clean") == Scenario()
    assert load("silent") == Scenario(silent_bp=10_000)
    assert len(load("brownout").brownouts) == 2


def test_a_scenario_is_read_from_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        "delay_until = 3\nreceipt_shuffle = true\nbalance = 900\n"
        "[[brownout]]\nfrom_second = 1\nuntil_second = 2.5\nerror_500_bp = 5000\n"
    )

    assert load(str(path)) == Scenario(
        delay_until=3.0,
        receipt_shuffle=True,
        balance=900,
        brownouts=(Brownout(1.0, 2.5, (("error_500_bp", 5_000),)),),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("refused = 1", "Unknown: refused. Known are refused_bp, "), ("brownouts = 1", "Unknown: brownouts"),
        ("refused_bp = 0.5", "refused_bp must be a whole number, not 0.5"),
        ("refused_bp = true", "refused_bp must be a whole number, not True"),
        ("refused_bp = '1'", "refused_bp must be a whole number, not '1'"),
        ("refused_bp = -1", "refused_bp must not be negative"), ("delay_from = 2", "delay_from must not be after"),
        ("refused_bp = 10001", "refused_bp must not be above"), ("delay_until = nan", "must be a number, not nan"),
        ("delay_until = inf", "must be a number, not inf"), ("delay_until = true", "must be a number, not True"),
        ("receipt_shuffle = 1", "receipt_shuffle must be true or false, not 1"),
        ("refused_bp = 6000\nsilent_bp = 6000", "refused_bp, undelivered_bp, silent_bp must not be above 10000"),
        ("throttle_bp = 6000\nerror_500_bp = 6000", "error_500_bp must not be above 10000 together"),
        ("brownout = 1", "brownout must be tables"), ("brownout = [1]", "brownout must be tables"),
        ("[[brownout]]\nuntil_second = 1", "A brown-out lacks from_second"),
        ("[[brownout]]\nfrom_second = 'a'\nuntil_second = 1", "from_second must be a number"),
        ("[[brownout]]\nfrom_second = 1\nuntil_second = 1", "A brown-out must end after it begins"),
        ("[[brownout]]\nfrom_second = 0\nuntil_second = 1\nrefused = 1", "Unknown: refused"),
        ("refused_bp = 6000\n[[brownout]]\nfrom_second = 0\nuntil_second = 1\nsilent_bp = 6000", "must not be above"),
    ],
)  # fmt: skip
def test_a_scenario_that_makes_no_sense_is_refused_in_one_sentence(text, said):
    with pytest.raises(ScenarioRefused) as refusal:
        read(text)

    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing", "There is no scenario 'nothing'; there are brownout, chaos, clean, demo"), ("", "no scenario ''"),
        ("nowhere/at/all.toml", "can't be read: No such file"), ("{folder}", "can't be read: Is a directory"),
        ("{folder}/broken.toml", "broken.toml: "), ("{folder}/binary.toml", "binary.toml: "),
        ("{folder}/wrong.toml", "wrong.toml: Unknown: wishes"),
    ],
)  # fmt: skip
def test_the_command_says_what_is_wrong_with_a_scenario_and_does_not_start(tmp_path, name, said):
    (tmp_path / "broken.toml").write_text("refused_bp = = 1")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "wrong.toml").write_text("wishes = 3")

    with pytest.raises(CommandError) as refusal:
        call_command("simulator", scenario=name.format(folder=tmp_path), port=0)

    assert said in str(refusal.value)


def test_every_field_of_a_scenario_can_be_set_in_a_file():
    values = {int: "1", float: "1.0", bool: "true"}
    text = "\n".join(f"{name} = {values[kind]}" for name, kind in scenario_files.KINDS.items())

    assert read(text).balance == 1
    assert read(text).delay_from == 1.0
