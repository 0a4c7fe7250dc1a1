// The two parties of a call through Janus's videocall plugin, in the form of `parties.js`.
// Evaluated as one expression with the WebSocket's address; gives what begins a call.
(url) => async (local) => {
  const handle = async (name) => {
    const socket = new WebSocket(url, "janus-protocol");
    await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
    const [answers, events] = [new Map(), []];
    let heard = () => {};
    const ids = {};
    socket.onmessage = ({ data }) => {
      const said = JSON.parse(data);
      if (said.janus === "ack") return;
      const resolve = answers.get(said.transaction);
      if (resolve && said.janus === "success") resolve(said);
      else if (said.janus === "event") {
        events.push(said);
        heard();
      }
    };
    const ask = (request) => new Promise((resolve) => {
      const transaction = crypto.randomUUID();
      answers.set(transaction, resolve);
      socket.send(JSON.stringify({ ...request, ...ids, transaction }));
    });
    const say = (body, jsep) => socket.send(JSON.stringify({ janus: "message", body, ...(jsep ? { jsep } : {}), ...ids,
      transaction: crypto.randomUUID() }));
    const hear = async (event) => {
      for (;;) {
        const index = events.findIndex(({ plugindata, jsep }) =>
          plugindata.data.result?.event === event && (jsep || event === "registered"));
        if (index >= 0) return events.splice(index, 1)[0];
        await new Promise((resolve) => (heard = resolve));
      }
    };
    ids.session_id = (await ask({ janus: "create" })).data.id;
    ids.handle_id = (await ask({ janus: "attach", plugin: "janus.plugin.videocall" })).data.id;
    const alive = setInterval(() => void ask({ janus: "keepalive" }), 20000);
    say({ request: "register", username: name });
    await hear("registered");
    return { say, hear, close() {
      clearInterval(alive);
      socket.close();
    } };
  };

  const names = [crypto.randomUUID(), crypto.randomUUID()];
  const handles = [await handle(names[0]), await handle(names[1])];
  const pcs = names.map(() => new RTCPeerConnection({ bundlePolicy: "max-bundle" }));
  const screens = pcs.map((pc) => {
    const video = Object.assign(document.createElement("video"), { muted: true, autoplay: true, playsInline: true });
    video.width = 320;
    document.body.append(video);
    pc.addEventListener("track", ({ streams }) => (video.srcObject = streams[0]));
    return { video, first: new Promise((resolve) => video.requestVideoFrameCallback(resolve)) };
  });
  const gathered = async (pc) => {
    while (pc.iceGatheringState !== "complete")
      await new Promise((resolve) => pc.addEventListener("icegatheringstatechange", resolve, { once: true }));
    return { type: pc.localDescription.type, sdp: pc.localDescription.sdp };
  };
  return {
    screens, peers: () => pcs,
    async begin() {
      [local.customer, local.agent].forEach((stream, index) =>
        stream.getTracks().forEach((track) => pcs[index].addTrack(track, stream)));
      await pcs[0].setLocalDescription();
      handles[0].say({ request: "call", username: names[1] }, await gathered(pcs[0]));
      await pcs[1].setRemoteDescription((await handles[1].hear("incomingcall")).jsep);
      await pcs[1].setLocalDescription();
      handles[1].say({ request: "accept" }, await gathered(pcs[1]));
      await pcs[0].setRemoteDescription((await handles[0].hear("accepted")).jsep);
      for (const pc of pcs) {
        // The same bound as the service's page sets.
        const sender = pc.getSenders().find(({ track }) => track && track.kind === "video");
        const parameters = sender.getParameters();
        parameters.encodings[0].maxBitrate = 1800000;
        await sender.setParameters(parameters);
      }
    },
    async end() {
      pcs.forEach((pc) => pc.close());
      handles.forEach((one) => one.close());
      screens.forEach(({ video }) => video.remove());
    },
  };
}
