"""Errors, told apart by who may read their text.

::

    TellerError
    ├── ProtocolError      the other program broke the protocol: close 1002 / HTTP 400, code and text sent
    ├── UserError          a person asked for what cannot be: code and text sent, the connection lives on
    │   ├── Denied         wrong role or tenant, ticket used or expired: HTTP 403
    │   │   └── Unproven   nothing shows who asks: HTTP 401
    │   ├── NotFound       no such case, file or seat: HTTP 404
    │   ├── Busy           a bound is reached, try later: HTTP 429
    │   └── WrongPhase     the case or call is not where this is allowed: HTTP 409
    └── InternalError      our fault or a dead server: close 1011 / HTTP 500, only a reference is sent
        ├── StorageError   disk, database or archive did not do what it must
        ├── MediaError     the media plane could not do what was asked
        └── ModelError     a model is missing, altered or failed

``code`` is a stable machine word that the browser translates; ``http_status`` goes with the
class; ``str(error)`` is English for the log and for programmers. Exception text counts as personal
data: log it under a ``pii_`` key.
"""

from typing import ClassVar


class TellerError(Exception):
    """Base of all errors raised on purpose. ``code`` is the machine word."""

    default_code = "internal"
    http_status: ClassVar[int] = 500

    def __init__(self, text: str = "", *, code: str | None = None) -> None:
        self.code = code or self.default_code
        super().__init__(text or self.code)


class ProtocolError(TellerError):
    """A message or request that no correct client sends."""

    default_code = "protocol"
    http_status = 400


class UserError(TellerError):
    """A request that is well formed but cannot be granted."""

    default_code = "refused"
    http_status = 422


class Denied(UserError):
    """The caller may not do this."""

    default_code = "denied"
    http_status = 403


class Unproven(Denied):
    """Nothing shows who the caller is: no session, a wrong password, no good token."""

    default_code = "not_logged_in"
    http_status = 401


class NotFound(UserError):
    """The named thing does not exist, or not for this caller."""

    default_code = "not_found"
    http_status = 404


class Busy(UserError):
    """A stated bound is reached."""

    default_code = "busy"
    http_status = 429


class WrongPhase(UserError):
    """Not allowed in the present phase."""

    default_code = "wrong_phase"
    http_status = 409


class InternalError(TellerError):
    """Our fault; its text stays in the log."""


class StorageError(InternalError):
    """Disk, database or archive failed."""

    default_code = "storage"


class MediaError(InternalError):
    """The media plane failed."""

    default_code = "media"


class ModelError(InternalError):
    """A model is missing, has the wrong hash, or failed."""

    default_code = "model"
