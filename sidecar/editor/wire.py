"""Our JSON-RPC: pygls' protocol with its table kept flat, its answers kept plain and its life cycle kept to the letter.

Where pygls 2.1.1 differs from what LSP asks or from what a long-lived server can bear, it is overridden here and
nowhere else; each override says why.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from typing import Any, Final

import cattrs
from lsprotocol import converters, types
from pygls import exceptions
from pygls.protocol import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
    LanguageServerProtocol,
    lsp_method,
)
from pygls.protocol.json_rpc import MsgId, RPCMessage

from sidecar.core.errors import BadInput, Conflict, NotFound, SidecarError
from sidecar.trace import get_logger

DEADLINE: Final = 10.0
REQUEST_FAILED: Final = -32803
CONTENT_MODIFIED: Final = -32801

log = get_logger("editor")


class WireProtocol(LanguageServerProtocol):
    """The protocol of one connection.

    Every request that we send ends: with the answer, or with TimeoutError after `deadline` seconds. A handler's
    SidecarError becomes an error whose message is its sentence; any other exception is logged here and told to the
    editor by its type only.
    """

    deadline: float = DEADLINE

    def __init__(self, server: Any, converter: cattrs.Converter) -> None:
        super().__init__(server, converter)
        self._greeted = False
        self._asked: dict[MsgId, Future[Any]] = {}
        self.on_exit: Callable[[int], None] = lambda _code: None

    @property
    def pending(self) -> int:
        """How many handlers and requests of ours are under way."""
        return len(self._request_futures)

    # ── what comes in ───────────────────────────────────────────────────────────────────────────────
    def structure_message(self, data: dict[str, Any]) -> dict[str, Any]:
        """The parser's hook for each object: it leaves all as they are.

        pygls would make a message of any inner object with a `jsonrpc` key; only the outermost is one.
        """
        return data

    def handle_message(self, message: RPCMessage | dict[str, Any]) -> None:
        """Take one parsed frame: refuse what the life cycle forbids, give the rest its type, hand it on."""
        if not isinstance(message, dict) or not _is_message(message):
            log.warning("frame refused", reason="no JSON-RPC 2.0 message")
            self._answer_error(
                None, exceptions.JsonRpcInvalidRequest('A message must be one object with "jsonrpc": "2.0".')
            )
            return
        try:
            if (reason := self._forbidden(message)) is not None:
                raise reason
            typed = self._typed(message)
        except exceptions.JsonRpcException as error:
            log.warning("message refused", method=_name(message), reason=error.message)
            if _is_request(message):
                self._answer_error(message["id"], error)
            return
        if typed is not None:
            self._greeted = self._greeted or message.get("method") == types.INITIALIZE
            super().handle_message(typed)

    def refuse_frame(self, error: Exception, _source: object = None) -> None:
        """Tell that a frame could not even be parsed; for pygls' reading loop."""
        log.warning("frame refused", reason=type(error).__name__)
        if isinstance(error, ValueError | RecursionError):
            self._answer_error(None, exceptions.JsonRpcParseError("The message is not JSON that can be read."))

    def abandon(self) -> None:
        """Cancel every handler and every request of ours: the connection ends."""
        for future in list(self._request_futures.values()):
            future.cancel()

    def _forbidden(self, message: Mapping[str, Any]) -> exceptions.JsonRpcException | None:
        """Why the life cycle does not allow this message now; None if it does."""
        method = message.get("method")
        if method is None or method == types.EXIT:
            return None
        if method == types.INITIALIZE:
            return exceptions.JsonRpcInvalidRequest("`initialize` was sent before.") if self._greeted else None
        if not self._greeted:
            return exceptions.JsonRpcServerNotInitialized("Send `initialize` first.")
        if self._shutdown:
            return exceptions.JsonRpcInvalidRequest("The server is shut down; only `exit` can follow.")
        return None

    def _typed(self, message: dict[str, Any]) -> Any:
        """The message as its lsprotocol type; None for an answer that nobody waits for any more."""
        method = message.get("method")
        kind: Any
        if method is None:
            if message.get("id") not in self._asked:
                # pygls raises InvalidStateError for an answer to a request that was cancelled, and pops up a box.
                log.debug("late answer dropped")
                return None
            known = self._result_types.pop(message["id"], None)
            kind = types.ResponseErrorMessage if "error" in message else known or JsonRPCResponseMessage
        else:
            fallback = JsonRPCRequestMessage if "id" in message else JsonRPCNotification
            kind = self.get_message_type(method) or fallback
        try:
            typed = self._converter.structure(message, kind)
        except Exception as error:
            if method is None:
                self._handle_response(message["id"], None, types.ResponseError(REQUEST_FAILED, "unreadable answer"))
                return None
            raise exceptions.JsonRpcInvalidParams(
                f"The parameters of `{method}` do not have the form that LSP gives them."
            ) from error
        if method is not None and ("id" in message) != hasattr(typed, "id"):
            shape = "a notification" if "id" in message else "a request"
            raise exceptions.JsonRpcInvalidRequest(f"`{method}` is {shape}.")
        return typed

    def _handle_cancel_notification(self, msg_id: MsgId) -> None:
        if msg_id in self._request_futures and msg_id not in self._asked:
            super()._handle_cancel_notification(msg_id)

    # ── handlers ────────────────────────────────────────────────────────────────────────────────────
    def _get_handler(self, feature_name: str) -> Any:
        try:
            return super()._get_handler(feature_name)
        except exceptions.JsonRpcMethodNotFound:
            log.debug("unknown method", method=feature_name)
            raise

    def _execute_handler(
        self,
        msg_id: MsgId,
        handler: Any,
        callback: Callable[[Future[Any]], None],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        # pygls keeps the entry of every notification, and of every step of a built-in handler, for ever.
        def settled(future: Future[Any]) -> None:
            self._request_futures.pop(msg_id, None)
            callback(future)

        super()._execute_handler(msg_id, handler, settled, args, kwargs)

    def _send_handler_result(self, future: Future[Any], *, msg_id: MsgId) -> None:
        # pygls logs a traceback for an expected refusal and sends tracebacks to the editor.
        self._request_futures.pop(msg_id, None)
        if future.cancelled():
            self._answer_error(msg_id, exceptions.JsonRpcRequestCancelled("The request was cancelled."))
        elif (error := future.exception()) is not None:
            self._answer_error(msg_id, error_for_editor(error))
        else:
            self._send_response(msg_id, result=future.result())

    def _check_handler_result(self, future: Future[Any]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            log_fault("notification handler failed", error)

    def _answer_error(self, msg_id: MsgId | None, error: exceptions.JsonRpcException) -> None:
        self._send_response(msg_id, error=error.to_response_error())  # type: ignore[arg-type]  # null where unknown

    def _send_response(self, msg_id: MsgId, result: Any = None, error: types.ResponseError | None = None) -> None:
        if error is not None and isinstance(error.data, dict):
            error.data.pop("traceback", None)
        super()._send_response(msg_id, result, error)

    # ── what goes out ───────────────────────────────────────────────────────────────────────────────
    def send_request(
        self,
        method: str,
        params: Any = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: MsgId | None = None,
    ) -> Future[Any]:
        """Ask the editor. The result fails with TimeoutError at the deadline; cancelling it tells the editor so."""
        key = msg_id if msg_id is not None else str(uuid.uuid4())
        future = self._asked[key] = super().send_request(method, params, callback, key)
        timer = asyncio.get_running_loop().call_later(self.deadline, self._expire, key, method)

        def settled(done: Future[Any]) -> None:
            timer.cancel()
            self._asked.pop(key, None)
            self._request_futures.pop(key, None)
            self._result_types.pop(key, None)
            if done.cancelled():
                self.notify(types.CANCEL_REQUEST, types.CancelParams(id=key))

        future.add_done_callback(settled)
        return future

    def _expire(self, msg_id: MsgId, method: str) -> None:
        future = self._asked.get(msg_id)
        if future is not None and not future.done():
            self.notify(types.CANCEL_REQUEST, types.CancelParams(id=msg_id))
            future.set_exception(TimeoutError(f"the editor did not answer `{method}` within {self.deadline:g} s"))

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────
    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> Generator[Any, Any, None]:
        """Cancel what is under way, let the server close what it holds, answer."""
        # pygls walks through its table while cancelling changes it.
        for msg_id, future in list(self._request_futures.items()):
            if msg_id != self.msg_id:
                future.cancel()
        if (user_handler := self.fm.features.get(types.SHUTDOWN)) is not None:
            yield user_handler, args, None
        self._shutdown = True

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_args: Any) -> None:  # type: ignore[override]
        """End the connection: 0 after a `shutdown`, else 1."""
        # pygls raises SystemExit inside the loop, past everything that must be closed.
        self.on_exit(0 if self._shutdown else 1)


def error_for_editor(error: BaseException) -> exceptions.JsonRpcException:
    """The error as the editor is told it: a sentence and a code, never a traceback. Faults of ours are logged."""
    if isinstance(error, SidecarError):
        code = REQUEST_FAILED
        if isinstance(error, BadInput | NotFound):
            code = exceptions.JsonRpcInvalidParams.CODE
        elif isinstance(error, Conflict):
            code = CONTENT_MODIFIED
        return exceptions.JsonRpcException(error.sentence, code, {"kind": error.kind, "again": error.again})
    if isinstance(error, exceptions.JsonRpcException) and not isinstance(error, exceptions.JsonRpcInternalError):
        return error
    log_fault("request handler failed", error)
    return exceptions.JsonRpcInternalError(f"Sidecar could not do this ({type(error).__name__}); its log says more.")


def log_fault(event: str, error: BaseException) -> None:
    """Log an exception that a door caught, with its traceback."""
    try:
        raise error
    except type(error):  # only to have the traceback at hand
        log.exception(event)


def wire_converter() -> cattrs.Converter:
    """The converter of lsprotocol, which leaves parameters and results of methods that it does not know as they came.

    (pygls makes named tuples of them, which renames keys and eats some.)
    """
    converter = converters.get_converter()
    for kind, fields in (
        (JsonRPCRequestMessage, ("id", "method", "jsonrpc", "params")),
        (JsonRPCNotification, ("method", "jsonrpc", "params")),
        (JsonRPCResponseMessage, ("id", "jsonrpc", "result")),
    ):
        converter.register_structure_hook(kind, _leave(fields))
        converter.register_unstructure_hook(kind, _pick(fields, converter))
    return converter


def quiet_pygls() -> None:
    """Keep message bodies out of the log: pygls logs each at INFO, and some with its own errors; we log those ourselves."""
    logging.getLogger("pygls").setLevel(logging.WARNING)
    for name in ("pygls.protocol.json_rpc", "pygls.io_", "pygls.server"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _leave(fields: tuple[str, ...]) -> Callable[[Any, type], Any]:
    return lambda message, kind: kind(**{field: message.get(field) for field in fields})


def _pick(fields: tuple[str, ...], converter: cattrs.Converter) -> Callable[[Any], dict[str, Any]]:
    def unstructure(message: Any) -> dict[str, Any]:
        values = {field: converter.unstructure(getattr(message, field)) for field in fields}
        if values.get("params", ...) is None:
            del values["params"]
        return values

    return unstructure


def _is_message(message: Mapping[str, Any]) -> bool:
    method, msg_id = message.get("method", ""), message.get("id", 0)
    return message.get("jsonrpc") == "2.0" and isinstance(method, str) and isinstance(msg_id, int | str)


def _is_request(message: Mapping[str, Any]) -> bool:
    return "id" in message and "method" in message


def _name(message: Mapping[str, Any]) -> str:
    return str(message.get("method", "(answer)"))[:80]
