/** The words of a document that is tilted. Both languages have the same keys. */

/** @type {import("../web_kit/i18n.js").Dictionary} */
export const TILT_STRINGS = {
  "zh-CN": {
    "tilt.title": "请把证件慢慢倾斜",
    "tilt.help": "把证件放进框内，按“开始”。手机自动拍 {count} 张，约 {seconds} 秒；请把证件慢慢向左、右、上、下倾斜。",
    "tilt.start": "开始",
    "tilt.cancel": "不拍了，告诉柜员",
    "tilt.now": "请慢慢倾斜证件",
    "tilt.left": "向左倾斜",
    "tilt.right": "向右倾斜",
    "tilt.up": "向上倾斜",
    "tilt.down": "向下倾斜",
    "tilt.taken": "已拍 {taken}/{count} 张",
    "tilt.sending": "正在上传第 {index} 张，共 {count} 张",
    "tilt.progress": "进度",
  },
  en: {
    "tilt.title": "Tilt the card slowly",
    "tilt.help": "Place the card inside the frame and press Start. {count} pictures are taken by themselves in about {seconds} s, while you tilt the card slowly left, right, up and down.",
    "tilt.start": "Start",
    "tilt.cancel": "No pictures, tell the agent",
    "tilt.now": "Tilt the card slowly",
    "tilt.left": "Tilt it to the left",
    "tilt.right": "Tilt it to the right",
    "tilt.up": "Tilt it up",
    "tilt.down": "Tilt it down",
    "tilt.taken": "{taken} of {count} taken",
    "tilt.sending": "Sending picture {index} of {count}",
    "tilt.progress": "Progress",
  },
};
