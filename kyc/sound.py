"""Opus packets of a call to samples, and what is judged by them. Runs in the model process only."""

from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray

from contract.ports import EncodedFrame
from kyc.answer_jobs import AnswerFinding, HeardSound, HearSound, JudgeAnswer
from kyc.answers import describe, judge_answer, voice_seconds
from kyc.gestures import judge_step
from kyc.models import Models
from kyc.traces import GestureFinding, JudgeStep
from kyc.voice import HOP_S, RATE, Sound, hear

# A step is 30 s at most; what claims to lie beyond is not from this step.
SECONDS_MAX = 40


def answer_judge_step(_: Models, job: JudgeStep) -> GestureFinding:
    """Do the job; see :class:`kyc.traces.JudgeStep`."""
    speech = hear(decode_sound(job.sound), job.sound_at) if job.sound else None
    return judge_step(job.asked, job.traces, speech)


def answer_hear_sound(_: Models, job: HearSound) -> HeardSound:
    """Do the job; see :class:`kyc.answer_jobs.HearSound`."""
    rows = describe(*decode_known(job.packets))
    lead = min(round(job.lead_s / HOP_S), len(rows))
    return HeardSound(job.at + lead * HOP_S, rows[lead:].tobytes(), voice_seconds(rows[lead:]))


def answer_judge_answer(_: Models, job: JudgeAnswer) -> AnswerFinding:
    """Do the job; see :class:`kyc.answer_jobs.JudgeAnswer`."""
    return judge_answer(job)


def decode_sound(packets: Sequence[EncodedFrame]) -> Sound:
    """Return ``packets`` as mono samples from the first one's timestamp on; what is missing is silent.

    Never raises for what the packets hold: broken ones are left out.
    """
    return decode_known(packets)[0]


def decode_known(packets: Sequence[EncodedFrame]) -> tuple[Sound, NDArray[np.bool_]]:
    """Return what :func:`decode_sound` does, and which samples came of a packet."""
    if not packets:
        return np.empty(0, np.int16), np.empty(0, np.bool_)
    sound, known = np.zeros(SECONDS_MAX * RATE, np.int16), np.zeros(SECONDS_MAX * RATE, np.bool_)
    end = 0
    decoder = av.AudioCodecContext.create("libopus", "r")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    for packet in packets:
        at = packet.timestamp - packets[0].timestamp
        samples = _decoded(decoder, resampler, packet.data)
        if 0 <= at <= len(sound) - len(samples):
            sound[at : at + len(samples)] = samples
            known[at : at + len(samples)] = True
            end = max(end, at + len(samples))
    return sound[:end], known[:end]


def _decoded(decoder: av.AudioCodecContext, resampler: av.AudioResampler, data: bytes) -> Sound:
    try:
        frames = decoder.decode(av.Packet(data))
        parts = [part.to_ndarray().reshape(-1) for frame in frames for part in resampler.resample(frame)]
    # PyAV raises its own family, ValueError and, for what it cannot map, plain exceptions.
    except Exception:
        return np.empty(0, np.int16)
    return np.asarray(np.concatenate(parts) if parts else np.empty(0), np.int16)
