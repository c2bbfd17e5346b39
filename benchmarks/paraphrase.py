"""Template families under paraphrase: how much an account's wording tells of its campaign, beside what others do.

    python benchmarks/paraphrase/collect.py --out SETS OWNER/NAME=CLONE …       # once; its own help names the clones
    STILLWATCH_SHARED_DATA=… STILLWATCH_PARAPHRASE_SETS=SETS .venv/bin/python benchmarks/paraphrase.py --quick
    … benchmarks/paraphrase.py --half test --out benchmarks/results/paraphrase-seed1

Without `--method` the product's own content family is measured. A method takes (entity of each prompt, texts) and
gives channels, each (entities, tokens). Settings are chosen on `--half tune`; `--half test` is for the report. Sentence
encoders stand beside where `make paraphrase-peers` has built their environment.
"""

from paraphrase.command import main

if __name__ == "__main__":
    main()
