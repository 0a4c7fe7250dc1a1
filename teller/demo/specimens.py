"""Any number of specimen documents as phones photograph them, with what is printed on each.

Nobody's data: residents are born from 1850 to 1889, travellers are citizens of Utopia, and every document
is marked 样本 SPECIMEN. Each specimen depends on the seed and its place in the row only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import TypeVar

import numpy as np

from kyc.documents import check_character
from teller.demo.card import Holder, Issue, Scene, cut_portrait, photograph, render_back, render_card
from teller.demo.pictures import Picture, astronaut, other_person
from teller.demo.travel import Traveller, render_card_zone, render_page


class Kind(StrEnum):
    """What is photographed."""

    FRONT = "front"
    BACK = "back"
    TD1 = "td1"
    TD3 = "td3"


# What a customer at a kitchen table achieves; the numbers are of a picture of 1600 x 1200.
CONDITIONS = {
    "clean": Scene(),
    # At 1280 pixels to the card this is a deviation of 3.3, a missed focus in which a reader still reads.
    "blur": Scene(blur=3.0),
    "glare": Scene(glare=0.9),
    "rotation": Scene(tilt=25.0, turned=True, share=0.6),
    "jpeg": Scene(quality=18),
    "low_light": Scene(light=0.22, noise=7.0),
    "perspective": Scene(skew=0.07, tilt=10.0, share=0.62),
}
SIZE = (1600, 1200)
# Wood, slate, a green cloth, and a pale table on which only the card's shadow shows its edge.
_DESKS = ((70, 98, 132), (62, 58, 54), (84, 112, 70), (206, 210, 214))


@dataclass(frozen=True, slots=True)
class Specimen:
    """One photograph as JPEG, and what is printed on the document.

    ``truth`` has the field names of :mod:`kyc.card_fields`: ``name``, ``sex``, ``nation``, ``born``,
    ``address``, ``number`` of a front; ``authority``, ``issued``, ``expires`` (``long`` for 长期) of a
    back; ``surname``, ``given_names``, ``number``, ``born``, ``sex``, ``expires`` of a zone. Days
    are ISO 8601.
    """

    picture: bytes
    truth: dict[str, str]
    condition: str
    kind: Kind


def specimens(
    seed: int,
    count: int,
    *,
    kinds: Sequence[Kind] = tuple(Kind),
    conditions: Sequence[str] = tuple(CONDITIONS),
) -> Iterator[Specimen]:
    """Yield ``count`` specimens: every condition in turn, and after each round the next kind.

    Raises:
        FileNotFoundError: insightface or scikit-image, whose photographs are the portraits, is not
            installed.
    """
    for place in range(count):
        yield specimen(seed, place, kinds=kinds, conditions=conditions)


def specimen(
    seed: int,
    place: int,
    *,
    kinds: Sequence[Kind] = tuple(Kind),
    conditions: Sequence[str] = tuple(CONDITIONS),
) -> Specimen:
    """Return the specimen that stands at ``place`` in the series of ``seed``.

    Raises:
        FileNotFoundError: As :func:`specimens`.
    """
    condition = conditions[place % len(conditions)]
    kind = kinds[place // len(conditions) % len(kinds)]
    chance = np.random.default_rng((seed, place))
    document, truth = _DRAWN[kind](chance)
    scene = replace(CONDITIONS[condition], desk=_one(chance, _DESKS))
    photo = photograph(document, int(chance.integers(1 << 32)), SIZE, scene)
    return Specimen(photo, truth, condition, kind)


_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏"
    "苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵"
    "万覃武钱戴严莫孔向常汤欧阳"
)
_GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂文辉玲华建国志红梅玉兰春生福德荣祥瑞贵永昌宝"
    "庆云飞鹏宇轩浩然子涵梓萱思远雨晴晓东海波振宁学义仁礼智信忠孝嘉怡佳琪欣妍雪松柏翠莲凤珍淑贞"
    "慧颖俊哲博睿"
)
_NATIONS = ("汉", "汉", "汉", "满", "回", "苗", "壮", "侗", "土家", "维吾尔", "蒙古", "朝鲜")
_PLACES = (
    ("11", "北京市朝阳区"), ("12", "天津市和平区"), ("13", "河北省石家庄市桥西区"),
    ("21", "辽宁省沈阳市沈河区"), ("31", "上海市浦东新区"), ("32", "江苏省苏州市吴中区"),
    ("33", "浙江省杭州市西湖区"), ("35", "福建省厦门市思明区"), ("37", "山东省青岛市市南区"),
    ("41", "河南省郑州市金水区"), ("42", "湖北省武汉市江汉区"), ("43", "湖南省长沙市岳麓区"),
    ("44", "广东省广州市天河区"), ("50", "重庆市渝中区"), ("51", "四川省成都市锦江区"),
    ("61", "陕西省西安市碑林区"),
)  # fmt: skip
_ROADS = ("解放路", "人民路", "建设路", "和平里", "中山路", "文化街", "学府路", "长江路", "胜利街", "新华路")
_LATIN = (
    "ERIKSSON",
    "STEVENSON",
    "ARKFREITH",
    "MARTIN",
    "NILAVADHANANANDA",
    "SMITH",
    "VAN DER MUELLEN",
    "OTTO",
)
_LATIN_GIVEN = ("ANNA MARIA", "PETER JOHN", "HANS", "ROSE", "OLIVER", "BETTY LOU", "ISIDORO", "ZOE")
_NUMBER_CHARACTERS = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"


_T = TypeVar("_T")


def _one(chance: np.random.Generator, choices: Sequence[_T]) -> _T:
    return choices[int(chance.integers(len(choices)))]


def _day(chance: np.random.Generator, first: int, last: int) -> date:
    # No day after the 28th: every term then ends on the day of its beginning.
    year, month, day = (int(chance.integers(*bounds)) for bounds in ((first, last + 1), (1, 13), (1, 29)))
    return date(year, month, day)


def draw_holder(chance: np.random.Generator) -> Holder:
    """Return a resident who never lived: born from 1850 to 1889, with a sound number."""
    code, place = _one(chance, _PLACES)
    born, serial = _day(chance, 1850, 1889), int(chance.integers(1000))
    first = f"{code}{int(chance.integers(10_000)):04}{born:%Y%m%d}{serial:03}"
    name = _one(chance, _SURNAMES) + "".join(_one(chance, _GIVEN) for _ in range(int(chance.integers(1, 3))))
    street = f"{place}{_one(chance, _ROADS)}{int(chance.integers(1, 2000))}号"
    room = f"{int(chance.integers(1, 30))}栋{int(chance.integers(101, 999))}室"
    sex = "男" if serial % 2 else "女"
    number = first + check_character(first)
    return Holder(name, sex, _one(chance, _NATIONS), born, street + _one(chance, ("", room)), number)


def draw_issue(chance: np.random.Generator) -> Issue:
    """Return a back with a term of 5, 10 or 20 years or without end, from 2004 on."""
    issued, term = _day(chance, 2004, 2025), _one(chance, (5, 10, 20, 0))
    expires = issued.replace(year=issued.year + term) if term else None
    return Issue(f"{_one(chance, _PLACES)[1]}公安局", issued, expires)


def draw_traveller(chance: np.random.Generator) -> Traveller:
    """Return a citizen of Utopia."""
    number = "".join(_one(chance, _NUMBER_CHARACTERS) for _ in range(9))
    born, expires = _day(chance, 1940, 2005), _day(chance, 2020, 2034)
    names = _one(chance, _LATIN), _one(chance, _LATIN_GIVEN)
    return Traveller(*names, number, born, _one(chance, "MF"), expires)


def _portrait(chance: np.random.Generator) -> Picture:
    index = int(chance.integers(7))
    return cut_portrait(other_person(index - 1) if index else astronaut())


def _front(chance: np.random.Generator) -> tuple[Picture, dict[str, str]]:
    person = draw_holder(chance)
    truth = {
        "name": person.name,
        "sex": person.sex,
        "nation": person.nation,
        "born": person.born.isoformat(),
        "address": person.address,
        "number": person.number,
    }
    return render_card(_portrait(chance), person), truth


def _back(chance: np.random.Generator) -> tuple[Picture, dict[str, str]]:
    issue = draw_issue(chance)
    expires = issue.expires.isoformat() if issue.expires else "long"
    truth = {"authority": issue.authority, "issued": issue.issued.isoformat(), "expires": expires}
    return render_back(issue), truth


def _td1(chance: np.random.Generator) -> tuple[Picture, dict[str, str]]:
    person = draw_traveller(chance)
    return render_card_zone(person), _zone_truth(person)


def _td3(chance: np.random.Generator) -> tuple[Picture, dict[str, str]]:
    person = draw_traveller(chance)
    return render_page(_portrait(chance), person), _zone_truth(person)


def _zone_truth(person: Traveller) -> dict[str, str]:
    return {
        "surname": person.surname,
        "given_names": person.given_names,
        "number": person.number,
        "born": person.born.isoformat(),
        "sex": person.sex,
        "expires": person.expires.isoformat(),
    }


_DRAWN = {Kind.FRONT: _front, Kind.BACK: _back, Kind.TD1: _td1, Kind.TD3: _td3}
