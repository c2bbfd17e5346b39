"""How many words detection asks for, and so how many are counted: a store keeps no count that is finer.

Word counts stand in clear, and tell a thief of a text's form. Every reader takes its threshold from here.
"""

LEAST_WORDS = 4
"""Words of a text or of a sentence that can be a template's or a filler."""

LEAST_NEAR_WORDS = 8
"""Words of a text that is compared with others by MinHash: six shingles."""

COUNTED_OF_SEGMENT = LEAST_WORDS
"""Where the count of a segment's words ends (`segment_words`)."""

COUNTED_OF_TEXT = max(LEAST_WORDS, LEAST_NEAR_WORDS)
"""Where the count of the last human turn's words ends (`text_words`)."""
