// Both parties of a call in one page: through the service as the apps do it, and directly for comparison.
// Evaluated as one expression; gives an object that the benchmarks keep on the page.
async ([kit, login, password]) => {
  const load = (name) => import(`${kit}/${name}`);
  const [{ Call }, { Connection }, { openCapture }, { request, setCsrf }] = await Promise.all(
    ["call.js", "connection.js", "devices.js", "rest.js"].map(load));

  const until = (emitter, tag, fits = () => true) => new Promise((resolve) => {
    const stop = emitter.on(tag, (message) => {
      if (!fits(message)) return;
      stop();
      resolve(message);
    });
  });

  const opened = async (credentials) => {
    const connection = new Connection({ credentials: () => credentials, language: () => "en" });
    const welcome = until(connection, "welcome");
    connection.open();
    await welcome;
    return connection;
  };

  // An element that shows a stream, and when its first frame reached the compositor.
  const screen = () => {
    const video = Object.assign(document.createElement("video"), { muted: true, autoplay: true, playsInline: true });
    video.width = 320;
    document.body.append(video);
    const first = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    return { video, first };
  };

  const desk = { connection: null, async ready() {
    if (!this.connection) {
      const { csrf } = await request("POST", "/api/login", { login, password });
      setCsrf(csrf);
      this.connection = await opened({ csrf });
    }
    const set = until(this.connection, "presence_set", ({ presence }) => presence === "ready");
    this.connection.send({ type: "set_presence", presence: "ready" });
    await set;
  } };

  // Up to the moment before anybody's media begins: the customer waits, the agent's console rings.
  const arrive = async () => {
    await desk.ready();
    const { ticket, case: id } = await request("POST", "/api/walk-in", { tenant: "demo", language: "en" });
    const customer = await opened({ ticket });
    const { consent_version: version } = customer.welcome;
    customer.send({ type: "consent", recording: true, biometrics: true, text_version: version, language: "en" });
    const ring = until(desk.connection, "ring", (message) => message.case === id);
    const place = until(customer, "queue_position");
    customer.send({ type: "join_queue" });
    const { call } = await place;
    await ring;
    return { customer, agent: desk.connection, call, case: id };
  };

  // When a call's offer went out, its answer came and its connection was up.
  const watch = (one, connection) => {
    const marks = {};
    const mark = (name) => (marks[name] = marks[name] || performance.now());
    const { send } = connection;
    connection.send = (message) => {
      if (message.type === "offer") mark("offer");
      return send.call(connection, message);
    };
    void until(connection, "answer", ({ call }) => call === one.call).then(() => {
      mark("answer");
      connection.send = send;
    });
    one.onChange(() => one.link === "connected" && mark("connected"));
    return marks;
  };

  const viaService = async (local) => {
    const { customer, agent, call, case: id } = await arrive();
    const make = (connection, stream) => new Call({ connection, call,
      local: { microphone: stream.getAudioTracks()[0] || null, camera: stream.getVideoTracks()[0] || null } });
    const calls = [make(customer, local.customer), make(agent, local.agent)];
    const screens = [screen(), screen()];
    const marks = calls.map((one, index) => watch(one, [customer, agent][index]));
    screens.forEach(({ video }, index) => (video.srcObject = calls[index].remote[0]));
    const over = until(customer, "call_state", ({ phase }) => phase === "ended");
    return {
      id, calls, screens, marks, connections: [customer, agent],
      peers: () => calls.map((one) => one._pc),
      async begin() {
        agent.send({ type: "accept", call });
        calls.forEach((one) => one.start());
      },
      async end() {
        const decided = until(agent, "fact", ({ entry }) => entry.name === "AgentDecided");
        // After a change of network the socket may be a dead one for a while.
        const finish = () => agent.send({ type: "finish", outcome: "incomplete", reason: "other", note: "" });
        finish();
        const repeating = setInterval(finish, 3000);
        await Promise.all([decided, over]);
        clearInterval(repeating);
        calls.forEach((one) => one.stop());
        customer.close("done");
        screens.forEach(({ video }) => video.remove());
      },
    };
  };

  const direct = async (local) => {
    const pcs = [new RTCPeerConnection({ bundlePolicy: "max-bundle" }), new RTCPeerConnection({ bundlePolicy: "max-bundle" })];
    const screens = [screen(), screen()];
    [local.customer, local.agent].forEach((stream, index) => {
      const [mine, other] = [pcs[index], pcs[1 - index]];
      mine.onicecandidate = ({ candidate }) => void other.addIceCandidate(candidate || undefined).catch(() => 0);
      mine.ontrack = ({ streams }) => (screens[index].video.srcObject = streams[0]);
    });
    const marks = pcs.map((pc) => {
      const own = {};
      pc.onconnectionstatechange = () => pc.connectionState === "connected" && (own.connected = performance.now());
      return own;
    });
    return {
      screens, marks, peers: () => pcs,
      async begin() {
        [local.customer, local.agent].forEach((stream, index) =>
          stream.getTracks().forEach((track) => pcs[index].addTrack(track, stream)));
        await pcs[0].setLocalDescription();
        await pcs[1].setRemoteDescription(pcs[0].localDescription);
        await pcs[1].setLocalDescription();
        await pcs[0].setRemoteDescription(pcs[1].localDescription);
      },
      async end() {
        pcs.forEach((pc) => pc.close());
        screens.forEach(({ video }) => video.remove());
      },
    };
  };

  const codecs = async (pc) => {
    const report = await pc.getStats();
    const used = [...report.values()].filter(({ type }) => type === "outbound-rtp" || type === "inbound-rtp");
    return [...new Set(used.map(({ codecId }) => codecId && report.get(codecId).mimeType))].filter(Boolean).sort();
  };

  return { direct, viaService, codecs, capture: openCapture };
}
