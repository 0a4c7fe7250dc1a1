"""Documents are read: real recogniser, rendered cards, no network."""

import socket
from datetime import date

import cv2
import numpy as np
import pytest

import kyc.card_reading
from contract.errors import ModelError, UserError
from kyc.card_fields import CardReading, Side
from kyc.card_jobs import ReadCard
from kyc.card_photo import find_corners, rectify
from kyc.card_reading import CardReader, answer_read_card
from kyc.images import Picture
from teller.demo.card import Issue, cut_portrait, photograph, render_back, render_card, specimen
from teller.demo.pictures import astronaut
from teller.demo.travel import Traveller, render_card_zone, render_page

TODAY = date(2026, 11, 22)
SIZE = (1280, 960)
ANNA = Traveller("ERIKSSON", "ANNA MARIA", "L898902C3", date(1974, 8, 12), "F", date(2032, 4, 15))
PERSON = {
    "name": "样本人",
    "sex": "女",
    "nation": "汉",
    "born": "1949-12-31",
    "address": "北京市朝阳区样本路1号视频柜员示例楼",
    "number": "11010519491231002X",
}


@pytest.fixture(scope="module")
def reader() -> CardReader:
    """Return the loaded reader."""
    return CardReader()


@pytest.fixture(scope="module")
def front() -> Picture:
    """Return the front of the specimen."""
    return render_card(cut_portrait(astronaut()), specimen())


def decoded(data: bytes) -> Picture:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def values(reading: CardReading) -> dict[str, str]:
    return {name: field.value for name, field in reading.fields.items()}


@pytest.mark.parametrize("turned", [False, True], ids=["upright", "on its head"])
def test_a_front_is_read(reader: CardReader, front: Picture, turned: bool) -> None:
    """Every field of the specimen, also of one on its head, which comes back upright."""
    picture = np.asarray(cv2.rotate(front, cv2.ROTATE_180), np.uint8) if turned else front
    upright, reading = reader.read(picture, TODAY)
    assert (reading.side, values(reading)) == (Side.FRONT, PERSON)
    assert all(field.confidence > 0.8 for field in reading.fields.values())
    assert np.array_equal(upright, front)


def test_a_back_is_read(reader: CardReader) -> None:
    """Authority and both days, from a photo."""
    back = render_back(Issue("北京市朝阳区公安局", date(2016, 5, 10), date(2036, 5, 10)))
    photo = decoded(photograph(back, 2, SIZE))
    corners = find_corners(photo)
    assert corners is not None
    _, reading = reader.read(rectify(photo, corners), TODAY)
    assert reading.side is Side.BACK
    assert values(reading) == {
        "authority": "北京市朝阳区公安局",
        "issued": "2016-05-10",
        "expires": "2036-05-10",
    }


@pytest.mark.parametrize("page", [True, False], ids=["TD3", "TD1"])
def test_a_zone_is_read(reader: CardReader, page: bool) -> None:
    """The zone of a passport's page and of a card, with every check digit right."""
    picture = render_page(cut_portrait(astronaut()), ANNA) if page else render_card_zone(ANNA)
    _, reading = reader.read(picture, TODAY)
    assert reading.mrz is not None
    assert (reading.mrz.format.value, reading.mrz.errors) == ("TD3" if page else "TD1", ())
    assert (reading.mrz.surname, reading.mrz.given_names) == ("ERIKSSON", "ANNA MARIA")
    assert (reading.mrz.number, reading.mrz.born, reading.mrz.expires) == (
        ANNA.number, ANNA.born, ANNA.expires,
    )  # fmt: skip


def test_a_photo_that_lies_is_read(reader: CardReader, front: Picture) -> None:
    """Without the card's edge the photo itself is turned until something can be read."""
    lying = np.asarray(cv2.rotate(front, cv2.ROTATE_90_CLOCKWISE), np.uint8)
    upright, reading = reader.read(lying, TODAY)
    assert values(reading)["number"] == PERSON["number"]
    assert upright.shape == front.shape


def test_nothing_to_read(reader: CardReader) -> None:
    """A plain picture has no side."""
    picture = np.full((400, 640, 3), 200, np.uint8)
    assert reader.read(picture, TODAY)[1] == CardReading(Side.UNKNOWN, {})


class Faces:
    """A detector that finds no face."""

    upright_score = 0.9

    def detect(self, _: Picture) -> tuple[()]:
        """Find none."""
        return ()


class OnlyReader:
    """The models of a process that has loaded the reader."""

    faces = Faces()

    def __init__(self, reader: CardReader) -> None:
        self._reader = reader

    def once(self, _: object) -> CardReader:
        """Return the reader."""
        return self._reader


def test_the_job(reader: CardReader, front: Picture) -> None:
    """A phone's photo comes back as fields, findings, signs of a copy and the flat card."""
    models = OnlyReader(reader)
    answer = answer_read_card(models, ReadCard(photograph(front, 5), TODAY))  # type: ignore[arg-type]
    assert values(answer.reading) == PERSON
    assert (answer.inspected.findings, len(answer.inspected.corners)) == ((), 4)
    assert answer.copy is not None and answer.copy.raster < 0.5
    assert decoded(answer.picture).shape == (807, 1280, 3)
    assert answer.engine.startswith("rapidocr 3.")
    with pytest.raises(UserError):
        answer_read_card(models, ReadCard(b"no picture", TODAY))  # type: ignore[arg-type]


def test_a_passports_page_keeps_its_shape(reader: CardReader) -> None:
    """The page comes back in its own ratio when one is expected."""
    photo = photograph(render_page(cut_portrait(astronaut()), ANNA), 3, SIZE)
    answer = answer_read_card(OnlyReader(reader), ReadCard(photo, TODAY, page=True))  # type: ignore[arg-type]
    assert decoded(answer.picture).shape == (901, 1280, 3)
    assert answer.reading.side is Side.ZONE


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch, front: Picture) -> None:
    """With the network refused the reader loads and reads."""

    def refused(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    lines = CardReader().lines(front)
    assert any(line.text == PERSON["number"] for line in lines)


def test_missing_models_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel without its models fails at once and does not fetch them."""
    monkeypatch.setitem(kyc.card_reading._FILES, "Rec", "gone.onnx")
    with pytest.raises(ModelError, match=r"gone\.onnx"):
        CardReader()
