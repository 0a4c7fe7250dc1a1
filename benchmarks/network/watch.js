// What the two parties of a running call saw and heard, from `start()` to `stop()`.
// Evaluated as one expression; gives the watch. Peer connections may be replaced meanwhile.
(call) => {
  const PICKED = ["freezeCount", "totalFreezesDuration", "framesDecoded", "packetsLost", "packetsReceived",
    "bytesReceived", "concealedSamples", "silentConcealedSamples", "concealmentEvents", "totalSamplesReceived",
    "nackCount", "pliCount", "retransmittedPacketsReceived", "fecPacketsReceived"];
  const EVERY_MS = 500;
  const parties = call.screens.map(() => ({ readings: new Map(), longest: 0, shownAt: 0, height: 0, rtt: [] }));
  let [from, to, timer, begun] = [0, 0, 0, false];

  const read = async (index) => {
    const pc = call.peers()[index];
    if (!pc || pc.signalingState === "closed") return;
    const party = parties[index];
    const sums = {};
    for (const stat of (await pc.getStats()).values()) {
      if (stat.type === "candidate-pair" && stat.nominated && stat.currentRoundTripTime) party.rtt.push(stat.currentRoundTripTime);
      if (stat.type !== "inbound-rtp") continue;
      if (stat.kind === "video" && stat.frameHeight) party.height = stat.frameHeight;
      for (const name of PICKED) {
        const key = `${stat.kind}.${name}`;
        sums[key] = (sums[key] || 0) + (stat[name] || 0);
      }
    }
    const known = party.readings.get(pc);
    // Of a connection that came up during the watch everything counts.
    if (known) known.last = sums;
    else party.readings.set(pc, { first: begun ? {} : sums, last: sums });
  };
  const readAll = () => Promise.all(parties.map((_, index) => read(index)));

  call.screens.forEach(({ video }, index) => {
    const party = parties[index];
    const shown = (now) => {
      if (to) return;
      if (party.shownAt) party.longest = Math.max(party.longest, now - party.shownAt);
      party.shownAt = now;
      video.requestVideoFrameCallback(shown);
    };
    party.begin = () => video.requestVideoFrameCallback(shown);
  });

  return {
    async start() {
      await readAll();
      begun = true;
      from = performance.now();
      parties.forEach((party) => {
        party.shownAt = from;
        party.begin();
      });
      timer = setInterval(readAll, EVERY_MS);
    },
    async stop() {
      clearInterval(timer);
      await readAll();
      to = performance.now();
      return parties.map(({ readings, longest, shownAt, height, rtt }) => {
        const grown = { seconds: (to - from) / 1000, longest_s: Math.max(longest, to - shownAt) / 1000, height,
          connections: readings.size, rtt_ms: rtt.length ? (rtt.reduce((a, b) => a + b, 0) / rtt.length) * 1000 : null };
        for (const { first, last } of readings.values())
          for (const [key, value] of Object.entries(last)) grown[key] = (grown[key] || 0) + value - (first[key] || 0);
        return grown;
      });
    },
  };
}
