"""The words of a message."""

from hyperrl.errors import UserError, did_you_mean


def test_nearest_offers_what_helps() -> None:
    assert did_you_mean("odd", ["ode", "cartpole"]) == "; did you mean 'ode'? known: ode, cartpole"
    assert did_you_mean("zzz", ["ode"]) == "; known: ode"
    assert did_you_mean("zzz", [f"long-name-{n}" for n in range(50)]) == ""
    assert did_you_mean("zzz", []) == ""


def test_a_message_is_one_line() -> None:
    assert str(UserError("two\n  lines")) == "two lines"
