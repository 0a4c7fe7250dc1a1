"""The demo's sound: beeps are found where they were put."""

import fractions

import av
import numpy as np
import pytest

from teller.demo.pictures import FaceVideo, astronaut, read_flash
from teller.demo.sound import BEEP_S, Samples, Speaker, Voice, find_beeps

RATE = 48_000


def seconds_of(voice: Voice, seconds: float) -> Samples:
    """Return the first ``seconds`` of ``voice``."""
    return np.concatenate([voice.chunk(n) for n in range(round(seconds * 50))])


def through_opus(samples: Samples) -> Samples:
    """Return what Opus at 32 kbit/s leaves of ``samples``, its delay removed."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.format, encoder.layout, encoder.bit_rate = RATE, "s16", "mono", 32_000
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = RATE, "mono"
    heard = []
    for n in range(len(samples) // 960):
        frame = av.AudioFrame.from_ndarray(
            samples[None, n * 960 : (n + 1) * 960], format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = RATE, n * 960, fractions.Fraction(1, RATE)
        for packet in encoder.encode(frame):
            heard += [decoded.to_ndarray()[0] for decoded in decoder.decode(packet)]
    sound = np.concatenate(heard)
    # libopus looks 312 samples ahead.
    return np.asarray(sound if sound.dtype == np.int16 else sound * 32767, np.int16)[312:]


@pytest.mark.parametrize("speaker", list(Speaker))
def test_chunks_are_20_ms_and_join_without_a_seam(speaker: Speaker) -> None:
    """A chunk is 960 samples at 48 kHz, and no jump at a seam exceeds those within."""
    voice = Voice(speaker)
    assert voice.chunk(0).shape == (960,)
    assert voice.chunk(3).dtype == np.int16
    sound = seconds_of(voice, 3).astype(np.int32)
    steps = np.abs(np.diff(sound))
    assert steps[959::960].max() <= steps.max()
    assert np.array_equal(voice.chunk(17), Voice(speaker).chunk(17))


@pytest.mark.parametrize("speaker", list(Speaker))
def test_beeps_are_found_at_full_seconds(speaker: Speaker) -> None:
    """Every full second after the start holds a beep, found to within 3 ms."""
    beeps = find_beeps(seconds_of(Voice(speaker), 6.5), RATE, speaker.beep_hz)
    assert beeps == pytest.approx([1, 2, 3, 4, 5, 6], abs=0.003)


def test_the_other_partys_beeps_are_not_ours() -> None:
    """Each frequency finds its own party, alone and in the mix of both."""
    customer, agent = (seconds_of(Voice(speaker), 5.2) for speaker in (Speaker.CUSTOMER, Speaker.AGENT))
    assert find_beeps(customer, RATE, Speaker.AGENT.beep_hz) == []
    assert find_beeps(agent, RATE, Speaker.CUSTOMER.beep_hz) == []
    late = np.concatenate([np.zeros(RATE // 4, np.int16), agent])[: len(customer)]
    mixed = np.asarray(customer // 2 + late // 2, np.int16)
    assert find_beeps(mixed, RATE, 1600) == pytest.approx([1, 2, 3, 4, 5], abs=0.004)
    assert find_beeps(mixed, RATE, 1000) == pytest.approx([0.25, 1.25, 2.25, 3.25, 4.25], abs=0.004)


@pytest.mark.parametrize("speaker", list(Speaker))
def test_beeps_survive_opus(speaker: Speaker) -> None:
    """After Opus at 32 kbit/s the beeps are where they were, to within 5 ms."""
    heard = through_opus(seconds_of(Voice(speaker), 5.5))
    assert find_beeps(heard, RATE, speaker.beep_hz) == pytest.approx([1, 2, 3, 4, 5], abs=0.005)


def test_a_shift_is_measured() -> None:
    """Sound that comes 37 ms late is found 37 ms late."""
    late = np.concatenate([np.zeros(int(0.037 * RATE), np.int16), seconds_of(Voice(), 4)])
    beeps = find_beeps(late, RATE, 1600)
    assert beeps[-3:] == pytest.approx([1.037, 2.037, 3.037], abs=0.003)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_other_rates_and_float_samples(rate: int) -> None:
    """Beeps are found in float samples and at the rates of other decoders."""
    sound = seconds_of(Voice(rate=rate), 3.5).astype(np.float32) / 32768
    assert find_beeps(sound, rate, 1600) == pytest.approx([1, 2, 3], abs=0.004)


def test_silence_noise_and_crumbs_hold_no_beep() -> None:
    """Nothing is found where nothing is."""
    noise = np.random.default_rng(1).normal(0, 300, RATE * 3).astype(np.int16)
    for samples in (np.zeros(RATE * 2, np.int16), noise, np.zeros(10, np.int16), np.zeros(0, np.int16)):
        assert find_beeps(samples, RATE, 1600) == []


def test_beep_and_flash_start_together() -> None:
    """The first loud sample of a second and the first lit frame name the same moment."""
    video, fps = FaceVideo(astronaut()), 25
    flash = next(n for n in range(1, 60) if read_flash(video.frame(n)) and not read_flash(video.frame(n - 1)))
    (beep,) = find_beeps(seconds_of(Voice(), 1.5), RATE, 1600)
    assert abs(flash / fps - beep) < 0.003


def test_voices_are_quiet_beside_their_beeps() -> None:
    """The voice is there, and at least 10 dB below the beep."""
    for speaker in Speaker:
        sound = seconds_of(Voice(speaker), 2).astype(np.float64)
        beep = sound[RATE : RATE + int(BEEP_S * RATE)]
        voice = sound[RATE + 8000 : 2 * RATE]
        assert 30 < np.sqrt(np.mean(voice**2)) < np.sqrt(np.mean(beep**2)) / 3.2
