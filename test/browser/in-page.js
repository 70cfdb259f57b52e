/**
 * Runs in the page. Looks it over as a careful reader would, and says what is wrong with it, a sentence each.
 *
 * Sources: WCAG 2.2, 1.4.3 (contrast), 1.4.10 (reflow), 2.4.2 (title), 2.5.8 (target size), 3.1.1 (language).
 *
 * @returns {string[]}
 */
// Called by the text that look-over.ts appends.
// oxlint-disable-next-line no-unused-vars
function flawsOfThisPage() {
  const SMALLEST_TARGET_PX = 24;
  const { documentElement: root } = document;
  const painter = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });

  /** @typedef {[red: number, green: number, blue: number]} Colour */

  /**
   * A colour in numbers, whatever way it is written, and how much it covers of what is behind.
   *
   * @param {string} written
   * @returns {{ colour: Colour, alpha: number }}
   */
  function numbersOf(written) {
    if (!painter) throw new Error('there is no canvas to mix colours on');
    painter.clearRect(0, 0, 1, 1);
    painter.fillStyle = written;
    painter.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0, alpha = 0] = painter.getImageData(0, 0, 1, 1).data;
    return { colour: [red, green, blue], alpha: alpha / 255 };
  }

  /** @param {Element} element */
  function opacityOf(element) {
    let opacity = 1;
    for (let at = /** @type {Element | null} */ (element); at; at = at.parentElement) {
      opacity *= Number(getComputedStyle(at).opacity);
    }
    return opacity;
  }

  /**
   * @param {Colour} behind
   * @param {Colour} front
   * @param {number} alpha
   * @returns {Colour}
   */
  function laidOver(behind, front, alpha) {
    const mix = (/** @type {0 | 1 | 2} */ part) => front[part] * alpha + behind[part] * (1 - alpha);
    return [mix(0), mix(1), mix(2)];
  }

  /**
   * The colour behind an element's text; undefined where a picture is.
   *
   * @param {Element} element
   * @returns {Colour | undefined}
   */
  function groundOf(element) {
    const layers = [];
    for (let at = /** @type {Element | null} */ (element); at; at = at.parentElement) {
      const { backgroundColor, backgroundImage } = getComputedStyle(at);
      if (backgroundImage !== 'none') return undefined;
      const { colour, alpha } = numbersOf(backgroundColor);
      layers.push({ colour, alpha: alpha * opacityOf(at) });
    }
    const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
    /** @type {Colour} */
    const canvas = isDark ? [18, 18, 18] : [255, 255, 255];
    return layers.reduceRight((behind, { colour, alpha }) => laidOver(behind, colour, alpha), canvas);
  }

  /** @param {Colour} colour */
  function luminanceOf([red, green, blue]) {
    const linear = (/** @type {number} */ part) =>
      part <= 0.04045 * 255 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4;
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  }

  /**
   * @param {Element} element
   * @param {string} written
   */
  function contrastOf(element, written) {
    const ground = groundOf(element);
    if (!ground) return Number.POSITIVE_INFINITY;
    const { colour, alpha } = numbersOf(written);
    const ink = laidOver(ground, colour, alpha * opacityOf(element));
    const [darker = 0, lighter = 0] = [luminanceOf(ground), luminanceOf(ink)].sort((a, b) => a - b);
    return (lighter + 0.05) / (darker + 0.05);
  }

  /** @param {Element} element */
  function isSeen(element) {
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1 && element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  }

  /** @param {Element} element */
  const isExempt = element => element.closest('[aria-hidden="true"], :disabled, [aria-disabled="true"]') !== null;

  /** @param {Element} element */
  const saying = element =>
    `${element.tagName.toLowerCase()} “${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}”`;

  /**
   * @param {Element} element
   * @param {string} colour
   */
  function faintness(element, colour) {
    const { fontSize, fontWeight } = getComputedStyle(element);
    const size = Number.parseFloat(fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700);
    const contrast = contrastOf(element, colour);
    return contrast < (isLarge ? 3 : 4.5) ? [`contrast ${contrast.toFixed(2)}: ${saying(element)}`] : [];
  }

  function faintTexts() {
    const found = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { parentElement, textContent } = walker.currentNode;
      if (!parentElement || textContent?.trim() === '' || parentElement.closest('script, style, noscript')) continue;
      if (isSeen(parentElement) && !isExempt(parentElement)) found.add(parentElement);
    }
    const placeholders = [...document.querySelectorAll('input[placeholder]')].filter(input => isSeen(input));
    return [
      ...[...found].flatMap(element => faintness(element, getComputedStyle(element).color)),
      ...placeholders.flatMap(input => faintness(input, getComputedStyle(input, '::placeholder').color)),
    ];
  }

  /** What can be pressed, with the label that presses it. @param {Element} control */
  function targetOf(control) {
    const labels = control instanceof HTMLInputElement ? [...(control.labels ?? [])] : [];
    const boxes = [control, ...labels].map(element => element.getBoundingClientRect());
    return {
      width: Math.max(...boxes.map(({ width }) => width)),
      height: Math.max(...boxes.map(({ height }) => height)),
    };
  }

  function controls() {
    const selector =
      'a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=switch]';
    return [...document.querySelectorAll(selector)].filter(isSeen);
  }

  function smallTargets() {
    // Half a pixel is a matter of rounding.
    return controls().flatMap(control => {
      const { width, height } = targetOf(control);
      return Math.min(width, height) < SMALLEST_TARGET_PX - 0.5
        ? [`a target of ${width.toFixed(0)} × ${height.toFixed(0)} px: ${saying(control)}`]
        : [];
    });
  }

  const sideways = root.scrollWidth - root.clientWidth;
  const headings = [...document.querySelectorAll('h1')].filter(heading => heading.checkVisibility()).length;
  return [
    ...(/^[a-z]{2,3}(-[A-Za-z0-9]+)*$/.test(root.lang) ? [] : [`the language is “${root.lang}”`]),
    ...(document.title.trim() === '' ? ['there is no title'] : []),
    ...(headings === 1 ? [] : [`there are ${headings} main headings`]),
    ...(document.querySelectorAll('main').length === 1 ? [] : ['there is not one main part']),
    ...(sideways > 0 ? [`it scrolls sideways by ${sideways} px`] : []),
    ...smallTargets(),
    ...faintTexts(),
  ];
}
