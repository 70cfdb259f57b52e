import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { OverloadFigures } from './figures';
import { measureGatewayCpu } from './measure-gateway-cpu';
import { measureLoad } from './measure-load';
import { measureOverload } from './measure-overload';
import { measureSoak } from './measure-soak';
import { gatewayCpuLines, loadLines, overloadLines, soakLines } from './report';

/*
 * The local stack under load: `node --import tsx test/bench/load/main.ts [--soak MINUTES] [--json]`.
 * Rising load, then four times what the knee took, then the CPU time of one request; with `--soak` half of the knee for as long.
 */

const OVERLOAD = 4;

async function main(): Promise<void> {
  // The SDK's notice that it will want Node 22 some day says nothing of these figures.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const { values } = parseArgs({ options: { soak: { type: 'string' }, json: { type: 'boolean', default: false } } });
  const minutes = values.soak === undefined ? undefined : Number(values.soak);
  if (minutes !== undefined && !(minutes >= 0.5)) throw new Error('--soak takes minutes, at least 0.5');
  const say = (lines: string[]) => {
    if (!values.json) console.log(`${lines.join('\n')}\n`);
  };
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model.trim() ?? '',
    node: process.version,
    loadAverage: loadavg()[0] ?? 0,
  };
  say([`${machine.cpus} × ${machine.model}, Node ${machine.node}, load average ${machine.loadAverage.toFixed(1)}`]);

  const load = await measureLoad();
  say(loadLines(load));
  const knee = { webhooks: load.webhooks.knee.requestsPerSecond, sessions: load.sessions.knee.requestsPerSecond };
  const times = (factor: number) => ({
    webhooks: Math.ceil(knee.webhooks * factor),
    sessions: Math.ceil(knee.sessions * factor),
  });
  const overload: OverloadFigures[] = [];
  for (const throttles of ['template', 'lifted'] as const) {
    const figures = await measureOverload({ throttles, perSecond: times(OVERLOAD) });
    overload.push(figures);
    say(overloadLines(figures));
  }
  const gatewayCpu = await measureGatewayCpu();
  say(gatewayCpuLines(gatewayCpu));
  // Half of the knee for both kinds together.
  const soak = minutes === undefined ? undefined : await measureSoak({ minutes, perSecond: times(0.25) });
  if (soak) say(soakLines(soak));
  if (values.json) console.log(JSON.stringify({ machine, load, overload, gatewayCpu, soak }, null, 2));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
