"""A request that goes on, from its ruling to its end."""

from stillwatch_gateway.answers import Ask
from stillwatch_gateway.client import AsyncClient
from stillwatch_gateway.limits import Limiter
from stillwatch_gateway.obligations import Ruling


class Run:
    """What a request holds while it runs: a place in this gateway's count, and perhaps one in the service's."""

    def __init__(self, client: AsyncClient, limiter: Limiter, ask: Ask, ruling: Ruling) -> None:
        self._client = client
        self._limiter = limiter
        self._ask = ask
        self._ruling = ruling
        self._over = False

    @property
    def holds(self) -> bool:
        """Whether anything is to be given back."""
        return self._ruling.limit is not None or self._ruling.leased

    def end(self) -> None:
        """Give both back; a second time nothing. Waits for nobody and raises nothing."""
        if self._over:
            return
        self._over = True
        if self._ruling.limit is not None:
            self._limiter.gives_back(self._ask.who, self._ruling.limit)
        if self._ruling.leased:
            self._client.ended(self._ask)
