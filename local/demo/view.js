/**
 * Creates and replaces parts of the page. Strings become text nodes; nothing is parsed as markup.
 *
 * @typedef {Node | string | false | undefined | null | Child[]} Child
 */

/**
 * Creates an element. Functions named `on…` become listeners, `true` an empty attribute; `false` and undefined are omitted.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | boolean | undefined | ((event: Event) => void)>} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') {
      element.addEventListener(name.slice(2), value);
    } else if (value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  append(element, children);
  return element;
}

/**
 * @param {Element} parent
 * @param {Child[]} children
 */
function append(parent, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(parent, child);
    else if (child instanceof Node) parent.append(child);
    else if (typeof child === 'string') parent.append(document.createTextNode(child));
  }
}

const svgNamespace = 'http://www.w3.org/2000/svg';

/** Stroke paths on a 24 by 24 grid. */
const strokes = {
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  cross: ['M7 7l10 10M17 7L7 17'],
  clock: ['M12 7v5l3.2 2', 'M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17'],
  alert: ['M12 8v5', 'M12 16.4v.1', 'M12 3.8L21 19.6H3z'],
  off: ['M6 12h12', 'M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17'],
  arrow: ['M5 12h13M12.5 6.5L18 12l-5.5 5.5'],
  phone: [
    'M8 3.5h8a1.5 1.5 0 0 1 1.5 1.5v14a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 19V5A1.5 1.5 0 0 1 8 3.5',
    'M11 17.5h2',
  ],
  watch: ['M8 8h8v8H8z', 'M9.5 8l.6-4h3.8l.6 4M9.5 16l.6 4h3.8l.6-4'],
};

/** @typedef {keyof typeof strokes} IconName */

/**
 * @param {IconName} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(svgNamespace, 'svg');
  for (const [key, value] of Object.entries({ viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true' })) {
    svg.setAttribute(key, value);
  }
  for (const stroke of strokes[name]) {
    const path = document.createElementNS(svgNamespace, 'path');
    path.setAttribute('d', stroke);
    svg.append(path);
  }
  return svg;
}

/**
 * Creates a provider's mark: its initials on a color derived from its id. No image is loaded.
 *
 * @param {string} id
 * @param {string} name
 * @returns {HTMLElement}
 */
export function emblem(id, name) {
  const hue = id.split('').reduce((sum, character) => (sum * 137 + character.charCodeAt(0)) % 360, 11);
  const words = name.split(' ').filter(word => word !== '');
  const initials = words.length > 1 ? words.map(word => word[0]).join('') : name;
  const mark = el('span', { class: 'emblem', 'aria-hidden': 'true' }, initials.slice(0, 2));
  mark.style.setProperty('--hue', String(hue));
  return mark;
}

/**
 * @param {import('./types.js').Tone} tone
 * @param {string} label
 * @returns {HTMLElement}
 */
export function badge(tone, label) {
  return el('span', { class: `badge ${tone}` }, icon(toneIcons[tone]), label);
}

/**
 * Creates a button. While `busy`, it is announced as disabled but keeps the focus.
 *
 * @param {string} key Identifies the button when its part of the page is rebuilt.
 * @param {() => void} onclick
 * @param {{ class?: string, busy?: boolean, label?: string }} options
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function button(key, onclick, { class: className, busy = false, label }, ...children) {
  return el(
    'button',
    {
      type: 'button',
      class: className,
      'aria-disabled': busy && 'true',
      'aria-label': label,
      'data-key': key,
      onclick,
    },
    children,
  );
}

/**
 * Creates a colored box with a title, a text and optional controls.
 *
 * @param {import('./types.js').Words} words
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function notice({ tone, title, text }, ...children) {
  return el(
    'div',
    { class: `notice ${tone}` },
    el('div', { class: 'grow' }, el('b', {}, title), el('p', {}, text), children),
  );
}

/**
 * Creates content that is hidden until its title is clicked.
 *
 * @param {string} key
 * @param {string} title
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function fold(key, title, ...children) {
  return el(
    'details',
    { class: 'fold', 'data-key': key },
    el('summary', { 'data-key': `${key} summary` }, title),
    children,
  );
}

/** @type {Record<import('./types.js').Tone, IconName>} */
export const toneIcons = { good: 'check', wait: 'clock', warn: 'alert', bad: 'cross', off: 'off' };

/** @type {WeakMap<Element, string>} */
const shown = new WeakMap();

/**
 * Rebuilds the content of `region` if `facts`, everything it is built from, changed. Focus, scroll positions and open
 * `details` are kept for elements with a `data-key`.
 *
 * @param {HTMLElement} region
 * @param {unknown} facts
 * @param {() => Child} build
 */
export function show(region, facts, build) {
  const json = JSON.stringify(facts) ?? '';
  if (shown.get(region) === json) return;
  shown.set(region, json);
  const focused = keyOf(region.contains(document.activeElement) ? document.activeElement : null);
  const open = new Set([...region.querySelectorAll('details[open][data-key]')].map(keyOf));
  const scrolled = [...region.querySelectorAll('[data-key]')].filter(({ scrollTop }) => scrollTop > 0);
  const heights = scrolled.map(element => ({ key: keyOf(element), top: element.scrollTop }));
  region.replaceChildren();
  append(region, [build()]);
  for (const details of region.querySelectorAll('details[data-key]')) {
    if (details instanceof HTMLDetailsElement && open.has(keyOf(details))) details.open = true;
  }
  for (const { key, top } of heights) withKey(region, key)?.scrollTo({ top });
  if (focused !== undefined) focusOn(withKey(region, focused) ?? region);
}

/**
 * Moves the focus to an element. If the focused element is gone, its region gets the focus, so that keyboard users keep their
 * place.
 *
 * @param {HTMLElement} element
 */
function focusOn(element) {
  if (element.tabIndex < 0) element.tabIndex = -1;
  element.focus({ preventScroll: true });
}

/**
 * @param {Element} region
 * @param {string | undefined} key
 * @returns {HTMLElement | undefined}
 */
function withKey(region, key) {
  const found = key === undefined ? null : region.querySelector(`[data-key="${CSS.escape(key)}"]`);
  return found instanceof HTMLElement ? found : undefined;
}

/**
 * @param {Element | null} element
 * @returns {string | undefined}
 */
function keyOf(element) {
  return element instanceof HTMLElement ? element.dataset.key : undefined;
}

/**
 * Returns the element of the page with this id.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element;
}

/**
 * Scrolls a part of the page into view and focuses it.
 *
 * @param {string} id
 */
export function goTo(id) {
  const target = byId(id);
  target.scrollIntoView({ behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  target.focus({ preventScroll: true });
}
