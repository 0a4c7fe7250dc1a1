/**
 * The one way in which elements are made: `h()` builds nodes, never markup.
 *
 * Properties: `class`, any attribute, `dataset` entries as `data-*`, and listeners as `onclick`, `oninput` …
 * (added with addEventListener). `true` sets an empty attribute; `false`, `null` and `undefined` leave it out.
 */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Child | readonly Child[]} Children */
/** @typedef {string | number | boolean | null | undefined | ((event: any) => unknown)} Prop */

/**
 * @param {Element} element
 * @param {string} name
 * @param {Prop} value
 */
function setProp(element, name, value) {
  if (typeof value === "function") {
    element.addEventListener(name.replace(/^on/, ""), value);
  } else if (value === true) {
    element.setAttribute(name, "");
  } else if (value !== false && value !== null && value !== undefined) {
    element.setAttribute(name, String(value));
  }
}

/**
 * @param {Element} parent
 * @param {readonly Children[]} children
 */
export function append(parent, ...children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(typeof child === "number" ? String(child) : child);
  }
}

/**
 * Make an element.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Readonly<Record<string, Prop>> | null} [props]
 * @param {...Children} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) setProp(element, name, value);
  append(element, ...children);
  return element;
}

/**
 * Replace everything inside `parent`.
 *
 * @param {Element} parent
 * @param {...Children} children
 */
export function mount(parent, ...children) {
  parent.replaceChildren();
  append(parent, ...children);
}

/**
 * The element that must exist in the page.
 *
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {HTMLElement}
 */
export function must(selector, root = document) {
  const found = root.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`no element ${selector}`);
  return found;
}

/**
 * A video element that may play by itself on every phone: `playsinline`, and muted for one's own picture.
 *
 * @param {{ class?: string, muted?: boolean, label: string }} options
 * @returns {HTMLVideoElement}
 */
export function videoElement({ class: name = "", muted = false, label }) {
  const video = h("video", { class: name, playsinline: true, autoplay: true, "aria-label": label });
  // The attribute sets only the default; a muted local preview must be muted before it starts.
  video.muted = muted;
  return video;
}

/**
 * Show a stream. Resolves to false when the browser wants a tap before it plays sound.
 *
 * @param {HTMLMediaElement} media
 * @param {MediaStream | null} stream
 * @returns {Promise<boolean>}
 */
export async function playStream(media, stream) {
  if (media.srcObject !== stream) media.srcObject = stream;
  if (!stream) return true;
  try {
    await media.play();
    return true;
  } catch (error) {
    // AbortError: another load replaced this one, which is not a refusal.
    return !(error instanceof DOMException && error.name === "NotAllowedError");
  }
}
