"""Errors carry a machine word."""

import inspect

from contract import errors


def test_every_error_has_its_own_code() -> None:
    """Each class has a default code, and the tree in the docstring names every class."""
    found = [cls for _, cls in inspect.getmembers(errors, inspect.isclass)]
    classes = [cls for cls in found if issubclass(cls, errors.TellerError)]

    assert len(classes) == len(found)
    assert len({cls.default_code for cls in classes}) == len(classes) - 1  # InternalError inherits
    assert all(cls.__name__ in (errors.__doc__ or "") for cls in classes)


def test_a_code_can_be_given() -> None:
    """The code of one occasion replaces the class's; the text falls back to it."""
    error = errors.Denied(code="ticket_used")

    assert (error.code, str(error)) == ("ticket_used", "ticket_used")
    assert str(errors.Denied("no")) == "no"


def test_every_error_has_its_http_status() -> None:
    """Whoever answers over HTTP takes it from the class; a class of its own inherits."""
    assert [
        (cls.__name__, cls.http_status)
        for cls in (
            errors.TellerError, errors.ProtocolError, errors.UserError, errors.Denied, errors.Unproven,
            errors.NotFound, errors.Busy, errors.WrongPhase, errors.StorageError,
        )
    ] == [
        ("TellerError", 500), ("ProtocolError", 400), ("UserError", 422), ("Denied", 403), ("Unproven", 401),
        ("NotFound", 404), ("Busy", 429), ("WrongPhase", 409), ("StorageError", 500),
    ]  # fmt: skip
