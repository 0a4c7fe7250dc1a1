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
