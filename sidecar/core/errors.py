"""Every error the product raises on purpose, drawn as one tree, each with a sentence for a person.

SidecarError
├── BadInput                 the caller's request is wrong: say what, and what to do
│   ├── TooLarge
│   └── NotSupported         understood, but this provider or build cannot do it
├── Unauthenticated          no valid credential
├── Refused                  a guard or a policy said no
├── NotFound                 the thing named does not exist
├── Conflict                 the world moved on since the caller looked (text changed, port taken)
├── SetupError               a setting is missing or wrong; names the variable and the mend
├── GitError                 git could not answer
│   ├── NotARepository
│   └── GitTimeout
├── StoreError               the database cannot be used
└── UpstreamError            the provider answered with an error, or did not answer
    ├── UpstreamUnreachable  no connection, or none in time
    └── UpstreamCut          the answer broke off before its end
"""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.core.turn import Handling


class SidecarError(Exception):
    """Base of all errors raised on purpose.

    `sentence` is for a person and says what to do; `kind` is the Messages API's error type
    (`invalid_request_error`, `api_error`, …); `again` tells whether trying again can help.
    """

    kind: str = "api_error"
    again: bool = False

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class BadInput(SidecarError):
    """The request itself is wrong."""

    kind = "invalid_request_error"


class TooLarge(BadInput):
    """The request is larger than the limit that the sentence names."""

    kind = "request_too_large"


class NotSupported(BadInput):
    """The request is understood but cannot be served here."""

    kind = "not_supported"


class Unauthenticated(SidecarError):
    """No valid credential came with the request."""

    kind = "authentication_error"


class Refused(SidecarError):
    """A guard or a policy refuses the request; the sentence says which and how to allow it."""

    kind = "permission_error"


class NotFound(SidecarError):
    """The thing that was named does not exist."""

    kind = "not_found_error"


class Conflict(SidecarError):
    """What the caller refers to has changed or is taken."""

    kind = "invalid_request_error"


class SetupError(SidecarError):
    """A setting is missing or wrong. `variable` names it; the sentence says how to mend it."""

    kind = "invalid_request_error"

    def __init__(self, sentence: str, variable: str | None = None) -> None:
        super().__init__(sentence)
        self.variable = variable


class GitError(SidecarError):
    """git could not answer."""


class NotARepository(GitError):
    """The folder does not belong to a git repository."""


class GitTimeout(GitError):
    """git did not answer within its limit."""

    again = True


class StoreError(SidecarError):
    """The database cannot be opened or used."""


class UpstreamError(SidecarError):
    """The provider answered with an error.

    `status` is the HTTP status it gave (or 502 when it gave none that can be passed on),
    `kind` the Messages API's type for it, `retry_after` seconds if it named them,
    `relay` the provider's own body when it must be handed on word for word, `headers` those of its headers
    that the client may see, `handling` what was done to the request.
    """

    def __init__(
        self,
        sentence: str,
        *,
        status: int = 502,
        kind: str = "api_error",
        retry_after: float | None = None,
        relay: bytes | None = None,
        request_id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.headers: Mapping[str, str] = headers or {}
        self.status = status
        self.kind = kind
        self.retry_after = retry_after
        self.relay = relay
        self.request_id = request_id
        self.again = status in {408, 429, 500, 502, 503, 504, 529}
        self.handling = Handling()


class UpstreamUnreachable(UpstreamError):
    """No connection to the provider, or no answer in time."""


class UpstreamCut(UpstreamError):
    """The provider's answer broke off before its end."""


def refuses_tools(error: UpstreamError) -> bool:
    """Whether a provider refuses a request since its model takes no tools, or is not to be forced to use one."""
    told = f"{error.sentence} {(error.relay or b'').decode('utf-8', 'replace')}".lower()
    return error.status in {400, 404, 422, 501} and "tool" in told
