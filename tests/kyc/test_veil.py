"""A veiled card cannot be read."""

import cv2
import numpy as np
import pytest

from contract.errors import UserError
from kyc.card_jobs import Veil
from kyc.veil import answer_veil
from teller.demo.card import cut_portrait, render_card, specimen
from tests.agent_console.pictures import drawn_person


def test_a_veiled_card_has_lost_its_number() -> None:
    """Small, and what was printed is gone: no edge as strong as a sign's is left."""
    card = np.asarray(render_card(cut_portrait(drawn_person()), specimen()), np.uint8)
    done, data = cv2.imencode(".jpg", card)
    assert done
    veiled = cv2.imdecode(np.frombuffer(answer_veil(None, Veil(bytes(data))), np.uint8), cv2.IMREAD_GRAYSCALE)  # type: ignore[arg-type]
    assert veiled is not None
    assert max(veiled.shape) == 480
    before = cv2.resize(
        cv2.cvtColor(card, cv2.COLOR_BGR2GRAY), veiled.shape[::-1], interpolation=cv2.INTER_AREA
    )
    sharp, blurred = (float(cv2.Laplacian(one, cv2.CV_64F).var()) for one in (before, veiled))
    assert blurred < sharp / 50


def test_what_is_no_picture_is_refused() -> None:
    """As everywhere else."""
    with pytest.raises(UserError):
        answer_veil(None, Veil(b"no picture"))  # type: ignore[arg-type]
