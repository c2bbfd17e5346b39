"""Bits of an exchange's structure: what it carries, whatever it says. The most trusted signals of capability."""

from enum import IntFlag


class Structure(IntFlag):
    """One bit a fact. Stable: bits are stored; new ones go at the end."""

    SYSTEM = 1 << 0
    TOOLS = 1 << 1
    TOOL_CALL_BEFORE = 1 << 2
    TOOL_RESULT = 1 << 3
    TOOL_CALL_OUT = 1 << 4
    MEDIA = 1 << 5
    REASONING_OUT = 1 << 6
    JSON_FORMAT = 1 << 7
    CODE_IN = 1 << 8
    CODE_OUT = 1 << 9
    MANY_ANSWERS = 1 << 10
    LOGPROBS = 1 << 11
    MULTI_TURN = 1 << 12
    REASONING_ASKED = 1 << 13
    JSON_OUT = 1 << 14
    COMPUTER_TOOL = 1 << 15
    FEW_SHOT = 1 << 16
    SAMPLED_HOT = 1 << 17
    OPTIONS = 1 << 18
