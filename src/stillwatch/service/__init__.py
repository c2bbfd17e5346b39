"""The service that gateways and people ask over HTTP."""
