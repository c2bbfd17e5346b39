"""A second author's generator: people, customers and operators who act through a month, one exchange after another.

Written from the data contract and the real material alone, without a look at the detector or the other simulators.

- An agent signs up (`world`), has places (`places`), programs (`tools`) and hours (`calendars`), and a job (`speech`,
  `work`) that makes talks; a talk is turns in one form (`acts`). `ledger` writes down what the provider would log.
- `honest/` holds the populations, each function of which says what it imitates; `operators/` the harvests, the
  providers that rent out accounts, the campaigns, and the disguises; `scenario` says who is in which world.
- `material` reads what is real, `words/` holds what people wrote by hand for it. Real: prompts, personas, homework,
  benchmarks, judges' and distillers' templates, answers, agents' steps and token counts, the human week and people's
  volumes (posts), machines' rates and volumes (API customers), address ranges. By hand: everyday asks in nine
  languages, firms' documents and instructions, operators' wordings and their paraphrases.

What a member does is an ordinary account's life, made by the same hands as an honest one's: `operators.campaign` cuts
off ends of its talks and puts the harvest there, so that volume, age and hours are those of honest accounts.

Not real here: TLS fingerprints (form only), which answer belongs to which question, and a client's preamble is a few
kilobytes where real ones have fifty. Within a firm or an operator, wordings are fewer than a real one would have.
"""
