import type { LadderStep } from './report';

const WIDTH = 760;
const ROW = 44;
const BAR = 13;
const TOP = 84;
const LABELS = 290;
const VALUES = 56;

/** How much longer than a bare Node each step of the ladder computes until it is ready: for every Node a bar. */
export function ladderChart(ladder: readonly LadderStep[]): string {
  const nodes = [...new Set(ladder.map(({ node }) => node))];
  const names = [...new Set(ladder.map(({ name }) => name))];
  const most = Math.max(...ladder.map(({ ratio }) => ratio));
  const barRoom = WIDTH - LABELS - VALUES - 24;
  const height = TOP + names.length * ROW + 12;

  const rows = names.map((name, at) => {
    const steps = ladder.filter(step => step.name === name);
    const top = TOP + at * ROW;
    const middle = top + ROW / 2;
    const kib = steps[0]?.kib;
    const size = kib === undefined ? 'from node_modules' : `${kib < 10 ? kib.toFixed(1) : Math.round(kib)} KiB`;
    const bars = steps.map(({ node, ratio }) => {
      const nth = nodes.indexOf(node);
      const y = middle + (nth - nodes.length / 2) * BAR;
      const width = Math.max(2, Math.round((ratio / most) * barRoom));
      return [
        `<rect class="node${nth}" x="${LABELS}" y="${y + 1}" width="${width}" height="${BAR - 2}" rx="2"/>`,
        `<text class="ink small" x="${LABELS + width + 6}" y="${y + BAR / 2}" dominant-baseline="central">${ratio.toFixed(ratio < 10 ? 2 : 1)}</text>`,
      ].join('\n  ');
    });
    return [
      `<text class="ink" x="${LABELS - 12}" y="${middle - 8}" text-anchor="end" dominant-baseline="central">${escaped(name)}</text>`,
      `<text class="quiet small" x="${LABELS - 12}" y="${middle + 9}" text-anchor="end" dominant-baseline="central">${size}</text>`,
      ...bars,
    ].join('\n  ');
  });
  const legend = nodes.map(
    (node, nth) =>
      `<rect class="node${nth}" x="${20 + nth * 130}" y="52" width="12" height="12" rx="2"/>` +
      `<text class="ink small" x="${38 + nth * 130}" y="58" dominant-baseline="central">Node ${node}</text>`,
  );
  const title = 'CPU until the handler is ready, as a multiple of a bare Node';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${title}">
  <style>
    text { font: 14px system-ui, sans-serif; }
    .small { font-size: 12px; }
    .title { font-weight: 600; font-size: 16px; }
    .paper { fill: #fff; } .ink { fill: #1f2933; } .quiet { fill: #5b6770; }
    .node0 { fill: #9db8c7; } .node1 { fill: #2f6f8f; } .node2 { fill: #143a52; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #10171d; } .ink { fill: #e6edf3; } .quiet { fill: #9aa7b1; }
      .node0 { fill: #3d5a6c; } .node1 { fill: #5aa9cf; } .node2 { fill: #b7e0f5; }
    }
  </style>
  <rect class="paper" width="100%" height="100%" rx="6"/>
  <text class="ink title" x="20" y="32">${title}</text>
  ${legend.join('\n  ')}
  ${rows.join('\n  ')}
</svg>
`;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
