/** What a browser can only be told in the text of a session description. Pure. */

/**
 * Ask for lost sound to be sent again (RFC 4585 generic NACK), which browsers do for pictures only.
 *
 * @param {string} sdp  Our offer.
 * @returns {string}
 */
export function withOpusNack(sdp) {
  return sdp.replace(/^a=rtpmap:(\d+) opus\/48000\/2\r\n/gm, "$&a=rtcp-fb:$1 nack\r\n");
}

/**
 * Add the start bitrate to the format lines of the `index`-th m-section of an answer.
 *
 * @param {string} sdp
 * @param {number} index
 * @param {number} kbps
 * @returns {string}
 */
export function withStartBitrate(sdp, index, kbps) {
  let section = -1;
  /** @type {Set<string>} */
  const hinted = new Set();
  const hint = `x-google-start-bitrate=${kbps}`;
  const lines = sdp.split("\r\n").map((line) => {
    if (line.startsWith("m=")) section += 1;
    const [, format, rest] = /^a=fmtp:(\d+) (.*)$/.exec(line) || [];
    if (section !== index || !format || !rest || rest.startsWith("apt=")) return line;
    hinted.add(format);
    return `${line};${hint}`;
  });
  section = -1;
  return lines.flatMap((line) => {
    if (line.startsWith("m=")) section += 1;
    const format = (/^a=rtpmap:(\d+) (?:VP8|H264)\//.exec(line) || [])[1];
    return section === index && format && !hinted.has(format) ? [line, `a=fmtp:${format} ${hint}`] : [line];
  }).join("\r\n");
}
