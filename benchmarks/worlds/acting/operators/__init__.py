"""The operators: who harvests a model through many accounts, and the providers that rent these out."""
