import { type CostLine, usdPerMillionFlows } from './cost';

const WIDTH = 760;
const ROW = 30;
const TOP = 56;
const LABELS = 260;
const VALUES = 70;

/** Where the money of a million flows goes: a bar each, the longest first. */
export function costChart(lines: readonly CostLine[]): string {
  const shown = lines.filter(line => usdPerMillionFlows(line) >= 0.005);
  const most = Math.max(...shown.map(usdPerMillionFlows));
  const total = lines.reduce((usd, line) => usd + usdPerMillionFlows(line), 0);
  const height = TOP + shown.length * ROW + 16;
  const bars = shown.map((line, at) => {
    const usd = usdPerMillionFlows(line);
    const width = Math.max(2, Math.round((usd / most) * (WIDTH - LABELS - VALUES - 24)));
    const [top, middle] = [TOP + at * ROW, TOP + at * ROW + ROW / 2];
    return [
      `<text class="ink" x="${LABELS - 10}" y="${middle}" text-anchor="end" dominant-baseline="central">${escaped(line.what)}</text>`,
      `<rect class="bar" x="${LABELS}" y="${top + 5}" width="${width}" height="${ROW - 10}" rx="3"/>`,
      `<text class="ink" x="${LABELS + width + 8}" y="${middle}" dominant-baseline="central">$${usd.toFixed(2)}</text>`,
    ].join('\n  ');
  });
  const title = `A million people connecting through the widget: $${total.toFixed(2)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${title}">
  <style>
    text { font: 14px system-ui, sans-serif; }
    .title { font-weight: 600; font-size: 16px; }
    .paper { fill: #fff; } .ink { fill: #1f2933; } .bar { fill: #2f6f8f; }
    @media (prefers-color-scheme: dark) { .paper { fill: #10171d; } .ink { fill: #e6edf3; } .bar { fill: #5aa9cf; } }
  </style>
  <rect class="paper" width="100%" height="100%" rx="6"/>
  <text class="ink title" x="20" y="32">${title}</text>
  ${bars.join('\n  ')}
</svg>
`;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
