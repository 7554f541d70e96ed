// A fake browser with what the pixel snippet uses. stdin: the page as JSON; stdout: its state after all scripts.
"use strict";
const vm = require("node:vm");
const page = JSON.parse(require("node:fs").readFileSync(0, "utf8"));

const listeners = {};
const inserted = [];
const notes = [];
const stores = { localStorage: new Map(Object.entries(page.storage || {})), sessionStorage: new Map(Object.entries(page.session || {})) };
const blocks = (page.blocks || []).map((textContent) => ({ textContent }));
const parent = { insertBefore: (script, before) => inserted.push({ ...script, before: before.name }) };
const document = {
  currentScript: null,
  createElement: (name) => ({ tag: name }),
  getElementsByTagName: () => (page.bare ? [] : [{ name: "first", parentNode: parent }]),
  querySelectorAll: (selector) => (selector === 'script[type="application/json"]#tiktok-events' ? [...blocks] : []),
  head: { appendChild: (script) => inserted.push({ ...script, before: null }) },
  addEventListener: (name, listener) => (listeners[name] = listeners[name] || []).push(listener),
  cookie: page.cookie || "",
};
const window = { document, navigator: { globalPrivacyControl: page.gpc } };
// `denied` names the stores whose access throws, `full` those that take nothing more.
for (const [name, store] of Object.entries(stores)) {
  Object.defineProperty(window, name, {
    get() {
      if ((page.denied || []).includes(name)) throw new Error("SecurityError");
      return {
        getItem: (key) => (store.has(key) ? store.get(key) : null),
        setItem: (key, value) => {
          if ((page.full || []).includes(name)) throw new Error("QuotaExceededError");
          store.set(key, String(value));
        },
        removeItem: (key) => store.delete(key),
      };
    },
  });
}
window.window = window;
window.navigator = { globalPrivacyControl: page.gpc };
window.console = { info: (text) => notes.push(text) };
const RealDate = Date;
window.Date = class extends RealDate { static now() { return page.now; } };
window.emit = (name, detail) => (listeners[name] || []).forEach((listener) => listener({ detail }));
window.addBlock = (textContent) => blocks.push({ textContent });
window.Response = function (text) { this.headers = new Headers(text ? { "TikTok-Events": text } : {}); };
window.XHR = function (text) { this.getResponseHeader = (name) => (name.toLowerCase() === "tiktok-events" ? text : null); };
vm.createContext(window);

const errors = [];
for (const { code, nonce } of page.scripts) {
  document.currentScript = { nonce: nonce || "" };
  try { vm.runInContext(code, window); } catch (error) { errors.push(String(error)); }
  document.currentScript = null;
}
window.emit("DOMContentLoaded");

const ttq = window.ttq;
const queueState = ttq ? {
  isArray: Array.isArray(vm.runInContext("Array.from(ttq)", window)) && vm.runInContext("Array.isArray(ttq)", window),
  queue: Array.from(ttq, (entry) => Array.from(entry)),
  methods: Array.from(ttq.methods || []),
  stubs: (ttq.methods || []).every((method) => typeof ttq[method] === "function"),
  instances: Object.fromEntries(Object.entries(ttq._i || {}).map(([id, calls]) => [id, Array.from(calls, (call) => Array.from(call))])),
  address: Object.fromEntries(Object.entries(ttq._i || {}).map(([id, calls]) => [id, calls._u])),
  times: ttq._t, options: ttq._o,
} : null;
process.stdout.write(JSON.stringify({
  ttq: queueState, name: window.TiktokAnalyticsObject || null, inserted, notes, errors,
  storage: Object.fromEntries(stores.localStorage), session: Object.fromEntries(stores.sessionStorage), order: window.order || [], api: Object.keys(window.tiktokEvents || {}),
}));
