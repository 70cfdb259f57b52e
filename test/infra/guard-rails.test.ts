import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { IConstruct } from 'constructs';
import { acknowledge, acknowledgements, guardRails, hipaaAnswers } from '../../infra/checks/acknowledgements';
import { hipaaReport, reportFile } from '../../infra/checks/hipaa-findings';
import { TerraConnect, type TerraConnectProps } from '../../infra/terra-connect';
import { emptyBundles, production } from './template';

const folder = mkdtempSync(join(tmpdir(), 'terra-connect-'));
const bundles = emptyBundles(folder);

afterAll(() => rmSync(folder, { recursive: true }));

const everything = {
  encryption: 'customer',
  alarmEmail: 'operator@example.com',
  domain: {
    name: 'connect.example.com',
    certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/0a-1b',
  },
  removal: 'destroy',
} as const;

test.each([
  ['the defaults', {}],
  ['everything switched on', everything],
])('every finding of the rule packs has an acknowledgement with %s', (_, settings) => {
  const connect = place(settings);
  acknowledge(connect);

  expect(findings(connect)).toEqual([]);
});

test('a finding without an acknowledgement is reported with its construct', () => {
  const connect = place();
  acknowledge(connect);
  const careless = new Queue(Stack.of(connect), 'Careless');

  expect(findings(careless)).toEqual([
    'AwsSolutions-SQS3 Team/Careless/Resource',
    'AwsSolutions-SQS4 Team/Careless/Resource',
    'Serverless-SQSRedrivePolicy Team/Careless/Resource',
  ]);
});

test('every acknowledgement matches an existing finding, on each construct it names', () => {
  const connect = place({ alarmEmail: 'operator@example.com' });
  const found = findings(connect);

  for (const { id, on, reason } of acknowledgements(connect)) {
    expect(reason).toMatch(/^[A-Z].{20,}[.`]$/);
    for (const construct of on) {
      expect(found).toContainEqual(expect.stringMatching(new RegExp(`^${id} ${construct.node.path}/`)));
    }
  }
});

// Repeated on purpose: to open a route to strangers takes an edit here too, and a reviewer.
test('exactly three routes need no token', () => {
  const open = acknowledgements(place()).filter(({ id }) => id === 'AwsSolutions-APIG4');

  expect(open.flatMap(({ on }) => on.map(route => route.node.id))).toEqual([
    'returnSuccess',
    'returnFailure',
    'receiveWebhook',
  ]);
});

test('every finding of the HIPAA rules is acknowledged, and listed here', () => {
  const report = hipaaReport(bundles);

  expect(readFileSync(reportFile, 'utf8')).toBe(report);
  for (const rule of Object.keys(hipaaAnswers)) expect(report).toContain(`## ${rule}\n`);
});

function place(settings: Partial<TerraConnectProps> = {}): TerraConnect {
  return new TerraConnect(new Stack(new App(), 'Team'), 'Connect', { ...production, bundles, ...settings });
}

function findings(within: IConstruct): string[] {
  return guardRails().flatMap(pack =>
    pack
      .validateScope(Stack.of(within))
      .violations.flatMap(({ ruleName, violatingResources }) =>
        violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
      ),
  );
}
