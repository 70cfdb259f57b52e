import { type Command, COMMON_HELP, placeOf, readArguments, type Surroundings } from './command';
import { settingsOf } from './deployed-settings';
import type { Check, Patient, Verdict } from './doctor/check';
import { checks } from './doctor/checks';
import { explain, UsageError } from './failure';
import { storeOf } from './services';
import { textTable } from './text-table';
import { vaultOf } from './vault';

const HELP = `npm run doctor -- [--stage NAME | --stack NAME | --local [PORT]] [options]

Looks at everything a deployment needs and says what is wrong and what to do. Changes nothing here; at Terra it
opens one widget session that nobody sees, and to this deployment it sends a signed and an unsigned test event.
Exits with 0 where there is no fault, 1 where there is one.

${COMMON_HELP}
  --only CHECK     look at this only (may be repeated)
  --accept CHECK   a warning of this check is known and meant (may be repeated)

Checks: ${checks.map(({ name }) => name).join(', ')}`;

/** A check and what it found. */
export type Examined = { check: string } & Verdict;

export const doctorCommand: Command = {
  help: HELP,
  async run(args, surroundings) {
    const { values } = readArguments(args, {
      only: { type: 'string', multiple: true },
      accept: { type: 'string', multiple: true },
    });
    const accepted = known(values.accept);
    const only = known(values.only);
    const deployment = await surroundings.find(placeOf(values));
    const patient: Patient = {
      deployment,
      settings: () => settingsOf(deployment),
      vault: vaultOf(deployment),
      store: () => storeOf(deployment, settingsOf(deployment)),
      clock: surroundings.clock,
    };
    const wanted = checks.filter(({ name }) => only.length === 0 || only.includes(name));
    const examined = (await examine(wanted, patient)).map(found =>
      found.kind === 'warning' && accepted.includes(found.check) ? { ...found, kind: 'ok' as const } : found,
    );
    report(deployment.name, examined, values.json === true, surroundings);
    return examined.some(({ kind }) => kind === 'fault') ? 1 : 0;
  },
};

/** Runs the checks side by side; one that cannot be made is a fault of its own and hides no other. */
export function examine(wanted: readonly Check[], patient: Patient): Promise<Examined[]> {
  const here = wanted.filter(({ place }) => place === undefined || place === patient.deployment.place);
  return Promise.all(
    here.map(async ({ name, look }): Promise<Examined> => {
      try {
        return { check: name, ...(await look(patient)) };
      } catch (error) {
        const { what, remedy } = explain(error);
        return { check: name, kind: 'fault', finding: `Could not be checked: ${what}`, remedy };
      }
    }),
  );
}

function report(name: string, examined: readonly Examined[], json: boolean, { terminal }: Surroundings): void {
  if (json) {
    terminal.print(JSON.stringify({ deployment: name, checks: examined }));
    return;
  }
  const of = (wanted: Verdict['kind']) => examined.filter(({ kind }) => kind === wanted);
  terminal.print(`${name}\n`);
  terminal.print(
    textTable(
      ['', 'check', 'finding'],
      examined.map(({ kind, check, finding }) => [kind === 'ok' ? 'ok' : kind.toUpperCase(), check, finding]),
    ),
  );
  for (const found of [...of('fault'), ...of('warning')]) {
    if (found.kind !== 'ok') terminal.print(`\n${found.kind} ${found.check}: ${found.finding}.\n  ${found.remedy}`);
  }
  const faults = of('fault').length;
  const warnings = of('warning').length;
  terminal.print(
    faults + warnings === 0
      ? `\n${examined.length} checks, all ok.`
      : `\n${examined.length} checks: ${faults} fault(s), ${warnings} warning(s).`,
  );
}

function known(names: readonly string[] = []): readonly string[] {
  const unknown = names.filter(name => !checks.some(check => check.name === name));
  if (unknown.length === 0) return names;
  throw new UsageError(`There is no check ${unknown.join(', ')}`, 'Run it with --help: it lists the checks.');
}
