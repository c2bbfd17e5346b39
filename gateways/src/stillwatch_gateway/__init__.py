"""Gateways of Stillwatch: they ask `POST /v1/decisions` before a model answers, and never wait for it.

This distribution needs the standard library alone, and knows neither `stillwatch` nor the gateway that loads it:
importing this package imports nothing else.
"""

__version__ = "0.1.0"
