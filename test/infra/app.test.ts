import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesise } from '../../infra/synthesise';
import settings from '../../local/settings.json';

const project = join(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'terra-connect-app-'));

afterAll(() => rmSync(folder, { recursive: true }));

test('as shipped, synthesis stops and names the three required settings', () => {
  const { status, stderr, stdout } = cdkRuns(shipped());

  expect(status).toBe(1);
  expect(stderr.split('\n')[0]).toBe(
    'These settings are required: terraConnect.issuer, terraConnect.audience, terraConnect.returnTargets. For example, in the context of cdk.json:',
  );
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stdout).toBe('');
});

test('with the development settings it writes the template that the local stack and these tests use', () => {
  const { status, stderr } = cdkRuns({ ...shipped(), settings: 'local/settings.json' });
  const { templateFile } = synthesise({ settings, outdir: join(folder, 'here') });

  expect(stderr).toBe('');
  expect(status).toBe(0);
  expect(template(join(folder, 'cdk/terra-connect-local.template.json'))).toEqual(template(templateFile));
});

test('a finding of the rule packs without an acknowledgement stops synthesis', () => {
  const deaf = join(folder, 'deaf.cjs');
  const cdk = JSON.stringify(require.resolve('aws-cdk-lib'));
  writeFileSync(deaf, `require(${cdk}).Validations.prototype.acknowledge = () => undefined;`);

  const { status, stderr } = cdkRuns({ ...shipped(), settings: 'local/settings.json' }, '--require', deaf);

  expect(status).toBe(1);
  for (const finding of ['AwsSolutions-APIG4', 'Serverless-LambdaDLQ']) expect(stderr).toContain(finding);
});

/** What `cdk.json` ships, and what the CLI adds to it. */
function shipped(): Record<string, unknown> {
  const { context } = JSON.parse(readFileSync(join(project, 'cdk.json'), 'utf8'));
  return { ...context, 'aws:cdk:enable-asset-metadata': true, 'aws:cdk:enable-path-metadata': true };
}

function cdkRuns(context: Record<string, unknown>, ...flags: string[]) {
  return spawnSync(process.execPath, [...flags, '--import', 'tsx', 'infra/app.ts'], {
    cwd: project,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], CDK_CONTEXT_JSON: JSON.stringify(context), CDK_OUTDIR: join(folder, 'cdk') },
  });
}

const template = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
