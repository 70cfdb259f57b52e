import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ladderChart } from './chart';
import { type Report, type Row, rounded } from './report';

/*
 * Writes what a run of the bench measured into `docs/performance.md` and its chart:
 * `npm run --silent bench -- --json --node 20,22,24 > report.json; node --import tsx test/bench/write.ts report.json`.
 */

const docs = join(__dirname, '../../docs');
const PAGE = join(docs, 'performance.md');
const CHART = join(docs, 'cold-start.svg');

/** Which targets' rows each table of the page has. */
const tables = { cold: [1, 2, 3], warm: [4, 5, 9, 11] } as const;

function write(file: string): void {
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  let page = readFileSync(PAGE, 'utf8');
  for (const [name, targets] of Object.entries(tables)) {
    const rows = report.rows.filter(
      ({ target, what }) => targets.some(each => each === target) && !what.startsWith('ladder'),
    );
    page = between(page, name, `${table(rows)}\n\n${where(report)}`);
  }
  writeFileSync(PAGE, page);
  writeFileSync(CHART, ladderChart(report.ladder));
}

/** The page with what stands between a table's markers replaced. */
function between(page: string, name: string, text: string): string {
  const [from, to] = [`<!-- measured: ${name} -->`, '<!-- end -->'];
  const start = page.indexOf(from);
  const end = page.indexOf(to, start);
  if (start < 0 || end < 0) throw new Error(`docs/performance.md has no ${from} … ${to}`);
  return `${page.slice(0, start + from.length)}\n\n${text}\n\n${page.slice(end)}`;
}

/** A line for each figure, a column for each Node; sizes are the same on all of them. */
function table(rows: readonly Row[]): string {
  const nodes = [...new Set(rows.map(({ node }) => node))].filter(node => node !== '');
  const names = [...new Set(rows.map(nameOf))];
  const lines = names.map(name => {
    const same = rows.filter(row => nameOf(row) === name);
    const [first] = same;
    const at = (node: string) => same.find(row => row.node === node || row.node === '');
    const figures = nodes.map(node => {
      const row = at(node);
      return row ? rounded(row.figure) : '';
    });
    return [first?.target, name, ...figures, first?.limit === undefined ? '' : `≤ ${first.limit}`];
  });
  const head = ['#', 'figure', ...nodes.map(node => `Node ${node}`), 'gate'];
  return [head, head.map((_, at) => (at < 2 ? '---' : '--:')), ...lines]
    .map(cells => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** Without the function that a figure was the worst of, which may differ from Node to Node. */
const nameOf = ({ what, unit }: Row): string =>
  `${what.replace(/ \([\w-]+\)/, '')}${unit === '' || unit === '×' ? '' : `, ${unit}`}`;

function where({ machine, measuredAt, rounds }: Report): string {
  return `Medians of ${rounds} rounds on ${machine.cores} cores of ${machine.cpu}, ${machine.platform}, on ${measuredAt.slice(0, 10)}.`;
}

const [, , file] = process.argv;
if (file === undefined) {
  console.error('Say which file: node --import tsx test/bench/write.ts report.json');
  process.exitCode = 2;
} else {
  write(file);
}
