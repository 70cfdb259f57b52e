import { connectedUser, connectionAnswer, sessionAnswer } from '../core/http/answer';
import type { Clock } from '../core/platform/clock';
import { Problem } from '../core/http/errors';
import * as dependencies from '../core/platform/dependencies';
import type { Owner, SignedIn } from '../core/state/owner';
import { findConnection } from '../core/state/owner-records';
import type { Rules } from '../core/state/rules';
import { type Behaviour, on, serve } from '../core/http/serve';
import type { Store } from '../core/store/store';
import { listConnections, readConnection, readSession } from '../routes';

type Deps = {
  store: Pick<Store, 'load' | 'findSession' | 'findConnection'>;
  ownerOf: (caller: SignedIn) => Promise<Owner>;
  clock: Clock;
  rules: Rules;
};

/** One of the caller's own sessions: one row, and that of its connection once there is one. */
export const readSessionOf: Behaviour<typeof readSession, Deps> = async ({ caller, path }, deps) => {
  const { referenceId } = await deps.ownerOf(caller);
  const session = await deps.store.findSession(referenceId, path.id);
  if (!session) throw new Problem('not_found', 'There is nothing here.');
  const terraUserId = connectedUser(session, deps.clock(), deps.rules.confirmation);
  const row = terraUserId === undefined ? undefined : await deps.store.findConnection(referenceId, terraUserId);
  return { status: 200, body: sessionAnswer(session, row, deps.clock(), deps.rules) };
};

/** All of the caller's connections, newest first by their first authentication. */
export const listConnectionsOf: Behaviour<typeof listConnections, Deps> = async ({ caller }, deps) => {
  const { referenceId } = await deps.ownerOf(caller);
  const records = await deps.store.load(referenceId);
  const connections = records.connections
    .toSorted((a, b) => (b.facts.firstAuthAt ?? 0) - (a.facts.firstAuthAt ?? 0))
    .flatMap(row => connectionAnswer(row, records, deps.clock()) ?? []);
  return { status: 200, body: { connections } };
};

/** One of the caller's own connections, by any id it was ever known by. */
export const readConnectionOf: Behaviour<typeof readConnection, Deps> = async ({ caller, path }, deps) => {
  const { referenceId } = await deps.ownerOf(caller);
  const records = await deps.store.load(referenceId);
  const row = findConnection(records, path.id);
  const connection = row && connectionAnswer(row, records, deps.clock());
  if (!connection) throw new Problem('not_found', 'There is nothing here.');
  return { status: 200, body: connection };
};

export const handler = serve(
  [on(readSession, readSessionOf), on(listConnections, listConnectionsOf), on(readConnection, readConnectionOf)],
  () => ({
    serve: dependencies.serveDeps(),
    store: dependencies.store(),
    ownerOf: dependencies.ownerOf(),
    clock: dependencies.clock,
    rules: dependencies.rules(),
  }),
);
