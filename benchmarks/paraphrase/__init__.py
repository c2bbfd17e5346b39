"""Template families under paraphrase: the sets, the world, the measure and the peers. See `../paraphrase.py`."""
