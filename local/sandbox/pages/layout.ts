import { styles } from './styles';

/** Escapes `text` for use in markup and attributes. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
}

/**
 * Renders a complete page with inline styles and no external resources. Its footer says that the page is not Terra's.
 */
export function layout(title: string, main: string, { wide = false, language = 'en' } = {}): string {
  return `<!doctype html>
<html lang="${escape(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${styles}</style>
</head>
<body class="${wide ? 'wide' : 'narrow'}">
${main}
<footer><span class="label">Terra sandbox</span> This is a test page: it is not Terra or a provider, and all data is fictitious.</footer>
</body>
</html>`;
}

/** Renders a provider's initials on a colored background. */
export function emblem(id: string, name: string): string {
  return `<span class="emblem" style="--hue:${hueOf(id)}" aria-hidden="true">${escape(initials(name))}</span>`;
}

/** Renders the same as an SVG image, for the icon links of integrations/detailed. */
export function emblemSvg(id: string, name: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="18" fill="hsl(${hueOf(id)} 45% 38%)"/><text x="32" y="41" font-family="system-ui,sans-serif" font-size="25" font-weight="600" fill="#fff" text-anchor="middle">${escape(initials(name))}</text></svg>`;
}

function initials(name: string): string {
  const words = name.split(' ');
  return (words.length > 1 ? words.map(word => word[0] ?? '').join('') : name.slice(0, 2)).slice(0, 2);
}

function hueOf(id: string): number {
  return id.split('').reduce((sum, character) => (sum * 137 + character.charCodeAt(0)) % 360, 11);
}
