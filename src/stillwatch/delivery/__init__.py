"""Alerts of `watch`, delivered: by webhook, as OCSF lines for a SIEM, by e-mail; from an outbox that survives a kill.

`sinks` says where to, `outbox` what waits, `post` sends a round of it; `webhook`, `ocsf` and `mail` know how.
"""
