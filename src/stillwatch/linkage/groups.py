"""From many overlapping confirmed candidates to one group each: tested core, who confirmed it, and its members."""

from collections import Counter, deque
from collections.abc import Callable, ItemsView, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from stillwatch.linkage.clusters import LEAST_ACCOUNTS, LINK, Candidate
from stillwatch.linkage.confirm import THREADS
from stillwatch.linkage.incidence import Incidence, Indices
from stillwatch.linkage.membership import MOSTLY, TEXT, Membership, matrices_of, membership
from stillwatch.linkage.operators import Operators
from stillwatch.linkage.search import Found
from stillwatch.linkage.templates import Templates
from stillwatch.records import ACCESS, EXACT_FAMILIES, Family

SAME = 0.5
"""Share of the smaller of two groups that lies in the larger, from which both are one."""

STRONGEST = 200.0
TWICE = 100.0
PER_ENTITY = 1e-3
"""What ranks a seed: ln e of each family that discovered it, up to this much; nats more where two families did; and
the larger of two that are equal. The order decides which of two overlapping seeds becomes the group, nothing else.
Where no text parts a wide group, evidence that only grows with its size must not put it before those within it."""

REPEATED = 0.8
"""Jaccard similarity of two waiting parts from which both are one."""

LEAST_PART = 4
"""Entities below which a part that splits off by templates is not followed up."""

SETTLED = 0.8
"""Share of a group that its largest part must keep for the group not to be split again."""

NAMED = 0.1
"""Jaccard similarity with a group from which a tested candidate may stand for it: candidates are made by other families
than those that test them, so that of a campaign of three hundred a few dozen are tested together."""


@dataclass(frozen=True)
class Confirmation:
    """One family's agreement: ln e of the tested candidate that is most like the group, and whether e-BH discovered
    it."""

    family: Family
    log_e: float
    discovered: bool


@dataclass(frozen=True)
class Group:
    """A confirmed group.

    `core` are the rows of one tested candidate; the other members are attached by `membership` and inherit nothing.
    `twice` holds the families that together confirmed the core; `found_by` the families that proposed it. Another
    family's confirmation is that of another tested candidate, the most like this group.
    """

    core: Indices
    confirmations: tuple[Confirmation, ...]
    twice: tuple[Family, ...]
    found_by: tuple[Family, ...]
    members: Membership
    kin: Indices = field(default_factory=lambda: np.zeros(0, np.int32))
    """Rows that belonged to what has grown, by access as well, and went with another part of its work: no outsiders
    who use the group's words."""
    gone: Indices = field(default_factory=lambda: np.zeros(0, np.int32))
    """Rows that shared the work and belong to another group: no members, also where they are of the core."""

    def certain(self) -> Indices:
        """Rows that share the work and belong with a probability of at least one half."""
        return self.members.certain()


@dataclass(frozen=True)
class _Seed:
    rows: Indices
    strength: float


def confirmed_groups(incidence: Incidence, found: Found) -> list[Group]:
    """The groups that at least one family discovered, overlaps joined, strongest first.

    A group grows from a seed by all families; what has grown is split by operator and then by programme of work, and
    the part that the seed lies in is the group. The other operators' follow after all seeds, unless one has led there.
    All are chosen a second time when it is known whose home each is.
    """
    matrices = matrices_of(incidence, found.families)
    operators = Operators(incidence, found.families, matrices)
    chosen, tried, others = _Chosen(incidence, found), _Kept(), _Others(incidence)
    offers: list[tuple[Membership, Indices]] = []

    def is_open(seed: _Seed) -> bool:
        return chosen.taken.overlap(seed.rows) < SAME and tried.likeness(seed.rows) < SAME

    def grow(seed: _Seed) -> Membership:
        return membership(incidence, seed.rows, found.families, matrices)

    def offer(members: Membership, borne: Indices) -> None:
        offers.append((members, borne))
        chosen.offer(members, borne)

    for seed, grown in _ahead(_seeds(found), is_open, grow):
        tried.add(seed.rows)
        marks, home = _marked(incidence.n, seed.rows), grown.certain()
        first, *beside = sorted(operators.parts(grown), key=lambda part: -int(marks[part].sum()))
        own = operators.beside_itself(first) if beside else grown
        offer(own.within(_programme_of(found.templates, own.certain(), home, marks)), grown.borne())
        others.wait(beside, home, grown.borne())
    for part, home, borne in others.open(chosen.taken):
        other = operators.beside_itself(part)
        for programme in found.templates.programmes(other.certain(), home):
            offer(other.within(programme), borne)
    again = _Chosen(incidence, found, chosen.home)
    for members, borne in offers:
        again.offer(members, borne)
    return again.groups


class _Chosen:
    """The groups among those that are offered, in this order: enough accounts, a tested core, and not the same again.

    Who signed up with one group and shares only words with another belongs to the first: `home` are the rows that
    registration joins in groups most of which access joins, known from before or met on the way. Exits tell nobody's
    home: a thief chooses those of a stolen key.
    """

    def __init__(self, incidence: Incidence, found: Found, home: NDArray[np.bool_] | None = None) -> None:
        self.groups: list[Group] = []
        self.taken = _Kept()
        self.home = np.zeros(incidence.n, dtype=np.bool_) if home is None else home.copy()
        self._accounts = incidence.accounts
        self._tested = _Tested(incidence.n, found)

    def offer(self, members: Membership, borne: Indices) -> None:
        """`borne` are the members whom access joins of what the offered group is a part of."""
        is_home = _is_borne(members)
        certain = members.certain()
        gone = np.setdiff1d(certain[self.home[certain]], members.borne(), assume_unique=True)
        members = members.within(np.setdiff1d(certain, gone, assume_unique=True))
        if _is_borne(members):
            members = members.within(self.taken.without(members.certain()))
        part = members.certain()
        if self._accounts[part].sum() < LEAST_ACCOUNTS or self.taken.overlap(part) >= SAME:
            return
        group = self._tested.group(part, members)
        if group is not None:
            self.taken.add(part)
            if is_home:
                joined = members.rows[members.of(Family.REGISTRATION) > LINK]
                self.home[np.intersect1d(joined, part, assume_unique=True)] = True
            self.groups.append(replace(group, kin=np.setdiff1d(borne, part, assume_unique=True), gone=gone))


def _is_borne(members: Membership) -> bool:
    return (members.linked() or 0.0) >= MOSTLY


def _ahead(
    seeds: list["_Seed"], is_open: Callable[["_Seed"], bool], grow: Callable[["_Seed"], Membership]
) -> Iterator[tuple["_Seed", Membership]]:
    """Each seed that is open when its turn comes, with what it grows into; the next ones grow meanwhile on two threads.

    A seed that is closed once stays closed, so what has grown in vain is dropped and the answer is that of one thread.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[tuple[_Seed, Future[Membership]]] = deque()
        left = iter(seeds)
        while True:
            while len(waiting) < 2 * THREADS and (seed := next(filter(is_open, left), None)):
                waiting.append((seed, pool.submit(grow, seed)))
            if not waiting:
                return
            seed, grown = waiting.popleft()
            if is_open(seed):
                yield seed, grown.result()


class _Kept:
    """Groups kept so far, and how far a further one lies in any of them."""

    def __init__(self) -> None:
        self._holders: dict[int, list[int]] = {}
        self._sizes: list[int] = []

    def add(self, rows: Indices) -> None:
        for row in rows.tolist():
            self._holders.setdefault(row, []).append(len(self._sizes))
        self._sizes.append(len(rows))

    def overlap(self, rows: Indices) -> float:
        """The greatest share of the smaller of two groups that lies in the larger."""
        return max((n / min(len(rows), self._sizes[at]) for at, n in self._shared(rows)), default=0.0)

    def without(self, rows: Indices) -> Indices:
        """The rows without the small groups that lie in them: those of which at least `SAME` does, and which are less
        than half as large."""
        gone = {at for at, n in self._shared(rows) if n >= SAME * self._sizes[at] and 2 * self._sizes[at] < len(rows)}
        return np.array([row for row in rows.tolist() if gone.isdisjoint(self._of(row))], dtype=rows.dtype)

    def left(self, rows: Indices) -> Indices:
        """The rows that lie in no group."""
        return np.array([row for row in rows.tolist() if row not in self._holders], dtype=rows.dtype)

    def likeness(self, rows: Indices) -> float:
        """The greatest Jaccard similarity. Two seeds that are alike grow into one group; a part of a large one is
        another."""
        return max((n / (len(rows) + self._sizes[at] - n) for at, n in self._shared(rows)), default=0.0)

    def _shared(self, rows: Indices) -> ItemsView[int, int]:
        return Counter(at for row in rows.tolist() for at in self._of(row)).items()

    def _of(self, row: int) -> Sequence[int]:
        """The groups that a row lies in."""
        return self._holders.get(row, ())


class _Others:
    """Operators beside whom a seed did not lie, which wait until all seeds have had their turn."""

    def __init__(self, incidence: Incidence) -> None:
        self._accounts = incidence.accounts
        self._met = _Kept()
        self._waiting: list[tuple[Indices, Indices, Indices]] = []

    def wait(self, parts: list[Indices], home: Indices, borne: Indices) -> None:
        """Parts of what has grown (`home`), and those of its members who are borne by access. Parts that are alike lead
        to one group, so the first waits for all."""
        for part in parts:
            if self._met.likeness(part) < REPEATED:
                self._met.add(part)
                self._waiting.append((part, home, borne))

    def open(self, taken: "_Kept") -> Iterator[tuple[Indices, Indices, Indices]]:
        """Those of which enough accounts for a group are in none when their turn comes."""
        for part, home, borne in self._waiting:
            if self._accounts[taken.left(part)].sum() >= LEAST_ACCOUNTS:
                yield part, home, borne


def _programme_of(templates: Templates, certain: Indices, home: Indices, marks: NDArray[np.bool_]) -> Indices:
    """The programme in which most of the marked rows lie; all rows where content is not seen.

    What a part shares is judged beside its own size, so a part is split again until little splits off.
    """
    while templates.seen:
        part = max((part for part in templates.programmes(certain, home) if marks[part].any()),
                   key=lambda part: int(marks[part].sum()), default=certain[:0])  # fmt: skip
        if len(part) >= SETTLED * len(certain) or len(part) == 0:
            return part
        certain = part
    return certain


def _marked(n: int, rows: Indices) -> NDArray[np.bool_]:
    marks = np.zeros(n, dtype=np.bool_)
    marks[rows] = True
    return marks


def _seeds(found: Found) -> list[_Seed]:
    """Parts of discovered candidates that share templates, or the candidate itself where none do or where it is the
    holders of one wording; strongest first."""
    seeds: list[_Seed] = []
    for candidates, said in _by_rows(found):
        all_rows = candidates[0].rows
        strength = sum(min(log_e, STRONGEST) for log_e in said.values())
        bonus = TWICE if len([family for family in said if family != Family.CLIENT]) > 1 else 0.0
        parts = [part for part in found.templates.parts(all_rows) if len(part) >= LEAST_PART]
        is_wording = any(_is_wording(found, candidate) for candidate in candidates)
        for rows in [*([all_rows] if not parts or is_wording else []), *parts]:
            share = len(rows) / len(all_rows)
            spread = 1.0 if found.templates.seen else len(rows) ** 0.5
            seeds.append(_Seed(rows, (strength + bonus) * share / spread + PER_ENTITY * len(rows)))
    return sorted(seeds, key=lambda seed: (-seed.strength, -len(seed.rows), seed.rows.tolist()))


def _by_rows(found: Found) -> Iterator[tuple[list[Candidate], dict[Family, float]]]:
    """The discovered candidates of the same rows, however they were found, with what each family that discovered one
    says."""
    same: dict[bytes, list[int]] = {}
    for place, candidate in enumerate(found.candidates):
        same.setdefault(candidate.rows.tobytes(), []).append(place)
    for places in same.values():
        said = {family: float(found.log_e[family][at]) for at in places for family in _discovering(found, at)}
        if said:
            yield [found.candidates[at] for at in places], said


def _is_wording(found: Found, candidate: Candidate) -> bool:
    """Whether a candidate was found by content alone."""
    return all(family in candidate.left_out or family in TEXT for family in found.families)


def _discovering(found: Found, place: int) -> list[Family]:
    return [family for family in found.discovered if found.discovered[family][place]]


class _Tested:
    """The tested candidates as a matrix, to name the one that stands for a group."""

    def __init__(self, n: int, found: Found) -> None:
        self._found = found
        self._sizes = np.array([len(candidate.rows) for candidate in found.candidates], dtype=np.int64)
        places = np.repeat(np.arange(len(found.candidates)), self._sizes)
        rows = np.concatenate([c.rows for c in found.candidates]) if found.candidates else np.zeros(0, np.int32)
        self._standing: set[bytes] = set()
        self._held = csr_matrix((np.ones(len(rows), np.int64), (rows, places)), (n, len(found.candidates)))

    def group(self, part: Indices, members: Membership) -> Group | None:
        """The group with its named core, or nothing where no discovered candidate is like it.

        Of the candidates that lie mostly inside, the one that most families discovered stands for the group, then the
        most similar: chosen after the tests, among discoveries only. The same rows stand for one group only.
        """
        inside = np.asarray(self._held[part].sum(axis=0)).ravel()
        similar = inside / np.maximum(self._sizes + len(part) - inside, 1)
        near = [
            _Near(int(at), float(similar[at]), _discovering(self._found, int(at)))
            for at in np.flatnonzero((similar >= NAMED) & (inside >= SAME * self._sizes))
            if self._found.candidates[at].rows.tobytes() not in self._standing
        ]
        named = max(near, key=lambda one: (*_rank(one), one.similar, -one.place), default=None)
        if named is None or not named.families:
            return None
        core = self._found.candidates[named.place]
        self._standing.add(core.rows.tobytes())
        return Group(
            core.rows,
            self._confirmations([named, *sorted(near, key=lambda one: (-one.similar, one.place))]),
            tuple(named.families) if len(named.families) > 1 else (),
            tuple(family for family in self._found.families if family not in core.left_out),
            members,
        )

    def _confirmations(self, near: list["_Near"]) -> tuple[Confirmation, ...]:
        """For each family the first candidate that it discovered; where it discovered none, the first that it
        tested."""
        said: dict[Family, Confirmation] = {}
        for one in near:
            if one.similar < SAME and one is not near[0]:
                continue
            for family, values in self._found.log_e.items():
                value, discovered = float(values[one.place]), family in one.families
                if np.isfinite(value) and (family not in said or (discovered and not said[family].discovered)):
                    said[family] = Confirmation(family, value, discovered)
        return tuple(said[family] for family in EXACT_FAMILIES if family in said)


@dataclass(frozen=True)
class _Near:
    """A tested candidate that lies mostly inside a group: its Jaccard similarity, and who discovered it."""

    place: int
    similar: float
    families: list[Family]


def _rank(one: _Near) -> tuple[bool, int, int]:
    """Whether two families confirm one that is much like the group, one of them by access; then how many do, the client
    counted last."""
    two = len(one.families) > 1 and one.similar >= SAME and not set(ACCESS).isdisjoint(one.families)
    return two, len([family for family in one.families if family != Family.CLIENT]), len(one.families)
