/**
 * A camera that is a canvas: it shows films, does what the page asks its customer to do, and sends back the
 * light of the page. To be run before every script of the page, which sees an ordinary camera.
 *
 * A film is JPEGs, each after its length in four bytes. `prompts` maps words on the screen to the film of what
 * they ask for. `reflects`: "" nothing, "face" as skin does, "glass" all of the picture alike. `voices` names
 * the films beside which something is heard; with any the microphone is one in a quiet room, too.
 */
({ fps, scene, prompts, reflects, added, voices }) => {
  if (!navigator.mediaDevices) return;
  const [WIDTH, HEIGHT] = [640, 480];
  // Of the shortest: who reads and understands needs half a second.
  const REACTS_MS = 600;
  // As tests/kyc/clips.py cuts a face: its middle, and how wide it is.
  const FACE = { x: 320, y: 230, width: 192 };
  // A wall behind gets this share of the light on the face.
  const WALL = 0.15;
  const RECORDED = "BYCRGMBCYMRGYBRC";
  const COLOURS = { R: [255, 0, 0], G: [0, 255, 0], B: [0, 0, 255], C: [0, 255, 255], M: [255, 0, 255], Y: [255, 255, 0] };
  const films = new Map();
  const [picture, glow] = [0, 1].map(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
    return canvas.getContext("2d", { willReadFrequently: true });
  });
  let act = null;
  let asked = "";
  let place = 0;
  let way = 1;
  let seed = 7;
  let told = () => undefined;

  function film(name) {
    if (!films.has(name)) films.set(name, load(name));
    return films.get(name);
  }

  async function load(name) {
    const bytes = new Uint8Array(await (await fetch(`/camera/${name}`)).arrayBuffer());
    const view = new DataView(bytes.buffer);
    const frames = [];
    for (let at = 0; at < bytes.length; at += 4 + view.getUint32(at)) {
      frames.push(new Blob([bytes.subarray(at + 4, at + 4 + view.getUint32(at))], { type: "image/jpeg" }));
    }
    return frames;
  }

  /** The same on every run, 0 to 1. */
  function chance() {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  }

  /** Forth and back, and round now and then, so that nothing comes again as it was. */
  function wander(count) {
    if (chance() < 0.03) way = -way;
    if (place + way < 0 || place + way >= count) way = -way;
    place = Math.min(Math.max(0, place + way), count - 1);
    return place;
  }

  /** A microphone in a room of -60 dBFS, and how something is said into it. */
  const room = { context: null, target: null, said: new Map() };

  async function listen() {
    const context = new AudioContext({ sampleRate: 48000 });
    const target = context.createMediaStreamDestination();
    const hiss = new AudioBuffer({ length: 96000, sampleRate: 48000 });
    hiss.copyToChannel(Float32Array.from({ length: 96000 }, () => 0.002 * (Math.random() - 0.5)), 0);
    const noise = new AudioBufferSourceNode(context, { buffer: hiss, loop: true });
    noise.connect(target);
    noise.start();
    for (const name of voices) {
      const bytes = await (await fetch(`/camera/${name}.wav`)).arrayBuffer();
      room.said.set(name, await context.decodeAudioData(bytes));
    }
    Object.assign(room, { context, target });
    return target.stream.clone();
  }

  function say(name, inMs) {
    const buffer = room.said.get(name);
    if (!buffer) return;
    const source = new AudioBufferSourceNode(room.context, { buffer });
    source.connect(room.target);
    source.start(room.context.currentTime + inMs / 1000);
  }

  /** Begin what the screen asks for, once for each prompt. */
  function react(now) {
    const step = document.querySelector('.live[data-phase="step"]:not([hidden]) .live-prompt');
    const said = step ? `${step.querySelector("h2").textContent} ${step.querySelector(".grow").textContent}` : "";
    if (said === asked) return;
    asked = said;
    const words = Object.keys(prompts).find((some) => said.includes(some));
    act = words ? { film: prompts[words], from: now + REACTS_MS } : null;
    if (act) say(act.film, REACTS_MS);
  }

  async function frameAt(now) {
    react(now);
    if (act && now >= act.from) {
      const frames = await film(act.film);
      const number = Math.floor(((now - act.from) * fps) / 1000);
      if (number < frames.length) return frames[number];
      act = null;
    }
    const frames = await film(scene);
    return frames[wander(frames.length)];
  }

  /** A head before a phone in a hand is never quite where it was. */
  function draw(bitmap, now) {
    const seconds = now / 1000;
    const sway = (period) => Math.sin((2 * Math.PI * seconds) / period);
    const grown = 1.04;
    const x = -0.02 * WIDTH + 3 * sway(3.7) + 2 * sway(2.3);
    const y = -0.02 * HEIGHT + 2 * sway(4.9) + 2 * sway(3.1);
    picture.drawImage(bitmap, x, y, WIDTH * grown, HEIGHT * grown);
  }

  function shade([red, green, blue]) {
    const lit = (share) => `rgb(${[red, green, blue].map((one) => Math.round(one * added * share)).join(" ")})`;
    if (reflects === "glass") return lit(1);
    const far = 3 * FACE.width;
    const gradient = glow.createRadialGradient(FACE.x, FACE.y, 0, FACE.x, FACE.y, far);
    for (let stop = 0; stop <= 1; stop += 0.125) {
      const away = (stop * far) / FACE.width;
      gradient.addColorStop(stop, lit(WALL + (1 - WALL) * Math.exp(-(away ** 2) / (2 * 0.6 ** 2))));
    }
    return gradient;
  }

  /** The colour of the screen; in a recording, of the screen of another time. */
  function lightOf(lamp) {
    const earlier = reflects === "recorded" && COLOURS[RECORDED[Number(lamp.dataset.colour)]];
    return earlier || getComputedStyle(lamp).backgroundColor.match(/\d+/g).slice(0, 3).map(Number);
  }

  /** The more there is to send light back, the more comes back: the picture times the colour, added to it. */
  function reflect() {
    const lamp = document.querySelector("section.light:not([hidden])");
    if (!lamp || !reflects) return;
    const colour = lightOf(lamp);
    glow.globalCompositeOperation = "copy";
    glow.drawImage(picture.canvas, 0, 0);
    glow.globalCompositeOperation = "multiply";
    glow.fillStyle = shade(colour);
    glow.fillRect(0, 0, WIDTH, HEIGHT);
    picture.globalCompositeOperation = "lighter";
    picture.drawImage(glow.canvas, 0, 0);
    picture.globalCompositeOperation = "source-over";
  }

  async function roll(track) {
    const began = performance.now();
    for (let number = 0; track.readyState === "live"; ) {
      const due = began + (number * 1000) / fps;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      const now = performance.now();
      const bitmap = await createImageBitmap(await frameAt(now));
      draw(bitmap, now);
      bitmap.close();
      reflect();
      track.requestFrame();
      told(Date.now() / 1000);
      number = Math.max(number + 1, Math.floor(((performance.now() - began) * fps) / 1000));
    }
  }

  async function start() {
    // What is asked for is done in time.
    await Promise.all([scene, ...Object.values(prompts)].map(film));
    const [track] = picture.canvas.captureStream(0).getVideoTracks();
    void roll(track);
    return track;
  }

  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async ({ video, ...others }) => {
    const hears = voices.length > 0 && others.audio;
    const stream = hears ? await listen() : others.audio ? await open(others) : new MediaStream();
    if (video) stream.addTrack(await start());
    return stream;
  };

  /** Show another film from now on; resolves to the second (UTC) of its first frame. */
  window.showInstead = async (name) => {
    const frames = await film(name);
    scene = name;
    place = Math.min(place, frames.length - 1);
    return new Promise((resolve) => {
      // The frame that is being drawn may still be of the old one.
      told = () => {
        told = (at) => {
          told = () => undefined;
          resolve(at);
        };
      };
    });
  };
};
