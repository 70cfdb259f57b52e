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

/** How long the request starts work on further rows. One row may take Terra's full timeout. The sweep does the rest. */
const ERASE_BUDGET = 3 * SECOND;

/** The number of erasures a user may request in ten minutes. Each one asks Terra about every Terra user again. */
const ERASURE_LIMIT = 10;

/** Stores the tombstone first, so that later events about old Terra users are recognized, then erases as much as the time allows. */
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

/** Disconnects here at once and asks Terra to deauthenticate. If Terra fails, the sweep asks again. */
export const disconnectOne: Behaviour<typeof disconnect, Deps> = async ({ caller, path, note }, deps) => {
  const { referenceId } = await deps.ownerOf(caller);
  const records = await deps.store.load(referenceId);
  const row = findConnection(records, path.id);
  if (!row || !isVisible(connectionState(row.facts))) throw notFound();

  const askedBy = (now: ConnectionRow | undefined) =>
    now && { disconnect: { at: decidedAt(now, deps.clock()), reason: 'owner' as const } };
  const ended = await endConnection(records, row.terraUserId, now => (isOver(now) ? undefined : askedBy(now)), deps);
  note({
    outcome: ended.terra,
    ...(ended.terra === 'failed' && { reason: ended.problem.reason ?? ended.problem.code }),
  });

  const current = findConnection(ended.records, path.id);
  const connection = current && connectionAnswer(current, ended.records, deps.clock());
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
