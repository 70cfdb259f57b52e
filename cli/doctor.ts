import { type Command, COMMON_HELP, type CommandContext, readArguments, start, targetOf } from './command';
import { settingsOf } from './deployed-settings';
import type { Check, CheckContext, CheckResult } from './doctor/check';
import {
  backlogCheck,
  dataEventsCheck,
  deadLettersCheck,
  reconcileCheck,
  sweepCheck,
  unreadableRowsCheck,
} from './doctor/running-checks';
import {
  referenceKeyCheck,
  referenceKeySecretCheck,
  terraApiSecretCheck,
  webhookSecretCheck,
} from './doctor/secret-checks';
import { apiCheck, confirmationCheck, issuerCheck, returnTargetsCheck, settingsCheck } from './doctor/settings-checks';
import { expiryCheck, protectionCheck, recoveryCheck } from './doctor/table-checks';
import { credentialsCheck, providersCheck, widgetCheck } from './doctor/terra-checks';
import { signedWebhookCheck, unsignedWebhookCheck } from './doctor/webhook-checks';
import { explain, UsageError } from './failure';
import { storeOf } from './services';
import { textTable } from './text-table';
import { secretStoreOf } from './secret-store';

/** All checks, in the order of the report. */
const checks: readonly Check[] = [
  settingsCheck,
  confirmationCheck,
  issuerCheck,
  apiCheck,
  returnTargetsCheck,
  terraApiSecretCheck,
  webhookSecretCheck,
  referenceKeySecretCheck,
  referenceKeyCheck,
  credentialsCheck,
  widgetCheck,
  providersCheck,
  signedWebhookCheck,
  unsignedWebhookCheck,
  deadLettersCheck,
  sweepCheck,
  reconcileCheck,
  backlogCheck,
  unreadableRowsCheck,
  dataEventsCheck,
  recoveryCheck,
  protectionCheck,
  expiryCheck,
];

const HELP = `npm run doctor -- [--stage NAME | --stack NAME | --local [PORT]] [options]

Checks everything that a deployment needs and prints what is wrong and what to do. Changes nothing in the deployment.
Opens one widget session at Terra that nobody sees, and sends the deployment one signed and one unsigned test event.
Exits with 1 if there is a fault, else with 0.

${COMMON_HELP}
  --only CHECK     run only this check (can be repeated)
  --accept CHECK   treat a warning of this check as ok (can be repeated)

Checks: ${checks.map(({ name }) => name).join(', ')}`;

type NamedResult = { check: string } & CheckResult;

export const doctorCommand: Command = {
  help: HELP,
  async run(args, context) {
    const { values } = readArguments(args, {
      only: { type: 'string', multiple: true },
      accept: { type: 'string', multiple: true },
    });
    const accepted = knownNames(values.accept);
    const only = knownNames(values.only);
    const deployment = await context.findDeployment(targetOf(values));
    const checkContext: CheckContext = {
      deployment,
      settings: () => settingsOf(deployment),
      secrets: secretStoreOf(deployment),
      store: () => storeOf(deployment, settingsOf(deployment)),
      clock: context.clock,
    };
    const chosen = checks.filter(({ name }) => only.length === 0 || only.includes(name));
    const results = (await runChecks(chosen, checkContext)).map(found =>
      found.kind === 'warning' && accepted.includes(found.check) ? { ...found, kind: 'ok' as const } : found,
    );
    report(deployment.name, results, values.json === true, context);
    return results.some(({ kind }) => kind === 'fault') ? 1 : 0;
  },
};

/** Runs the checks in parallel. A check that throws is a fault. */
function runChecks(chosen: readonly Check[], context: CheckContext): Promise<NamedResult[]> {
  const applicable = chosen.filter(
    ({ platform }) => platform === undefined || platform === context.deployment.platform,
  );
  return Promise.all(
    applicable.map(async ({ name, run }): Promise<NamedResult> => {
      try {
        return { check: name, ...(await run(context)) };
      } catch (error) {
        const { what, remedy } = explain(error);
        return { check: name, kind: 'fault', finding: `The check failed: ${what}`, remedy };
      }
    }),
  );
}

function report(name: string, results: readonly NamedResult[], json: boolean, { terminal }: CommandContext): void {
  if (json) {
    terminal.print(JSON.stringify({ deployment: name, checks: results }));
    return;
  }
  const ofKind = (wanted: CheckResult['kind']) => results.filter(({ kind }) => kind === wanted);
  terminal.print(`${name}\n`);
  terminal.print(
    textTable(
      ['', 'check', 'finding'],
      results.map(({ kind, check, finding }) => [kind === 'ok' ? 'ok' : kind.toUpperCase(), check, finding]),
    ),
  );
  for (const found of [...ofKind('fault'), ...ofKind('warning')]) {
    if (found.kind !== 'ok') terminal.print(`\n${found.kind} ${found.check}: ${found.finding}.\n  ${found.remedy}`);
  }
  const faults = ofKind('fault').length;
  const warnings = ofKind('warning').length;
  terminal.print(
    faults + warnings === 0
      ? `\n${results.length} checks, all ok.`
      : `\n${results.length} checks: ${faults} fault(s), ${warnings} warning(s).`,
  );
}

function knownNames(names: readonly string[] = []): readonly string[] {
  const unknown = names.filter(name => !checks.some(check => check.name === name));
  if (unknown.length === 0) return names;
  throw new UsageError(`There is no check ${unknown.join(', ')}`, 'Run it with --help, which lists the checks.');
}

if (require.main === module) start(doctorCommand);
