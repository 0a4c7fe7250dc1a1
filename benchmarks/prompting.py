"""How sure the signs of prompting are that come of sound: another voice, the same voice, and how late an
answer is measured.

    python -m benchmarks.prompting

Voices are those of flite and espeak-ng, after Opus at 24 to 32 kbit/s. They are no claim about people:
of each synthetic voice every sentence sounds alike, and two variants of espeak-ng are nearly one voice.
"""

import subprocess
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from contract.ports import EncodedFrame
from kyc.answer_jobs import DISTANCE_MAX, AnswerFinding, HeardSound, HearSound, JudgeAnswer
from kyc.bounds import clopper_pearson
from kyc.models import Models
from kyc.packs import find_pack
from kyc.sound import answer_hear_sound, answer_judge_answer
from kyc.voice import RATE, Sound

_ENGLISH = (
    "My mother was born in the spring of nineteen fifty two in a small town near the river.",
    "I opened this account last Monday because my salary is paid into it every month.",
    "We live on the fourth floor of the old building behind the railway station.",
    "The last payment went to the supermarket, about eighty eight yuan I believe.",
    "Please wait a moment, I have to look for my glasses before I can read that.",
    "It was raining all day, so we stayed at home and cooked some noodles together.",
    "Nobody asked me to open an account, I want to save some money for my children.",
    "The number of my house is twenty seven and the street is called Garden Road.",
    "I work as a teacher in the primary school, and my husband drives a bus.",
    "No, I have never lent my card to anybody else, I keep it in my drawer.",
)
_MANDARIN = (
    "我妈妈是一九五二年春天在河边的一个小镇出生的。",
    "我上个星期一开了这个账户，因为每个月工资都打进来。",
    "我们住在火车站后面那栋老楼的四楼。",
    "最后一笔钱是付给超市的，大概八十八块。",
    "请等一下，我要先找到眼镜才能看清楚。",
    "昨天下了一整天的雨，我们在家里一起煮面条吃。",
    "没有人叫我开户，我想给孩子存一点钱。",
    "我家的门牌号是二十七号，路名叫花园路。",
    "我在小学当老师，我先生开公共汽车。",
    "没有，我从来没有把卡借给别人，一直放在抽屉里。",
)
_FLITE = ("awb", "kal16", "rms", "slt")
# Variant and pitch.
_ESPEAK_EN = (("m1", 40), ("m3", 50), ("m7", 55), ("f1", 60), ("f2", 50), ("f4", 65))
_ESPEAK_ZH = (("m2", 45), ("m4", 55), ("f3", 55), ("f5", 60))
# The first sentences are what is heard before, the others answers.
_EARLIER = 6
_GAP = RATE // 2
_PUT_AT = 1_000.0
_Voices = Mapping[str, Sequence[Sound]]


def synthesised(folder: Path) -> _Voices:
    """Return every sentence of every voice, each at -20 dBFS over a room of -62 dBFS."""
    wanted = {f"flite {name}": (["flite", "-voice", name, "-t"], ["-o"], _ENGLISH) for name in _FLITE}
    for language, variants, texts in (("en-us", _ESPEAK_EN, _ENGLISH), ("cmn", _ESPEAK_ZH, _MANDARIN)):
        for variant, pitch in variants:
            command = ["espeak-ng", "-v", f"{language}+{variant}", "-p", str(pitch)]
            wanted[f"espeak {language} {variant}"] = (command, ["-w"], texts)
    made: dict[str, list[Sound]] = {}
    for name, (before, after, texts) in wanted.items():
        for text in texts:
            file = folder / "said.wav"
            subprocess.run([*before, text, *after, str(file)], check=True, capture_output=True)
            made.setdefault(name, []).append(_loud(_read(file)))
    return made


def _read(file: Path) -> NDArray[np.float64]:
    with wave.open(str(file)) as said:
        rate, count = said.getframerate(), said.getnframes()
        sound = np.frombuffer(said.readframes(count), np.int16).astype(np.float64)
    # Band-limited, by way of the spectrum.
    wanted = len(sound) * RATE // rate
    spectrum, grown = np.fft.rfft(sound), np.zeros(wanted // 2 + 1, np.complex128)
    kept = min(len(spectrum), len(grown))
    grown[:kept] = spectrum[:kept]
    return np.asarray(np.fft.irfft(grown, wanted), np.float64)


def _loud(sound: NDArray[np.float64], level: float = 0.1) -> Sound:
    noise = np.random.default_rng(len(sound)).normal(0, 25, len(sound))
    said = sound * level * 32768 / np.sqrt((sound**2).mean()) + noise
    return np.asarray(np.clip(said, -32768, 32767), np.int16)


def packets(sound: Sound, bits: int) -> tuple[EncodedFrame, ...]:
    """Return ``sound`` as Opus packets of 20 ms."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = RATE, "mono", "s16"
    context.bit_rate, context.time_base = bits, Fraction(1, RATE)
    context.options = {"application": "voip"}
    made: list[bytes] = []
    for number, begin in enumerate(range(0, len(sound) - 959, 960)):
        frame = av.AudioFrame.from_ndarray(sound[None, begin : begin + 960], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, number * 960
        made += map(bytes, context.encode(frame))
    return tuple(EncodedFrame(data, n * 960, True, n * 0.02) for n, data in enumerate(made))


class Ears:
    """What the model process does, with the processor time that it takes."""

    def __init__(self) -> None:
        self._models = Models(find_pack(None))
        self.cpu_s = self.sound_s = 0.0

    def hear(self, parts: Sequence[Sound], at: float, bits: int, lost: float = 0.0) -> tuple[HeardSound, ...]:
        """Describe ``parts`` one behind the other, in stretches of 4 s, without a share of packets."""
        quiet = np.random.default_rng(7).normal(0, 25, _GAP).astype(np.int16)
        sent = packets(np.concatenate([quiet, *(piece for part in parts for piece in (part, quiet))]), bits)
        rng = np.random.default_rng(len(sent))
        kept = [packet for packet in sent if rng.random() >= lost]
        found: list[HeardSound] = []
        for stretch in _stretches(kept):
            began = time.process_time()
            lead = 0.08 if found else 0.0
            found.append(
                answer_hear_sound(self._models, HearSound(stretch, at + stretch[0].timestamp / RATE, lead))
            )
            self.cpu_s += time.process_time() - began
            self.sound_s += len(stretch) * 0.02
        return tuple(found)

    def judge(
        self,
        customer: tuple[HeardSound, ...],
        agent: tuple[HeardSound, ...],
        earlier: tuple[HeardSound, ...],
    ) -> AnswerFinding:
        """Judge a question of 40 s."""
        return answer_judge_answer(self._models, JudgeAnswer(_PUT_AT, _PUT_AT + 40, customer, agent, earlier))


def _stretches(sent: Sequence[EncodedFrame]) -> Iterator[tuple[EncodedFrame, ...]]:
    for begin in range(0, len(sent), 200):
        yield tuple(sent[max(0, begin - 4) : begin + 200])


def _told(what: str, hits: int, trials: int) -> None:
    low, high = clopper_pearson(hits, trials)
    print(f"{what}: {hits} of {trials} ({hits / max(1, trials):.1%}, 95 % bounds {low:.1%} to {high:.1%})")


def _bent(ears: Ears) -> Mapping[str, Callable[[Sound], tuple[HeardSound, ...]]]:
    """Return what may become of a voice on its way."""

    def lossy(said: Sound) -> tuple[HeardSound, ...]:
        return ears.hear([said], _PUT_AT, 24_000, lost=0.1)

    def soft(said: Sound) -> tuple[HeardSound, ...]:
        return ears.hear([(said // 4).astype(np.int16)], _PUT_AT, 24_000)

    def cut(said: Sound) -> tuple[HeardSound, ...]:
        return ears.hear([_loud(said.astype(np.float64), 2.0)], _PUT_AT, 24_000)

    return {"10 % of the packets lost": lossy, "four times softer": soft, "cut at full scale": cut}


def _latency(ears: Ears, voices: _Voices) -> None:
    """An agent who asks, and answers whose beginning is known."""
    errors: list[float] = []
    rng = np.random.default_rng(3)
    agent = voices["flite rms"]
    for name, said in voices.items():
        for number in range(_EARLIER, len(said)):
            wait_s = float(rng.uniform(0.5, 12.0))
            asked = _trimmed(agent[number])
            answer = _trimmed(said[number])
            silence = rng.normal(0, 25, len(asked) + round(wait_s * RATE)).astype(np.int16)
            late = np.concatenate([silence, answer])
            # The agent's microphone goes on when he has asked.
            listening = np.concatenate([asked, silence])
            found = ears.judge(
                ears.hear([late], _PUT_AT, 24_000), ears.hear([listening], _PUT_AT, 24_000), ()
            ).answer_s
            if found is None:
                print(f"  no answer found: {name} {number}")
            else:
                errors.append(found - wait_s)
    spread = 1000 * np.percentile(errors, (0, 50, 95, 100))
    least, median, tail, most = (round(float(one)) for one in spread)
    print(f"error of the answer's time, n {len(errors)}: median {median} ms, 95 % under {tail},")
    print(f"  {least} to {most} ms")


def _trimmed(sound: Sound) -> Sound:
    """Return ``sound`` from its first to its last millisecond above -40 dBFS."""
    blocks = np.abs(sound[: len(sound) // 48 * 48].reshape(-1, 48)).max(axis=1)
    loud = np.flatnonzero(blocks > 328)
    return sound[loud[0] * 48 : (loud[-1] + 1) * 48]


def main() -> None:
    """Measure and print."""
    ears = Ears()
    with tempfile.TemporaryDirectory() as folder:
        voices = synthesised(Path(folder))
    earlier = {name: ears.hear(said[:_EARLIER], 0.0, 32_000) for name, said in voices.items()}
    answers = {
        name: [ears.hear([one], _PUT_AT, 24_000) for one in said[_EARLIER:]] for name, said in voices.items()
    }
    print(f"{len(voices)} voices, limit {DISTANCE_MAX}")
    found = {
        (own, other): [ears.judge(one, (), earlier[own]) for one in answers[other]]
        for own in voices
        for other in voices
    }
    same = [one for (own, other), judged in found.items() if own == other for one in judged]
    apart = {pair: judged for pair, judged in found.items() if pair[0] != pair[1]}
    _told("the same voice is flagged", sum(one.other_s > 0 for one in same), len(same))
    print(f"  its greatest distance {max(one.distance for one in same):.2f}")
    others = [one for judged in apart.values() for one in judged]
    _told("another voice is found", sum(one.other_s > 0 for one in others), len(others))
    real = [one for (own, other), judged in apart.items() if own[:7] != other[:7] for one in judged]
    _told("another voice of another program is found", sum(one.other_s > 0 for one in real), len(real))
    missed = {pair: sum(one.other_s == 0 for one in judged) for pair, judged in apart.items()}
    for pair in sorted(missed, key=lambda one: -missed[one])[:8]:
        print(f"  missed {missed[pair]} of {len(apart[pair])}: {pair[1]} beside {pair[0]}")
    for what, bent in _bent(ears).items():
        judged = [
            ears.judge(bent(one), (), earlier[name])
            for name, said in voices.items()
            for one in said[_EARLIER:]
        ]
        _told(f"the same voice is flagged, {what}", sum(one.other_s > 0 for one in judged), len(judged))
    _latency(ears, voices)
    print(f"describing sound takes {ears.cpu_s / ears.sound_s:.2%} of a core for each microphone")


if __name__ == "__main__":
    main()
