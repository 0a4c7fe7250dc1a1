/** Line icons on a 24-unit grid, drawn with the text's colour. */

const NAMESPACE = "http://www.w3.org/2000/svg";

/** @type {Readonly<Record<string, string>>} */
const PATHS = {
  microphone: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM6 11a6 6 0 0 0 12 0M12 17v4M9 21h6",
  "microphone-off": "M9 9.5V11a3 3 0 0 0 4.5 2.6M15 11V6a3 3 0 0 0-5.6-1.5M6 11a6 6 0 0 0 9.3 5M18 11a6 6 0 0 1-.5 2.4M12 17v4M9 21h6M4 3l16 18",
  camera: "M4 7h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1ZM15 11l6-3v8l-6-3",
  "camera-off": "M10 7h3a2 2 0 0 1 2 2v2l6-3v8l-3-1.5M15 15a2 2 0 0 1-2 2H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1h1M4 3l16 18",
  flip: "M4 9a8 8 0 0 1 14.5-2.5L20 8M20 4v4h-4M20 15a8 8 0 0 1-14.5 2.5L4 16M4 20v-4h4",
  chat: "M5 5h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-8l-5 4v-4H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1Z",
  "hang-up": "M3.5 14.5c4.7-5 12.3-5 17 0l-2.3 2.3a1 1 0 0 1-1.3.1L14.5 15.2v-2.6a10 10 0 0 0-5 0v2.6l-2.4 1.7a1 1 0 0 1-1.3-.1Z",
  phone: "M6 3h3l2 5-2.5 1.5a11 11 0 0 0 6 6L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3Z",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 13l4.5 4.5L19 7",
  send: "M4 12l16-8-6 16-3-7-7-1Z",
  card: "M4 5h16a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM13 9h5M13 13h5M8 8.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4ZM5.5 16a2.6 2.6 0 0 1 5 0",
  face: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM9 10v.5M15 10v.5M8.5 14.5a4.5 4.5 0 0 0 7 0",
  clock: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM12 7v5l3.5 2",
  shield: "M12 3l7 3v5c0 5-3 8.5-7 10-4-1.5-7-5-7-10V6l7-3ZM9 12l2.2 2.2L15.5 10",
  bank: "M3 10l9-6 9 6M5 10v8M10 10v8M14 10v8M19 10v8M3 20h18",
  person: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM4 20a8 8 0 0 1 16 0",
  headset: "M4 14v-2a8 8 0 0 1 16 0v2M4 14h3v5H5a1 1 0 0 1-1-1v-4ZM20 14h-3v5h2a1 1 0 0 0 1-1v-4ZM17 19a4 4 0 0 1-4 2",
  play: "M7 4l13 8-13 8V4Z",
  pause: "M7 4v16M17 4v16",
  search: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13ZM15.5 15.5L21 21",
  warning: "M12 4l9 16H3l9-16ZM12 10v4M12 17v.5",
  signal: "M4 19v-4M10 19v-8M16 19V5",
  globe: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM3 12h18M12 3c3.5 3 3.5 15 0 18M12 3c-3.5 3-3.5 15 0 18",
  text: "M3 18L8 6l5 12M5 14h6M15 18l3-7 3 7M16 15.5h4",
  copy: "M9 8h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1ZM5 15H4V5a1 1 0 0 1 1-1h10v1",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  logout: "M10 4H5a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h5M15 8l4 4-4 4M9 12h10",
  right: "M9 5l7 7-7 7",
  left: "M15 5l-7 7 7 7",
  screen: "M4 5h16a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM9 20h6M12 16v4M12 13V8.5M9.5 10.5L12 8l2.5 2.5",
  invite: "M10 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM3 20a7 7 0 0 1 13-3.6M19 8v6M16 11h6",
  pin: "M9 3h6l-1 6 3 3v2H7v-2l3-3-1-6ZM12 14v7",
  main: "M4 5h16v14H4V5ZM4 5h9v7H4",
  fullscreen: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  photo: "M4 7h3l2-3h6l2 3h3a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1ZM12 9.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7Z",
  keyboard: "M3 6h18a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1ZM6 10v.5M10 10v.5M14 10v.5M18 10v.5M8 14h8",
  "zoom-in": "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13ZM15.5 15.5L21 21M10.5 7.5v6M7.5 10.5h6",
  "zoom-out": "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13ZM15.5 15.5L21 21M7.5 10.5h6",
  layout: "M4 4h16v16H4V4ZM4 13h16M13 13v7",
  frozen: "M12 3v18M4.2 7.5l15.6 9M19.8 7.5l-15.6 9M9.5 4.5L12 7l2.5-2.5M9.5 19.5L12 17l2.5 2.5",
  lock: "M6 11h12v9H6v-9ZM9 11V8a3 3 0 0 1 6 0v3",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.6 1.6M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.6-1.6",
  more: "M5 12v.5M12 12v.5M19 12v.5",
  torch: "M8 3h8v4l-2 3v10h-4V10L8 7V3ZM8 7h8M12 13v2",
  attach: "M19 11l-7.5 7.5a4.5 4.5 0 0 1-6.4-6.4L13 4.2a3 3 0 0 1 4.3 4.3l-7.6 7.6a1.5 1.5 0 0 1-2.1-2.1L14.5 7",
  file: "M6 3h8l5 5v12a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1ZM14 3v5h5M8.5 13h7M8.5 17h7",
  star: "M12 3.5l2.7 5.5 6 .9-4.4 4.2 1 6L12 17.3l-5.3 2.8 1-6L3.3 9.9l6-.9L12 3.5Z",
  share: "M12 15V4M8 7l4-4 4 4M6 11H5a1 1 0 0 0-1 1v8a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-8a1 1 0 0 0-1-1h-1",
  location: "M12 21c-4-4.5-7-7.8-7-11a7 7 0 0 1 14 0c0 3.2-3 6.5-7 11ZM12 7.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5Z",
};

/**
 * An icon. It is decoration: the button around it carries the words.
 *
 * @param {string} name  A key of the table above; an unknown one is a mistake of the page.
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const shape = PATHS[name];
  if (!shape) throw new Error(`no icon ${name}`);
  const svg = document.createElementNS(NAMESPACE, "svg");
  const path = document.createElementNS(NAMESPACE, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", shape);
  svg.append(path);
  return svg;
}
