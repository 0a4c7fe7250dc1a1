/**
 * A picture that two fingers enlarge, one finger moves, and a double tap brings near and back.
 */

const MAX = 5;
const NEAR = 2.5;
const DOUBLE_TAP_MS = 300;
const TAP_MAX_PX = 12;
const WHEEL_STEP = 0.0015;

/** @typedef {{ x: number, y: number }} Point */

export class Zoom {
  /**
   * @param {HTMLElement} frame  Takes the fingers and clips.
   * @param {HTMLElement} content  Is moved.
   */
  constructor(frame, content) {
    this._frame = frame;
    this._content = content;
    this.scale = 1;
    this._x = 0;
    this._y = 0;
    /** @type {Map<number, Point>} */
    this._fingers = new Map();
    this._tapAt = 0;
    /** @type {Point} */
    this._tap = { x: 0, y: 0 };
    frame.addEventListener("pointerdown", (event) => this._down(event));
    frame.addEventListener("pointermove", (event) => this._move(event));
    for (const name of /** @type {const} */ (["pointerup", "pointercancel", "pointerleave"])) {
      frame.addEventListener(name, (event) => this._fingers.delete(event.pointerId));
    }
    frame.addEventListener("wheel", (event) => this._wheel(event), { passive: false });
    frame.addEventListener("keydown", (event) => this._key(event));
  }

  reset() {
    Object.assign(this, { scale: 1, _x: 0, _y: 0 });
    this._show();
  }

  /**
   * @param {number} factor
   * @param {Point} at  In the frame's own coordinates, from its middle.
   */
  by(factor, at) {
    const scale = Math.min(MAX, Math.max(1, this.scale * factor));
    const grown = scale / this.scale;
    // What lies under the fingers stays there.
    this._x = at.x - (at.x - this._x) * grown;
    this._y = at.y - (at.y - this._y) * grown;
    this.scale = scale;
    this._show();
  }

  /** @param {PointerEvent | WheelEvent} event */
  _at(event) {
    const { left, top, width, height } = this._frame.getBoundingClientRect();
    return { x: event.clientX - left - width / 2, y: event.clientY - top - height / 2 };
  }

  /** @param {PointerEvent} event */
  _down(event) {
    const at = this._at(event);
    const now = performance.now();
    const near = Math.hypot(at.x - this._tap.x, at.y - this._tap.y) < TAP_MAX_PX * 2;
    if (this._fingers.size === 0 && now - this._tapAt < DOUBLE_TAP_MS && near) {
      this._tapAt = 0;
      if (this.scale > 1) this.reset();
      else this.by(NEAR, at);
    } else {
      this._tapAt = this._fingers.size === 0 ? now : 0;
      this._tap = at;
    }
    this._fingers.set(event.pointerId, at);
    this._frame.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  _move(event) {
    const was = this._fingers.get(event.pointerId);
    if (!was) return;
    const at = this._at(event);
    const [other] = [...this._fingers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    this._fingers.set(event.pointerId, at);
    if (!other) {
      this._x += at.x - was.x;
      this._y += at.y - was.y;
      this._show();
      return;
    }
    const before = Math.hypot(was.x - other.x, was.y - other.y);
    const after = Math.hypot(at.x - other.x, at.y - other.y);
    if (before > 0) this.by(after / before, { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 });
  }

  /** @param {WheelEvent} event */
  _wheel(event) {
    event.preventDefault();
    this.by(Math.exp(-event.deltaY * WHEEL_STEP), this._at(event));
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (event.key === "+" || event.key === "=") this.by(1.25, { x: 0, y: 0 });
    else if (event.key === "-") this.by(0.8, { x: 0, y: 0 });
    else if (event.key === "0") this.reset();
  }

  _show() {
    const { width, height } = this._frame.getBoundingClientRect();
    const limit = (/** @type {number} */ size) => (size * (this.scale - 1)) / 2;
    this._x = Math.min(limit(width), Math.max(-limit(width), this._x));
    this._y = Math.min(limit(height), Math.max(-limit(height), this._y));
    this._content.style.transform = `translate(${this._x}px, ${this._y}px) scale(${this.scale})`;
  }
}
