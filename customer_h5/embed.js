/**
 * Puts the customer's page into a bank's own page:
 *
 *   <script src="https://teller.example/embed.js" async></script>
 *   <video-teller ticket="..." language="zh-CN"></video-teller>
 *
 * The ticket goes to the frame by message to our exact origin, never in an address. The element emits
 * `teller-state` (detail: { state }) and `teller-ended` (detail: { reason, case }). The bank's policy needs
 * our origin in script-src and frame-src; our configuration needs the bank's origin. A classic script, so
 * that it runs without CORS headers.
 */
(() => {
  "use strict";

  const script = document.currentScript;
  if (!(script instanceof HTMLScriptElement) || customElements.get("video-teller")) return;
  const origin = new URL(script.src).origin;

  class VideoTellerElement extends HTMLElement {
    static get observedAttributes() {
      return ["ticket"];
    }

    connectedCallback() {
      this._listener = (/** @type {MessageEvent} */ event) => this._gotMessage(event);
      window.addEventListener("message", this._listener);
      this._frame = this._makeFrame();
      this.append(this._frame);
    }

    disconnectedCallback() {
      if (this._listener) window.removeEventListener("message", this._listener);
      if (this._frame) this._frame.remove();
      this._frame = undefined;
      this._ready = false;
    }

    attributeChangedCallback() {
      this._sendTicket();
    }

    /** @returns {HTMLIFrameElement} */
    _makeFrame() {
      const frame = document.createElement("iframe");
      const language = this.getAttribute("language");
      frame.allow = "camera; microphone; geolocation; autoplay; fullscreen; clipboard-write";
      frame.title = this.getAttribute("label") || "视频柜员 Video Teller";
      frame.src = `${origin}/c/${language ? `?lang=${encodeURIComponent(language)}` : ""}`;
      this._size(frame);
      return frame;
    }

    /**
     * The bank's policy may forbid style attributes, but not the style object.
     *
     * @param {HTMLIFrameElement} frame
     */
    _size(frame) {
      if (getComputedStyle(this).display === "inline") this.style.setProperty("display", "block");
      frame.style.setProperty("display", "block");
      frame.style.setProperty("width", "100%");
      frame.style.setProperty("height", this.getAttribute("height") || "100%");
      frame.style.setProperty("min-height", "560px");
      frame.style.setProperty("border", "0");
    }

    /** @param {MessageEvent} event */
    _gotMessage(event) {
      const frame = this._frame;
      if (!frame || event.source !== frame.contentWindow || event.origin !== origin) return;
      const data = Object(event.data);
      if (data.type === "teller-ready") {
        this._ready = true;
        this._sendTicket();
      } else if (data.type === "teller-state") {
        this._emit("teller-state", { state: data.state });
      } else if (data.type === "teller-ended") {
        this._emit("teller-ended", { reason: data.reason, case: data.case });
      }
    }

    _sendTicket() {
      const ticket = this.getAttribute("ticket");
      const target = this._frame && this._frame.contentWindow;
      if (this._ready && ticket && target) target.postMessage({ type: "teller-ticket", ticket }, origin);
    }

    /**
     * @param {string} name
     * @param {object} detail
     */
    _emit(name, detail) {
      this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
    }
  }

  customElements.define("video-teller", VideoTellerElement);
})();
