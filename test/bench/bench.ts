import { cpus } from 'node:os';
import { BenchError } from './bench-error';
import { measureCold } from './cold';
import { measureCounted } from './counted';
import { measureLocalStack } from './local-stack';
import { nodesOf } from './node-versions';
import { readOptions } from './options';
import { holds, type Report, type Row, reportTable } from './report';
import { measureUnderLoad } from './under-load';
import { measureWarm } from './warm';

/*
 * Measures every target of `docs/performance.md` in one run. The exit status says whether the gates hold: 0 all, 1 not all,
 * 2 something could not be measured.
 */

async function bench(): Promise<boolean> {
  // The SDK's notice that it will want a newer Node some day says nothing of these figures.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const { json, majors, rounds, wanted } = readOptions(process.argv.slice(2));
  const nodes = nodesOf(majors);
  const say = (line: string) => void process.stderr.write(`… ${line}\n`);

  const rows: Row[] = [];
  const cold = wanted.has('cold') ? measureCold(nodes, rounds, say) : undefined;
  if (cold) rows.push(...cold.rows);
  if (wanted.has('warm')) rows.push(...(await measureWarm(nodes, rounds, say)));
  if (wanted.has('counted')) rows.push(...(await measureCounted(say)));
  if (wanted.has('local')) rows.push(...(await measureLocalStack(rounds, say)));
  if (wanted.has('load')) rows.push(...(await measureUnderLoad(say)));

  const report: Report = {
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      platform: `${process.platform} ${process.arch}`,
    },
    measuredAt: new Date().toISOString(),
    rounds,
    rows,
    ladder: cold?.ladder ?? [],
  };
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : reportTable(report));
  return rows.every(holds);
}

bench().then(
  isHeld => {
    process.exitCode = isHeld ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof BenchError ? error.message : error);
    process.exitCode = 2;
  },
);
