import { SECOND } from '../../functions/core/platform/clock';
import { eraseOwner } from '../../functions/core/state/erasure';
import { newErasure } from '../../functions/core/state/tombstone';
import { OperatorError } from '../failure';
import type { OwnerJob } from './job';
import { credentialsOf, recordDepsOf, terraOf } from '../services';
import { namedOwner } from './find';

/** How long the command itself asks Terra; the sweep does the rest. */
const BUDGET = 60 * SECOND;

/** Erases one owner as `DELETE /v1/me` would, after his name was typed once more. */
export async function eraseOneOwner(job: OwnerJob): Promise<number> {
  const { deployment, settings, terminal, clock, vault, options, json } = job;
  const deps = {
    ...recordDepsOf(deployment, settings, clock),
    terra: terraOf(settings, () => credentialsOf(vault), clock),
  };
  const { referenceId, name } = await namedOwner(job, deps.store);
  const seen = await deps.store.load(referenceId);
  if (!seen.known) {
    terminal.print(json ? JSON.stringify({ status: 'unknown' }) : `Nothing is known of the owner ${name}.`);
    return 0;
  }
  if (!options.yes) await confirm(job, name, seen.connections.length);

  const now = clock();
  await deps.store.beginErasure(newErasure(referenceId, now));
  const hasTime = () => deps.clock() < now + BUDGET;
  const isDone = await eraseOwner(await deps.store.load(referenceId), hasTime, deps);
  const status = isDone ? 'erased' : 'erasing';
  terminal.print(json ? JSON.stringify({ status }) : words[status]);
  return 0;
}

const words = {
  erased: 'Erased, here and at Terra. A tombstone without content stays for 35 days.',
  erasing: 'Under way: Terra has not agreed to everything yet. The sweep goes on asking; look again with `owner show`.',
};

async function confirm({ terminal }: OwnerJob, name: string, connections: number): Promise<void> {
  if (!terminal.isInteractive) {
    throw new OperatorError('Nobody is here to confirm; nothing was erased', 'Add --yes where a machine may erase.');
  }
  terminal.tell(
    `This disconnects ${connections} connection(s) at Terra and deletes every record of ${name}, for good.`,
  );
  const typed = await terminal.ask('Type the owner’s name to go on: ');
  if (typed !== name) throw new OperatorError('That is another name; nothing was erased', 'Start again.');
}
