// A clock in pictures, sent by the customer through the service and directly at once, read at the agent.
// Evaluated as one expression with the seconds to wait for the bitrates to settle, and to measure.
async ([settle, seconds]) => {
  const [COLUMNS, ROWS, BLOCK] = [8, 4, 40];
  const BITS = 24;

  // 24 bits of milliseconds and 8 bits of their sum, one block each.
  const sum = (time) => ((time >> 16) + (time >> 8) + time + 0x5a) & 0xff;
  const canvas = Object.assign(document.createElement("canvas"), { width: COLUMNS * BLOCK, height: ROWS * BLOCK });
  const brush = canvas.getContext("2d");
  const camera = canvas.captureStream(0).getVideoTracks()[0];
  const tick = () => {
    const time = Math.round(performance.now());
    const word = [time, sum(time)];
    for (let n = 0; n < COLUMNS * ROWS; n++) {
      const bit = n < BITS ? (word[0] >> n) & 1 : (word[1] >> (n - BITS)) & 1;
      brush.fillStyle = bit ? "#fff" : "#000";
      brush.fillRect((n % COLUMNS) * BLOCK, Math.floor(n / COLUMNS) * BLOCK, BLOCK, BLOCK);
    }
    camera.requestFrame();
  };
  const ticking = setInterval(tick, 1000 / 25);

  // When each picture came out of the decoder, before the compositor rounds to its own rhythm.
  const read = async (track, seen, isOver) => {
    const small = new OffscreenCanvas(COLUMNS, ROWS).getContext("2d", { willReadFrequently: true });
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    while (!isOver()) {
      const { value: frame, done } = await reader.read();
      if (done) break;
      const at = performance.now();
      small.drawImage(frame, 0, 0, COLUMNS, ROWS);
      frame.close();
      const { data } = small.getImageData(0, 0, COLUMNS, ROWS);
      let [time, told] = [0, 0];
      for (let n = 0; n < COLUMNS * ROWS; n++) {
        const bit = data[n * 4] > 127 ? 1 : 0;
        if (n < BITS) time |= bit << n;
        else told |= bit << (n - BITS);
      }
      if (told === sum(time)) seen.set(time, at - time);
    }
    await reader.cancel();
  };

  const microphone = (await bench.capture("user")).getAudioTracks()[0];
  const agent = await bench.capture("user");
  // The way back only has to be there.
  await agent.getVideoTracks()[0].applyConstraints({ width: 320, height: 240, frameRate: 5 });
  const local = { customer: new MediaStream([microphone, camera]), agent };
  const calls = [await bench.viaService(local), await bench.direct(local)];
  for (const call of calls) await call.begin();
  await Promise.all(calls.map(({ screens }) => screens[1].first));
  const tracks = calls.map(({ screens }) => screens[1].video.srcObject.getVideoTracks()[0]);
  // Nothing is drawn while it is measured: the compositor would take the processor from both ways.
  for (const { video } of calls.flatMap(({ screens }) => screens)) video.srcObject = null;
  // The same bounds as the service's page sets.
  const [sender] = calls[1].peers()[0].getSenders().filter(({ track }) => track === camera);
  const parameters = sender.getParameters();
  parameters.encodings[0].maxBitrate = 1800000;
  await sender.setParameters(parameters);
  await new Promise((resolve) => setTimeout(resolve, settle * 1000));
  let over = false;
  const seen = calls.map(() => new Map());
  const readers = tracks.map((track, index) => read(track, seen[index], () => over));
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  over = true;
  await Promise.all(readers);
  clearInterval(ticking);
  for (const call of calls) await call.end();
  const [service, direct] = seen;
  const both = [...service.keys()].filter((time) => direct.has(time));
  return {
    service: [...service.values()], direct: [...direct.values()],
    added: both.map((time) => service.get(time) - direct.get(time)),
  };
}
