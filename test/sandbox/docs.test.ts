import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isScenarioName, scenarioGroups } from '../../local/sandbox/scenarios';
import { sendable } from '../../local/sandbox/send-now';

const document = readFileSync(join(__dirname, '../../docs/sandbox.md'), 'utf8');

test('the page lists every declared scenario, and no other', () => {
  const declared = Object.values(scenarioGroups)
    .flat()
    .map(({ name, imitates, source }) => `| \`${name}\` | ${imitates} | ${source} |`);
  const [, section = ''] = /^## Scenarios$(.*)^## Left out$/ms.exec(document) ?? [];
  const listed = section.split('\n').filter(line => /^\| `[\w-]+` \| .* \| .* \|$/.test(line));

  expect(listed).toEqual(declared);
});

test('the page names every event type that can be sent', () => {
  for (const { name } of sendable()) expect(document).toContain(`\`${name}\``);
});

test('the recommended scenarios exist', () => {
  const [, section = ''] = /^## Scenarios to try first$(.*?)^## /ms.exec(document) ?? [];
  const named = section.split('\n').flatMap(line => /^\| (`.*?) \|/.exec(line)?.[1]?.match(/(?<=`)[\w-]+(?=`)/g) ?? []);

  expect(named.length).toBeGreaterThanOrEqual(10);
  expect(named.filter(name => !isScenarioName(name))).toEqual([]);
});

test('the example for other projects passes as printed, in an empty folder', async () => {
  const [, example = ''] = /^```js\n(.*?)^```$/ms.exec(document) ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-example-'));
  const [terra, app] = await freePorts(2);
  writeFileSync(join(folder, 'sandbox.test.mjs'), example.replaceAll('4101', `${terra}`).replaceAll('4102', `${app}`));
  try {
    const env = { ...process.env, TERRA_CONNECT: join(__dirname, '../..'), NODE_OPTIONS: '' };
    const { stdout } = await promisify(execFile)('node', ['--test', '--test-reporter=tap'], { cwd: folder, env });

    expect(stdout).toMatch(/^# pass 1$/m);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Ports that are free at the moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(server => once(server, 'listening')));
  const ports = servers.map(server => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(server => promisify(server.close.bind(server))()));
  return ports;
}
