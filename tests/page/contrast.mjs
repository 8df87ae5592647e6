// Contrast of the texts that are seen, by WCAG's formula; runs in the page, so it stands alone.

/** `{count, low}`: texts with a ratio under 4.5 (3 where they are large), each with its colours. */
export function contrasts() {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const known = new Map();
  const rgba = (color) => {
    if (!known.has(color)) {
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = color;
      context.fillRect(0, 0, 1, 1);
      known.set(color, [...context.getImageData(0, 0, 1, 1).data].map((one, at) => (at === 3 ? one / 255 : one)));
    }
    return known.get(color);
  };
  const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3]));
  const ground = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      const color = rgba(getComputedStyle(one).backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 1) break;
    }
    return layers.reduceRight((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = (color) => {
    const [r, g, b] = color.map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const low = [];
  let count = 0;
  for (const element of document.querySelectorAll('body *')) {
    if (element.closest('.hidden, .skip, [hidden], noscript, option, dialog:not([open])')) continue;
    if (![...element.childNodes].some((one) => one.nodeType === 3 && one.data.trim())) continue;
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const style = getComputedStyle(element);
    if (style.fontSize === '0px' || style.visibility === 'hidden') continue;
    count += 1;
    const below = ground(element);
    const front = over(rgba(element.closest('svg') ? style.fill : style.color), below);
    const [a, b] = [light(front), light(below)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < needed) low.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className.baseVal ?? element.className}: ${element.textContent.trim().slice(0, 40)}`);
  }
  return { count, low: low.slice(0, 8) };
}
