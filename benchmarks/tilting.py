"""How well pictures of a tilted document are measured: rendered cards beside matte and glossy copies.

``python -m benchmarks.tilting [COUNT] [SEED]``, on one thread: COUNT bursts of ten pictures of each kind.
"""

import sys
import time
from collections import defaultdict

import cv2
import numpy as np

from contract.identity_ports import TiltFinding
from kyc.bounds import clopper_pearson
from kyc.images import Picture, decode
from kyc.tilt import measure_tilt
from teller.demo.card import cut_portrait, render_card
from teller.demo.copies import on_paper
from teller.demo.pictures import astronaut, other_person
from teller.demo.specimens import draw_holder
from teller.demo.tilting import shifting_place, tilted

# What is tilted: whether it is printed on paper, laminated, and has a patch that shifts its colour.
KINDS = {
    "card": (False, True, True),
    "card without lamp": (False, False, True),
    "matte copy": (False, False, False),
    "laser print": (True, False, False),
    "glossy copy": (False, True, False),
}


def main(count: int, seed: int) -> None:
    """Print for each kind how often it is called matte, how often its patch is proposed, and seconds."""
    cv2.setNumThreads(1)
    found: dict[str, list[tuple[TiltFinding, bool]]] = defaultdict(list)
    seconds: list[float] = []
    for place in range(seed, seed + count):
        chance = np.random.default_rng((seed, place))
        face = int(chance.integers(7))
        portrait = cut_portrait(other_person(face - 1) if face else astronaut())
        card = render_card(portrait, draw_holder(chance))
        paper = on_paper(card, chance)
        for kind, (printed, glossy, shifting) in KINDS.items():
            shown: Picture = paper if printed else card
            pictures = [decode(one) for one in tilted(shown, place, glossy=glossy, shifting=shifting)]
            began = time.process_time()
            one = measure_tilt(pictures)
            seconds.append(time.process_time() - began)
            found[kind].append((one, _holds(one, shifting_place(place))))
    for kind, all_of in found.items():
        told = [sum(one.score for one in finding.advisory) for finding, _ in all_of if finding.advisory]
        matte = sum(score >= 0.5 for score in told)
        low, high = clopper_pearson(matte, len(told))
        hit = sum(holds for _, holds in all_of)
        cards = np.median([finding.cards for finding, _ in all_of])
        print(
            f"{kind:18} told {len(told)} of {len(all_of)}, found on {cards:g} of 10; matte {matte}"
            f" ({low:.1%} to {high:.1%}), scores {min(told, default=0):.2f} to {max(told, default=0):.2f};"
            f" patch proposed {hit}"
        )
    print(f"median {np.median(seconds):.3f} s, longest {max(seconds):.3f} s of processor time")


def _holds(found: TiltFinding, patch: tuple[float, float]) -> bool:
    """Tell whether a proposed place touches the patch, whose middle is given in shares of the card."""
    x, y = patch
    return any(
        one.left - 0.08 < x < one.left + one.width + 0.08 and one.top - 0.1 < y < one.top + one.height + 0.1
        for one in found.places
    )


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:3]]
    main(*(given + [20, 100][len(given) :]))
