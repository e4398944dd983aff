// The browser phone: registers, takes the call that Prozvon places at sign-in, shows the state.
// Its login comes behind `#` of the link and is renewed here before it ends.
"use strict";

const RU = navigator.language.startsWith("ru");
const TEXT = {
  phone: RU ? "Телефон" : "Phone",
  state: RU ? "Состояние" : "State",
  "sign-in": RU ? "Начать смену" : "Sign in",
  "sign-out": RU ? "Закончить смену" : "Sign out",
  ready: RU ? "Готов" : "Ready",
  pause: RU ? "Пауза" : "Pause",
  answer: RU ? "Ответить" : "Answer",
  ringing: RU ? "звонит" : "rings",
  "hang-up": RU ? "Положить трубку" : "Hang up",
  offline: RU ? "нет связи, подключаюсь" : "no connection, trying again",
  registered: RU ? "на связи" : "registered",
  talking: RU ? "линия открыта" : "line open",
  away: RU ? "смена не начата" : "not signed in",
  no_login: RU ? "Ссылка не действует. Попросите новую." : "This link does not work. Ask for a new one.",
  no_microphone: RU ? "Нет доступа к микрофону: разрешите его в браузере."
    : "No microphone: allow it in the browser.",
  reason: RU ? "Причина паузы" : "Why pause",
};
const STATES = RU ? {
  connecting: "телефон подключается", ready: "свободен", reserved: "звонок идёт к вам",
  dialing: "набираем", talking: "разговор", hold: "удержание", consult: "консультация",
  wrap_up: "после разговора", paused: "пауза",
} : {};
const STATE_EVERY_MS = 1000;
const RECOVERY_S = { min: 1, max: 5 };
const STUN_NONE = { iceServers: [] };

const RING_HZ = 425, RING_S = 1, SILENCE_S = 3;

const phone = {
  login: "", password: "", ua: null, session: null, registered: false, timer: 0,
  onCall: false,    // the phone is rung for each call, and answered by a person
  ringing: null,    // what stops the sound while it rings
};
window.prozvonPhone = phone;

const at = (id) => document.getElementById(id);

function show(id, text) { at(id).textContent = text; }

function trouble(text) { show("trouble", text || ""); }

async function ask(method, path, body) {
  const answer = await fetch(`/phone/api/${path}`, {
    method,
    headers: { Authorization: `Bearer ${phone.login}:${phone.password}` },
    body: body ? JSON.stringify(body) : undefined,
  });
  const data = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(data.detail), { id: data.title });
  return data;
}

async function act(action, body) {
  try {
    draw(await ask("POST", action, body));
    trouble("");
  } catch (error) {
    trouble(error.message);
  }
}

function draw(view) {
  const state = view.seat ? view.seat.state : "away";
  phone.state = state;
  phone.onCall = Boolean(view.seat && view.seat.phone_mode === "ring_per_call");
  show("state", view.seat ? STATES[state] || state : TEXT.away);
  show("notice", view.seat ? view.seat[RU ? "notice_ru" : "notice_en"] : "");
  at("sign-in").disabled = view.signed_in;
  for (const id of ["sign-out", "ready", "pause", "hang-up"]) at(id).disabled = !view.signed_in;
}

function drawPhone() {
  const up = phone.ringing ? TEXT.ringing : TEXT.talking;
  show("phone", phone.session ? up : phone.registered ? TEXT.registered : TEXT.offline);
  at("answer").disabled = !phone.ringing;
}

// One second of tone, three of silence, until it is stopped. Returns what stops it.
function ringTone() {
  const context = new AudioContext(), tone = context.createOscillator(), volume = context.createGain();
  tone.frequency.value = RING_HZ;
  for (let at = 0; at < 120; at += RING_S + SILENCE_S) {
    volume.gain.setValueAtTime(0.2, context.currentTime + at);
    volume.gain.setValueAtTime(0, context.currentTime + at + RING_S);
  }
  tone.connect(volume).connect(context.destination);
  tone.start();
  return () => context.close();
}

function stopRinging() {
  if (phone.ringing) phone.ringing();
  phone.ringing = null;
}

async function look() {
  try {
    draw(await ask("GET", "state"));
  } catch (error) {
    if (error.id === "phone_login") trouble(TEXT.no_login);
  }
}

// A login that is renewed a minute before its end (or half way) never ends in a shift.
function renewBefore(expiresAt) {
  clearTimeout(phone.timer);
  const left = new Date(expiresAt) - Date.now();
  phone.timer = setTimeout(renew, Math.max(1000, Math.min(left / 2, 2 ** 31 - 1)));
}

async function renew() {
  try {
    const made = await ask("POST", "renew");
    phone.password = made.password;
    history.replaceState(null, "", made.link);
    if (phone.ua) phone.ua.set("password", made.password);
    renewBefore(made.expires_at);
    return made;
  } catch (error) {
    if (error.id === "phone_login") trouble(TEXT.no_login);
    else phone.timer = setTimeout(renew, 5000);
    return null;
  }
}

function takeCall({ session, originator }) {
  if (originator !== "remote") return;
  if (phone.session) phone.session.terminate();  // the new call is in place of a lost one
  phone.session = session;
  stopRinging();
  const over = () => {
    if (phone.session === session) { phone.session = null; stopRinging(); }
    drawPhone();
  };
  session.on("ended", over);
  session.on("failed", over);
  session.on("confirmed", drawPhone);
  session.on("peerconnection", ({ peerconnection }) => listen(peerconnection));
  // A phone that was lost in a conversation goes on by itself, also one that is rung for each call.
  if (phone.onCall && phone.state !== "talking") phone.ringing = ringTone();
  else answer();
  drawPhone();
}

function answer() {
  const { session } = phone;
  stopRinging();
  if (!session) return;
  session.answer({
    mediaConstraints: { audio: { echoCancellation: true, noiseSuppression: true }, video: false },
    pcConfig: STUN_NONE,
  });
  if (session.connection) listen(session.connection);
  drawPhone();
}

function listen(connection) {
  connection.addEventListener("track", (event) => {
    at("sound").srcObject = event.streams[0] || new MediaStream([event.track]);
    at("sound").play().catch(() => {});
  });
}

function register(view) {
  const host = new URL(view.websocket).hostname;
  phone.ua = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(view.websocket)],
    uri: `sip:${view.username}@${host}`,
    authorization_user: view.username,
    password: phone.password,
    register_expires: 120,
    session_timers: false,
    connection_recovery_min_interval: RECOVERY_S.min,
    connection_recovery_max_interval: RECOVERY_S.max,
    user_agent: "Prozvon phone",
  });
  const registered = (yes) => () => { phone.registered = yes; drawPhone(); };
  phone.ua.on("registered", registered(true));
  phone.ua.on("unregistered", registered(false));
  phone.ua.on("disconnected", registered(false));
  phone.ua.on("registrationFailed", ({ cause }) => { phone.registered = false; drawPhone(); trouble(cause); });
  phone.ua.on("newRTCSession", takeCall);
  phone.ua.start();
}

async function begin() {
  for (const id of ["phone", "state"]) show(`t-${id}`, TEXT[id]);
  show("answer", TEXT.answer);
  at("answer").onclick = answer;
  for (const id of ["sign-in", "sign-out", "ready", "hang-up"]) {
    show(id, TEXT[id]);
    at(id).onclick = () => act(id);
  }
  show("pause", TEXT.pause);
  at("pause").onclick = () => {
    const reason = prompt(TEXT.reason, RU ? "обед" : "lunch");
    if (reason) act("pause", { reason });
  };
  const [login, password] = decodeURIComponent(location.hash.slice(1)).split(":");
  Object.assign(phone, { login, password });
  show("who", login || "…");
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    stream.getTracks().forEach((track) => track.stop());
  } catch {
    trouble(TEXT.no_microphone);
  }
  if (!login || !password) return trouble(TEXT.no_login);
  try {
    const view = await ask("GET", "state");
    draw(view);
    // The link's login was shown to whoever made it: from now on only this page has one.
    if (!(await renew())) return undefined;
    register(view);
  } catch (error) {
    return trouble(error.id === "phone_login" ? TEXT.no_login : error.message);
  }
  setInterval(look, STATE_EVERY_MS);
  drawPhone();
  return undefined;
}

begin();
