from __future__ import annotations

from edgesmith.core import errors


def test_every_error_is_one_of_ours_with_an_exit_code() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    ours = [value for value in classes if issubclass(value, errors.EdgesmithError)]
    assert ours == classes
    assert [error.__name__ for error in ours if error.exit_code == 2] == ["UsageError"]
    assert {error.exit_code for error in ours} == {1, 2}
