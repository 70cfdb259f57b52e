import type { Rise } from './load/figures';
import { measureLoad } from './load/measure-load';
import { ownNode } from './node-versions';
import type { Row } from './report';

/** How much the local stack serves while the load rises, at the step named its knee. The whole story: `test/bench/load/main.ts`. */
export async function measureUnderLoad(say: (line: string) => void): Promise<Row[]> {
  say('the local stack under rising load');
  const { webhooks, sessions } = await measureLoad();
  return [...rowsOf('webhooks', webhooks), ...rowsOf('sessions opened', sessions)];
}

function rowsOf(what: string, { knee, steps }: Rise): Row[] {
  const row = (said: string, figure: number, unit: string, limit?: number): Row => ({
    target: 9,
    what: `under load, ${what}: ${said}`,
    figure,
    unit,
    node: ownNode.version,
    ...(limit !== undefined && { limit }),
  });
  return [
    row(`at the knee, ${knee.connections} connections`, knee.requestsPerSecond, 'requests/s'),
    row('half of them within', knee.p50Ms, 'ms'),
    row('99 % of them within', knee.p99Ms, 'ms'),
    row(
      'errors at any step',
      steps.reduce((sum, { errors }) => sum + errors, 0),
      '',
      0,
    ),
  ];
}
