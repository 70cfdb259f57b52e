import { type Build, defaultBuilds, ourBuilds, usualBuilds, variantBuilds } from './builds';
import { againstBare, bare, median, medianQuotient, readyProgram } from './cpu';
import { environment } from './environment';
import type { NodeVersion } from './node-versions';
import type { LadderStep, Row } from './report';

export type Cold = { readonly rows: Row[]; readonly ladder: LadderStep[] };

/** The function that leads the ladder: it takes the most requests. */
const SHOWN = 'receive-webhook';
/** What no request starts. */
const SCHEDULED: readonly string[] = ['sweep-stale', 'reconcile'];

/**
 * What a cold start loads (target 1) and what it computes until the handler is ready (targets 2 and 3). The function that takes
 * the most requests, the smallest and the largest are built a second time by esbuild's defaults.
 */
export function measureCold(nodes: readonly NodeVersion[], rounds: number, say: (line: string) => void): Cold {
  say('bundles');
  const { all, withDynamoDb } = ourBuilds();
  const variants = variantBuilds();
  const bySize = withDynamoDb.toSorted((a, b) => a.kib - b.kib).map(({ name }) => name);
  const compared = [...new Set([SHOWN, bySize.at(0) ?? SHOWN, bySize.at(-1) ?? SHOWN])];
  const defaults = defaultBuilds(compared);
  const usual = usualBuilds();
  const variant = (name: string): Build => {
    const found = variants.find(each => each.name === name);
    if (!found) throw new Error(`there is no variant ${name}`);
    return found;
  };
  const signedOnly = variant('signed-only');
  const others = all.filter(each => !withDynamoDb.includes(each));

  const rows: Row[] = [
    ...sizeRows(withDynamoDb, 'largest function with DynamoDB', { kib: 225, gzipKib: 72 }),
    ...sizeRows([signedOnly], 'a function without the SDK', { kib: 12 }),
    ...others.flatMap(build => sizeRows([build], build.name, {})),
  ];
  const ladder: LadderStep[] = [];

  for (const node of nodes) {
    say(`CPU until ready on Node ${node.version}, ${rounds} rounds`);
    const programs = [
      ...['empty', 'node-modules', 'hand-signed', 'aws-clients', 'signed-only'].map(name =>
        readyProgram(name, variant(name).file),
      ),
      ...all.map(({ name, file }) => readyProgram(name, file, SCHEDULED.includes(name))),
      ...defaults.map(({ name, file }) => readyProgram(`${name} by defaults`, file)),
      ...usual.flatMap(({ name, unbundled, bundled }) => [
        readyProgram(`usual ${name} in one file`, bundled.file),
        readyProgram(`usual ${name}`, unbundled),
      ]),
    ];
    const measured = againstBare(node, programs, rounds, environment);
    const ratio = (name: string) => median(measured(name).ratios);
    const row = (target: number, what: string, figure: number, unit: string, limit?: number): Row => ({
      target,
      what,
      figure,
      unit,
      node: node.version,
      ...(limit !== undefined && { limit }),
    });

    const slowest = highest(withDynamoDb.map(({ name }) => ({ name, figure: ratio(name) })));
    const least = highest(
      compared.map(name => ({
        name,
        figure: medianQuotient(measured(name).ratios, measured(`${name} by defaults`).ratios),
      })),
    );
    rows.push(
      row(2, `slowest function with DynamoDB until ready (${slowest.name}) ÷ bare node`, slowest.figure, '×', 2.75),
      row(2, 'a function without the SDK ÷ bare node', ratio('signed-only'), '×', 1.8),
      row(2, 'bare node', median(measured(bare.name).ms), 'ms CPU'),
      ...others.map(({ name }) => row(2, `${name} ÷ bare node`, ratio(name), '×')),
      row(3, `least gain over esbuild's defaults (${least.name})`, least.figure, '×', 0.7),
    );

    const steps: [string, number | undefined, number][] = [
      ['nothing but a handler', variant('empty').kib, ratio('empty')],
      ['node:https and node:crypto', variant('node-modules').kib, ratio('node-modules')],
      ['a DynamoDB call signed by hand', variant('hand-signed').kib, ratio('hand-signed')],
      ['the two AWS clients, built as here', variant('aws-clients').kib, ratio('aws-clients')],
      [`${SHOWN}, as deployed`, sizeOf(all, SHOWN), ratio(SHOWN)],
      [`${SHOWN} by esbuild's defaults`, sizeOf(defaults, SHOWN), ratio(`${SHOWN} by defaults`)],
      ...usual.flatMap(({ name, bundled }): [string, number | undefined, number][] => [
        [`usual ${name}, esbuild's defaults`, bundled.kib, ratio(`usual ${name} in one file`)],
        [`usual ${name}, not bundled`, undefined, ratio(`usual ${name}`)],
      ]),
    ];
    ladder.push(...steps.map(([name, kib, figure]) => ({ name, node: node.version, kib, ratio: figure })));
  }
  rows.push(
    ...ladder.map(({ name, node, ratio }) => ({ target: 2, what: `ladder: ${name}`, figure: ratio, unit: '×', node })),
  );
  return { rows, ladder };
}

/** The largest of them, by name where there are several. */
function sizeRows(builds: readonly Build[], what: string, limits: { kib?: number; gzipKib?: number }): Row[] {
  const row = (figures: { name: string; figure: number }[], unit: string, limit: number | undefined): Row => {
    const { name, figure } = highest(figures);
    const said = builds.length > 1 ? `${what} (${name})` : what;
    return { target: 1, what: said, figure, unit, node: '', ...limitOf(limit) };
  };
  return [
    row(
      builds.map(({ name, kib }) => ({ name, figure: kib })),
      'KiB',
      limits.kib,
    ),
    row(
      builds.map(({ name, gzipKib }) => ({ name, figure: gzipKib })),
      'KiB gz',
      limits.gzipKib,
    ),
  ];
}

const limitOf = (limit: number | undefined) => (limit === undefined ? {} : { limit });

function highest<F extends { figure: number }>(figures: readonly F[]): F {
  const [first, ...rest] = figures;
  if (!first) throw new Error('nothing was measured');
  return rest.reduce((most, each) => (each.figure > most.figure ? each : most), first);
}

function sizeOf(builds: readonly Build[], name: string): number | undefined {
  return builds.find(build => build.name === name)?.kib;
}
