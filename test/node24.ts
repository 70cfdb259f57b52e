import { spawnSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { nodesOf } from './bench/node-versions';

/** The functions' own suites, and one flow through all of them as processes of the local stack. */
const suites = ['test/functions/', 'test/core/', 'test/flow.test.ts'];

// The deployed functions run on Node 24; `npm test` runs on the Node of the machine.
const [node] = nodesOf(['24']);
if (!node) throw new Error('There is no Node 24');
console.log(`Node ${node.version}`);
const PATH = `${dirname(node.path)}${delimiter}${process.env.PATH ?? ''}`;
const { status } = spawnSync(node.path, [require.resolve('jest/bin/jest'), ...suites], {
  stdio: 'inherit',
  env: { ...process.env, PATH },
});
process.exit(status ?? 1);
