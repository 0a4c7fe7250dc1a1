"""Opus packets of a call to samples, and the verdict on one step. Runs in the model process only."""

from collections.abc import Sequence

import av
import numpy as np

from contract.ports import EncodedFrame
from kyc.gestures import judge_step
from kyc.models import Models
from kyc.traces import GestureFinding, JudgeStep
from kyc.voice import RATE, Sound, hear

# A step is 30 s at most; what claims to lie beyond is not from this step.
SECONDS_MAX = 40


def answer_judge_step(_: Models, job: JudgeStep) -> GestureFinding:
    """Do the job; see :class:`kyc.traces.JudgeStep`."""
    speech = hear(decode_sound(job.sound), job.sound_at) if job.sound else None
    return judge_step(job.asked, job.traces, speech)


def decode_sound(packets: Sequence[EncodedFrame]) -> Sound:
    """Return ``packets`` as mono samples from the first one's timestamp on; what is missing is silent.

    Never raises for what the packets hold: broken ones are left out.
    """
    if not packets:
        return np.empty(0, np.int16)
    sound = np.zeros(SECONDS_MAX * RATE, np.int16)
    end = 0
    decoder = av.AudioCodecContext.create("libopus", "r")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    for packet in packets:
        at = packet.timestamp - packets[0].timestamp
        samples = _decoded(decoder, resampler, packet.data)
        if 0 <= at <= len(sound) - len(samples):
            sound[at : at + len(samples)] = samples
            end = max(end, at + len(samples))
    return sound[:end]


def _decoded(decoder: av.AudioCodecContext, resampler: av.AudioResampler, data: bytes) -> Sound:
    try:
        frames = decoder.decode(av.Packet(data))
        parts = [part.to_ndarray().reshape(-1) for frame in frames for part in resampler.resample(frame)]
    # PyAV raises its own family, ValueError and, for what it cannot map, plain exceptions.
    except Exception:
        return np.empty(0, np.int16)
    return np.asarray(np.concatenate(parts) if parts else np.empty(0), np.int16)
