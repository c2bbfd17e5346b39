"""A second author's generator: people, customers and operators who act through a month, one exchange after another."""
