// Sound and desktop notifications for what comes, if they were switched on in this browser.
import { flat } from './dom.js';
import { typeOf } from './words.js';

const read = (name) => localStorage.getItem(`gainsay.${name}`) === 'on';
let audio = null;

export const settings = {
  get sound() {
    return read('sound');
  },
  get desktop() {
    return read('desktop') && 'Notification' in window && Notification.permission === 'granted';
  },
};

/** Turns the sound on or off; what it is now. */
export function toggleSound() {
  const isOn = !settings.sound;
  localStorage.setItem('gainsay.sound', isOn ? 'on' : 'off');
  if (isOn) beep();
  return isOn;
}

/** Turns notifications on or off, asking the browser where it has to be asked; what it is now, or why not. */
export async function toggleDesktop() {
  if (!('Notification' in window)) return 'this browser has no notifications here (they need https or localhost)';
  if (settings.desktop) {
    localStorage.setItem('gainsay.desktop', 'off');
    return false;
  }
  const answer = Notification.permission === 'granted' ? 'granted' : await Notification.requestPermission();
  if (answer !== 'granted') return 'the browser does not permit notifications of this page';
  localStorage.setItem('gainsay.desktop', 'on');
  return true;
}

function beep() {
  try {
    audio ||= new AudioContext();
    const start = audio.currentTime;
    for (const [at, pitch] of [[0, 660], [0.12, 880]]) {
      const tone = audio.createOscillator();
      const gain = audio.createGain();
      tone.frequency.value = pitch;
      gain.gain.setValueAtTime(0, start + at);
      gain.gain.linearRampToValueAtTime(0.12, start + at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, start + at + 0.25);
      tone.connect(gain).connect(audio.destination);
      tone.start(start + at);
      tone.stop(start + at + 0.3);
    }
  } catch {
    audio = null; // A browser without sound stays silent.
  }
}

/** Tells of what came; several at once are one sound and one notification. */
export function notify(came) {
  if (settings.sound) beep();
  if (!settings.desktop || document.hasFocus()) return;
  const { alert } = came[0];
  const who = flat(alert.claim?.speaker?.name || alert.feed?.outlet || '').slice(0, 80);
  const title = came.length > 1 ? `${came.length} alerts` : `${typeOf(alert.type)[0]}${who ? `: ${who}` : ''}`;
  const shown = new Notification(title, { body: flat(alert.evidence?.sentence || alert.feed?.detail || alert.why).slice(0, 240), tag: 'gainsay', icon: 'icon.svg' });
  shown.onclick = () => {
    window.focus();
    location.hash = `#/alert/${encodeURIComponent(alert.id)}`;
    shown.close();
  };
}
