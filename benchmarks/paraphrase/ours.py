"""The product's content family as the bench runs it: the mined channels on the kernel's stems, and all channels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paraphrase.methods import Entities, hashed, present, sketched
from paraphrase.nats import Tokens
from stillwatch.content.mining import Prompts, families
from stillwatch.mined import OF_ENTITY


def mined(entity: Entities, texts: Sequence[str]) -> list[Tokens]:
    """The channels of `content/mining.py` alone, on at most OF_ENTITY prompts of each account, by hash."""
    chosen = _sample(entity, texts)
    full = sketched([texts[at] for at in chosen])
    held = full.n_stems > 0
    who = np.asarray(entity)[chosen][held]
    ends = np.concatenate([[0], np.cumsum(full.n_stems[held], dtype=np.int64)])
    shown = np.arange(full.stems.shape[1]) < full.n_stems[held][:, None]
    prompts = Prompts(who.astype(np.int32), ends, full.stems[held][shown], full.pairs[held][shown])
    return [(who[one.prompt], one.token) for one in families(prompts)]


def product(entity: Entities, texts: Sequence[str]) -> list[Tokens]:
    """All channels of the content family together."""
    return [*present(entity, texts), *mined(entity, texts)]


def _sample(entity: Entities, texts: Sequence[str]) -> NDArray[np.int64]:
    """Places of the prompts that are mined, account by account."""
    order = np.array([hashed(text) for text in texts], dtype=np.uint64)
    place = np.lexsort((order, entity))
    start = np.searchsorted(entity[place], entity[place], side="left")
    kept = place[np.arange(len(place)) - start < OF_ENTITY]
    return kept[np.lexsort((kept, entity[kept]))]
