import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { HIPAASecurityChecks } from 'cdk-nag';
import { acknowledge, hipaaAnswers } from './acknowledgements';
import { TerraConnect, type TerraConnectProps } from '../terra-connect';

/** The report's place in the project. */
export const reportFile = join(__dirname, '../../docs/hipaa-findings.md');

/** What the HIPAA pack finds in a deployment under a key of its own, as a page for an auditor. */
export function hipaaReport(bundles?: string): string {
  const stack = new Stack(new App(), 'terra-connect');
  const connect = new TerraConnect(stack, 'Connect', { ...deployment, bundles });
  acknowledge(connect);
  const found = new HIPAASecurityChecks()
    .validateScope(stack)
    .violations.toSorted((one, other) => one.ruleName.localeCompare(other.ruleName));
  const sections = found.map(({ ruleName, description, violatingResources }) => {
    const [, what, controls] = /^(.+) - \((Control IDs?: .+)\)\.?$/.exec(description ?? '') ?? [];
    const where = violatingResources.map(({ constructPath }) => `- \`${placeOf(constructPath ?? '')}\``).toSorted();
    return [`## ${ruleName}`, `${what}. ${controls}.`, answerTo(ruleName), where.join('\n')].join('\n\n');
  });
  return `${[heading(found.length), ...sections].join('\n\n')}\n`;
}

const deployment: TerraConnectProps = {
  issuer: 'https://login.example.com/',
  audience: ['my-app'],
  returnTargets: { web: 'https://app.example.com/connected' },
  encryption: 'customer',
  alarmEmail: 'operator@example.com',
};

const heading = (rules: number): string => `# What the HIPAA rules find

Made by \`node --import tsx infra/checks/hipaa-findings.ts\`; a test fails while it is stale. Do not edit it: the answers are in
\`infra/checks/acknowledgements.ts\`.

The rule pack "HIPAA Security" of cdk-nag, run over a deployment with \`encryption: "customer"\` and \`alarmEmail\`, finds
the ${rules} things below. With AWS's own keys (the default) it also asks for a key of your own on logs, secrets and the
alarm topic. The pack has no rule for an HTTP API, and nothing that a template can show makes a deployment compliant:
agreements with AWS and Terra, access to the account, its audit trail and your own procedures are yours.`;

function answerTo(rule: string): string {
  const answer = hipaaAnswers[rule];
  if (answer === undefined) throw new Error(`${rule} has no answer in infra/checks/acknowledgements.ts`);
  return `**Answer.** ${answer}`;
}

const placeOf = (path: string): string => path.replace(/^terra-connect\/Connect\//, '').replace(/\/Resource$/, '');

if (require.main === module) writeFileSync(reportFile, hipaaReport());
