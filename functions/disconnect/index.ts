import { connectionAnswer } from '../core/http/answer';
import { SECOND } from '../core/platform/clock';
import { type ConnectionRow, connectionState, isVisible } from '../core/state/connection';
import { decidedAt, endConnection } from '../core/state/end-connection';
import { type EraseDeps, eraseOwner } from '../core/state/erasure';
import { newErasure } from '../core/state/tombstone';
import { Problem } from '../core/http/errors';
import * as dependencies from '../core/platform/dependencies';
import type { Owner, SignedIn } from '../core/state/owner';
import { findConnection } from '../core/state/owner-records';
import { countUse } from '../core/state/quota';
import { type Behaviour, on, serve } from '../core/http/serve';
import { disconnect, erase } from '../routes';

type Deps = EraseDeps & { ownerOf: (caller: SignedIn) => Promise<Owner> };

/** How long the request goes on taking up rows; one may take Terra's whole time budget, and the sweep does the rest. */
const ERASE_BUDGET = 3 * SECOND;

/** How often a user may ask to be erased in ten minutes: each time Terra is asked about every Terra user anew. */
const ERASURE_LIMIT = 10;

/** Puts up the tombstone first, so that whatever comes from now on is of the past, then erases as much as fits the request. */
export const eraseMe: Behaviour<typeof erase, Deps> = async ({ caller, note }, deps) => {
  const { referenceId } = await deps.ownerOf(caller);
  const now = deps.clock();
  await countUse(referenceId, 'erasures', ERASURE_LIMIT, deps);
  await deps.store.beginErasure(newErasure(referenceId, now));
  const hasTime = () => deps.clock() < now + ERASE_BUDGET;
  const isDone = await eraseOwner(await deps.store.load(referenceId), hasTime, deps);
  note({ outcome: isDone ? 'erased' : 'erasing' });
  return { status: 202, body: { status: 'erasing' } };
};

/** Stops the connection at once here and asks Terra to; where Terra does not agree now, the sweep goes on asking. */
export const disconnectOne: Behaviour<typeof disconnect, Deps> = async ({ caller, path, note }, deps) => {
  const { referenceId } = await deps.ownerOf(caller);
  const seen = await deps.store.load(referenceId);
  const row = findConnection(seen, path.id);
  if (!row || !isVisible(connectionState(row.facts))) throw notFound();

  const askedBy = (now: ConnectionRow | undefined) =>
    now && { disconnect: { at: decidedAt(now, deps.clock()), reason: 'owner' as const } };
  const ending = await endConnection(seen, row.terraUserId, now => (isOver(now) ? undefined : askedBy(now)), deps);
  note({
    outcome: ending.terra,
    ...(ending.terra === 'failed' && { reason: ending.problem.reason ?? ending.problem.code }),
  });

  const current = findConnection(ending.records, path.id);
  const connection = current && connectionAnswer(current, ending.records, deps.clock());
  if (!connection) throw notFound();
  return { status: 202, body: connection };
};

const isOver = (row: ConnectionRow | undefined): boolean =>
  !row || connectionState(row.facts).status === 'disconnected';

const notFound = () => new Problem('not_found', 'There is nothing here.');

export const handler = serve([on(disconnect, disconnectOne), on(erase, eraseMe)], () => ({
  serve: dependencies.serveDeps(),
  ...dependencies.recordDeps(),
  terra: dependencies.terra(),
  ownerOf: dependencies.ownerOf(),
}));
