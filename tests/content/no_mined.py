"""What the steps of families read where nothing was mined."""

from stillwatch.records import Step

NO_MINED = Step("mined_token", "SELECT x, entity, '' AS channel, 0::UBIGINT AS token FROM exchange WHERE FALSE")
