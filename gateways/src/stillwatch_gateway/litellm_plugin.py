"""A callback of a LiteLLM proxy: limits and obligations on every call.

    litellm_settings:
      callbacks: [stillwatch_gateway.litellm_plugin.stillwatch]

Where the environment does not say how Stillwatch is reached, the proxy does not start, rather than fail call by call.
LiteLLM loads this module; nothing else of this package imports it, or LiteLLM.

A call has ended when LiteLLM calls the hook for its success or its failure, or closes its stream; where it does none of
these, when it lets go of the call's logging object. Of kinds of calls without such hooks no end is promised.
"""

import asyncio
import contextlib
import weakref
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping
from typing import Any

from litellm.integrations.custom_logger import CustomLogger
from litellm.proxy._types import ProxyException

from stillwatch_gateway.answers import Ask, tidy, unique
from stillwatch_gateway.client import AsyncClient
from stillwatch_gateway.limits import Limiter
from stillwatch_gateway.obligations import ANTHROPIC, OPENAI, Ruling, change, estimated, ruled
from stillwatch_gateway.reasoning import TEXTS, TRACES, Stream, without, without_think
from stillwatch_gateway.runs import Run
from stillwatch_gateway.settings import from_environment

PATHS = {"anthropic_messages": "/v1/messages", "aresponses": "/v1/responses", "responses": "/v1/responses"}
"""The path that a call's type stands for, where the body's shape hangs on it."""

ENDING = frozenset({
    "acompletion", "completion", "atext_completion", "text_completion", "aembedding", "embeddings",
    "anthropic_messages", "aresponses", "responses",
})  # fmt: skip
"""Types of calls after which LiteLLM always says that they have ended; of speech, for one, it does not."""

INNER = ("choices", "message", "delta", "output", "response", "content", "summary", "item", "part")
"""Attributes of an answer in which traces may stand."""

MOST_RUNNING = 100_000
"""Calls under a limit that may run at once. Of more the oldest are not known any more when they end."""

Data = MutableMapping[str, Any]


class StillwatchLogger(CustomLogger):  # type: ignore[misc]  # LiteLLM has no types that could be checked here
    """Asks before each call, and does what the decision obliges to."""

    def __init__(self, client: AsyncClient | None = None, limiter: Limiter | None = None) -> None:
        super().__init__()
        self.client = client or AsyncClient(from_environment())
        self._limiter = limiter or Limiter()
        self._rulings: weakref.WeakKeyDictionary[Any, Ruling] = weakref.WeakKeyDictionary()
        self._running: OrderedDict[tuple[int, str], Run] = OrderedDict()
        self._runs: weakref.WeakKeyDictionary[Any, Run] = weakref.WeakKeyDictionary()

    async def async_pre_call_hook(self, user_api_key_dict: Any, cache: Any, data: Data, call_type: str) -> Data:
        """Ask; refuse the call, or change it. Raises LiteLLM's ProxyException for a refusal."""
        path = PATHS.get(call_type, "")
        ask = asked(user_api_key_dict, data, call_type)
        outcome = await self.client.decide(ask)
        ruling = ruled(outcome, ask, self._limiter, ANTHROPIC if path.endswith("/messages") else OPENAI)
        run = Run(self.client, self._limiter, ask, ruling)
        if ruling.refusal is not None:
            run.end()
            raise _exception(ruling)
        logged = data.get("litellm_logging_obj")
        if ruling.decision.binding and logged is not None:
            self._rulings[logged] = ruling
        if run.holds:
            self._begun(data, logged, run)
        if ruling.rewrites:
            change(data, ruling.decision, ANTHROPIC if path.endswith("/messages") else OPENAI, path)
        return data

    async def async_post_call_response_headers_hook(
        self, data: Data, user_api_key_dict: Any, response: Any, request_headers: dict[str, str] | None = None
    ) -> dict[str, str] | None:
        """Tell in headers what was done to the call."""
        ruling = self._ruling(data)
        return ruling.headers if ruling is not None else None

    async def async_post_call_success_hook(self, data: Data, user_api_key_dict: Any, response: Any) -> Any:
        """Take reasoning out of an answer."""
        ruling = self._ruling(data)
        self._ended(data)
        return blanked(response) if ruling is not None and ruling.hides_reasoning else response

    async def async_post_call_failure_hook(
        self,
        request_data: Data,
        original_exception: Exception,
        user_api_key_dict: Any,
        traceback_str: str | None = None,
    ) -> None:
        """A call that failed has ended."""
        self._ended(request_data)

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: Data
    ) -> AsyncIterator[Any]:
        """Take reasoning out of a stream."""
        ruling = self._ruling(request_data)
        hides = ruling is not None and ruling.hides_reasoning
        lines = Stream()
        try:
            async for item in response:
                out = _streamed(item, lines) if hides else item
                if out is not None:
                    yield out
        finally:
            self._ended(request_data)

    def _ruling(self, data: Data) -> Ruling | None:
        """The ruling of a call, by its logging object: ids of calls are the caller's choice."""
        logged = data.get("litellm_logging_obj")
        return self._rulings.get(logged) if logged is not None else None

    def _ended(self, data: Data) -> None:
        """Give back what a call took, once. Whoever changes a call's data may hand on a copy, and after a failure the
        logging object is not in it any more: one of the two is there."""
        logged = data.get("litellm_logging_obj")
        run = self._runs.pop(logged, None) if logged is not None else None
        placed = self._running.pop(_place(data), None)
        for one in (run, placed):
            if one is not None:
                one.end()

    def _begun(self, data: Data, logged: Any, run: Run) -> None:
        """Remember what a call took."""
        place = _place(data)
        self._running[place] = run
        while len(self._running) > MOST_RUNNING:
            self._running.popitem(last=False)
        if logged is not None:
            self._runs[logged] = run
            weakref.finalize(logged, _soon, asyncio.get_running_loop(), self._gone, place, run).atexit = False

    def _gone(self, place: tuple[int, str], run: Run) -> None:
        """LiteLLM has let go of a call: if it did not say so before, it has ended."""
        if self._running.get(place) is run:
            del self._running[place]
        run.end()


def _soon(loop: asyncio.AbstractEventLoop, what: Callable[..., None], *about: Any) -> None:
    """Do something in the loop. Nothing may be done where a collection of garbage finds us: locks may be held there."""
    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(what, *about)


def _place(data: Data) -> tuple[int, str]:
    """What tells a call that runs from all others: LiteLLM hands its data on, but a failed call's without more."""
    return id(data), tidy(data.get("litellm_call_id"))


def asked(key: Any, data: Mapping[str, Any], call_type: str) -> Ask:
    """The question that a call stands for. The account is the key's user, else its team, else the key, as in LiteLLM's
    logs."""
    hashed = _text(key, "api_key") or _text(key, "token")
    account = _text(key, "user_id") or _text(key, "team_id") or hashed
    held = data.get("litellm_metadata" if call_type in PATHS else "metadata")  # the other one is the caller's own
    about = held if isinstance(held, dict) else {}
    length = sum(len(str(data.get(name) or "")) for name in ("messages", "prompt", "input"))
    return Ask(
        account, hashed, tidy(_text(key, "end_user_id") or data.get("user")), tidy(data.get("model")),
        "embeddings" if "embedding" in call_type else "chat", tidy(about.get("requester_ip_address")).partition(",")[0],
        estimated(data, length), unique(data.get("litellm_call_id")),
        call_type in ENDING and data.get("litellm_logging_obj") is not None,
    )  # fmt: skip


def _text(held: Any, name: str) -> str:
    value = getattr(held, name, None)
    return value if isinstance(value, str) else ""


def _exception(ruling: Ruling) -> Exception:
    assert ruling.refusal is not None
    error = ruling.refusal.body["error"]
    more = {name: error[name] for name in ("code", "appeal_url", "decision_id", "verification") if error.get(name)}
    return ProxyException(  # type: ignore[no-any-return]
        message=error["message"], type=error["type"], param=None, code=ruling.refusal.status,
        headers=dict(ruling.refusal.headers), provider_specific_fields=more,
    )  # fmt: skip


def _streamed(item: Any, lines: Stream) -> Any:
    """A piece of a stream without its traces; None where nothing is left of it."""
    if isinstance(item, bytes | str):
        out = lines.feed(item.encode() if isinstance(item, str) else item)
        return (out.decode() if isinstance(item, str) else out) if out else None
    if str(getattr(item, "type", "")).startswith("response.reasoning"):
        return None
    return blanked(item)


def blanked(value: Any, depth: int = 0) -> Any:
    """An answer of LiteLLM's own classes without its traces; it is changed in place, plain objects are copied."""
    if isinstance(value, dict):
        return without(value, depth)
    if isinstance(value, list):
        return [blanked(one, depth + 1) for one in value]
    if depth > 12 or not hasattr(value, "__dict__"):
        return value
    is_trace = str(getattr(value, "type", "")) in ("reasoning", "thinking", "redacted_thinking")
    for name in (*TRACES, *(("summary", "content", "encrypted_content", "thinking", "data") if is_trace else ())):
        if getattr(value, name, None) is not None and (depth or name != "reasoning"):
            setattr(value, name, [] if isinstance(getattr(value, name), list) else None)
    fields = getattr(value, "provider_specific_fields", None)
    if isinstance(fields, dict):
        for name in TRACES:
            fields.pop(name, None)
    for name in TEXTS:
        if isinstance(said := getattr(value, name, None), str):
            setattr(value, name, without_think(said))
    for name in INNER:
        inner = getattr(value, name, None)
        if isinstance(inner, list | dict) or (inner is not None and hasattr(inner, "__dict__")):
            setattr(value, name, blanked(inner, depth + 1))
    return value


stillwatch = StillwatchLogger()
