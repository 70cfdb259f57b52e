import { SECOND } from '../../functions/core/platform/clock';
import { eraseOwner } from '../../functions/core/state/erasure';
import { newErasure } from '../../functions/core/state/tombstone';
import { OperatorError } from '../failure';
import { namedOwner, type OwnerJob } from './job';
import { credentialsOf, recordDepsOf, terraOf } from '../services';

/** How long the command itself deauthenticates at Terra; the sweep does the rest. */
const BUDGET = 60 * SECOND;

/** Erases one owner as `DELETE /v1/me` does, after the operator typed the name again. */
export async function eraseOneOwner(job: OwnerJob): Promise<number> {
  const { deployment, settings, terminal, clock, secrets, options, json } = job;
  const deps = {
    ...recordDepsOf(deployment, settings, clock),
    terra: terraOf(settings, () => credentialsOf(secrets), clock),
  };
  const { referenceId, name } = await namedOwner(job, deps.store);
  const seen = await deps.store.load(referenceId);
  if (!seen.known) {
    terminal.print(json ? JSON.stringify({ status: 'unknown' }) : `There are no records of the owner ${name}.`);
    return 0;
  }
  if (!options.yes) await confirm(job, name, seen.connections.length);

  const now = clock();
  await deps.store.beginErasure(newErasure(referenceId, now));
  const hasTime = () => deps.clock() < now + BUDGET;
  const isDone = await eraseOwner(await deps.store.load(referenceId), hasTime, deps);
  const status = isDone ? 'erased' : 'erasing';
  terminal.print(json ? JSON.stringify({ status }) : resultTexts[status]);
  return 0;
}

const resultTexts = {
  erased: 'Erased, here and at Terra. A tombstone without personal data stays for 35 days.',
  erasing:
    'Under way: Terra has not confirmed every deauthentication yet. The sweep repeats them; check with `owner show`.',
};

async function confirm({ terminal }: OwnerJob, name: string, connections: number): Promise<void> {
  if (!terminal.isInteractive) {
    throw new OperatorError(
      'There is no terminal to confirm in; nothing was erased',
      'Add --yes to erase without confirmation.',
    );
  }
  terminal.log(
    `This disconnects ${connections} connection(s) at Terra and permanently deletes every record of ${name}.`,
  );
  const typed = await terminal.ask('Type the owner’s name to continue: ');
  if (typed !== name) throw new OperatorError('The names differ; nothing was erased', 'Run the command again.');
}
