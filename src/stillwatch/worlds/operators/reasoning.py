"""Elicitation of reasoning: solve with all steps, or explain how a finished answer came about.

Imitates S4: the model writes chains of thought over public problems, the student learns them. Instructions are written
by hand after those of distilabel's Math-Shepherd and of published reasoning data sets; answers are real step-by-step
outputs (ZeroEval).
"""

# ruff: noqa: E501 - wordings stay whole, as they are sent

from stillwatch.worlds.chance import Dice, key
from stillwatch.worlds.corpus import Corpus
from stillwatch.worlds.operators.material import Problems, short_answer
from stillwatch.worlds.operators.wording import Wording
from stillwatch.worlds.words import Words, system, user

SOLVE = (
    Wording((
        ("Solve the problem below.", "Work on the following task.", "Here is a problem to solve.", "Find the solution.", "Please work this one out.", "Tackle the exercise that follows."),
        ("Write down your complete reasoning, one step a line, before you give the result.", "Lay out every step of thought in order, leaving none out, and only then state the result.", "Reason from first principles and show each inference as a line of its own.", "Put the full derivation first, in small steps.", "I want to see how you get there: all intermediate thoughts, in sequence.", "Spell out each deduction and why it holds."),
        ("End with a line 'FINAL: <answer>'.", "Close with 'FINAL:' and the answer.", "The last line holds the answer and nothing else.", "Finish by giving the answer after 'FINAL:'.", "On the last line write the result."),
    )),
    Wording((
        ("You will be given a question with a unique answer.", "A question with one right answer follows.", "Consider this question; exactly one answer is right.", "Below stands a question that has one answer."),
        ("Think aloud in numbered steps; check each step against the question before the next.", "Number your thoughts and verify each of them before you go on.", "Go step by step with numbers, testing every step as you go.", "Proceed in numbered steps, each followed by a short check."),
        ("If a step turns out wrong, say so and go back.", "Admit wrong turns and correct them in the text.", "Keep mistakes in and repair them where they occur.", "When you err, note it, then continue from the last right step."),
    ), frame=1, system="You are an expert problem solver."),
    Wording((
        ("Act as a teacher who demonstrates a solution to a class.", "Demonstrate the solution as you would at a blackboard.", "You demonstrate how to solve this for students."),
        ("Narrate what you consider, what you discard and why.", "Say what you try, what you drop and for which reason.", "Tell which ideas come up, which are rejected, and the grounds for it."),
        ("At least eight steps, then the answer in \\boxed{}.", "Use eight steps or more; box the answer.", "No fewer than eight steps. Box the result."),
    ), frame=2),
)  # fmt: skip
EXPLAIN = (
    Wording((
        ("Below are a problem and its verified answer.", "You see a problem together with its correct answer.", "A task and the answer to it are given.", "Here is a solved problem."),
        ("Write the reasoning that a strong solver would have gone through to reach exactly this answer.", "Reconstruct the line of thought that ends in this answer.", "Supply the missing derivation from problem to answer.", "Recover the steps in between, as if you had solved it yourself."),
        ("Do not mention that the answer was given.", "Never refer to the given answer.", "Write as though you did not know the answer beforehand.", "The text must read like an original solution."),
    )),
    Wording((
        ("Given a question and a final result, produce the scratch work.", "Produce the scratch work for the question and result below.", "The scratch work for this result is missing. Produce it."),
        ("Cover every inference between the statement and the result, including dead ends.", "Include all inferences, dead ends too.", "Leave no inference out, and keep failed attempts."),
        ("Output only the scratch work.", "Give the scratch work and nothing besides.", "Nothing but the scratch work."),
    ), frame=1),
)  # fmt: skip


class Reasoning:
    """Problems under a campaign's instructions. ``explain`` gives the answer along and asks for the way to it."""

    def __init__(self, corpus: Corpus, seed: int, paraphrase: float, *, explain: bool = False) -> None:
        self.capability = "post_hoc_reasoning" if explain else "cot_elicitation"
        self._wordings = EXPLAIN if explain else SOLVE
        self._problems = Problems(corpus, seed)
        self._answers = corpus.answers["math"]
        self._seed = seed
        self._paraphrase = paraphrase
        self._explain = explain

    def write(self, item: int, turn: int) -> Words:
        """The words for one problem."""
        dice = Dice(key("reasoning", self._seed, item))
        wording = dice.popular(self._wordings, 1.5)
        problem = self._problems[item]
        if self._explain:
            problem = f"Problem: {problem}\n\nAnswer: {short_answer(dice, problem)}"
        text = wording.text(problem, dice, dice.true(self._paraphrase))
        return Words((user(text),), dice.pick(self._answers), system(wording.system) if wording.system else None)
