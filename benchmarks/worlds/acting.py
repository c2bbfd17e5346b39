"""Worlds by agents who act: a second author's generator, which shares nothing with ours but the data contract.

    STILLWATCH_SHARED_DATA=… python benchmarks/worlds/acting.py --scenario mixed --seed 1 --out logs --truth truth

`--set` changes an axis: cover, paraphrase (and paraphrase_by=account), rotation, jitter (hours), exchanges (mean an
account), size (accounts of each campaign), imitate (affiliated, reseller, viral, same-items, product).
"""

from acting.command import main

if __name__ == "__main__":
    main()
