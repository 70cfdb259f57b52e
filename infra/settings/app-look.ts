import type { AppLook } from '../../functions/core/http/page';

/** Minimum contrast between a button and the page: WCAG 2.2, criterion 1.4.11. */
export const BUTTON_CONTRAST = 3;

/** Adds to each colour black or white for text, whichever has more contrast; that is always at least 4.58:1. */
export function appLook({ name, accent, background }: AppColours): AppLook {
  return {
    name,
    ...(accent !== undefined && { accent: { color: accent, text: textOn(accent) } }),
    ...(background !== undefined && { background: { color: background, text: textOn(background) } }),
  };
}

type AppColours = { name: string; accent?: string | undefined; background?: string | undefined };

/** Returns the contrast of two colours `#rrggbb`, from 1 to 21. Source: WCAG 2.2, "contrast ratio". */
export function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

const textOn = (color: string): string =>
  contrast(color, '#000000') > contrast(color, '#ffffff') ? '#000000' : '#ffffff';

/** Source: WCAG 2.2, "relative luminance". */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map(start => {
    const share = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
