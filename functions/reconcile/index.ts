import * as dependencies from '../core/platform/dependencies';
import { type Reconciled, type ReconcileDeps, reconcileConnections } from '../core/state/reconcile-connections';

let wired: Omit<ReconcileDeps, 'until'> | undefined;

/** Runs every few minutes; a check of all connections begins once a day and goes on, page by page, from run to run. */
export const handler = async (_event: unknown, invocation: dependencies.Invocation): Promise<Reconciled> => {
  wired ??= {
    ...dependencies.recordDeps(),
    terra: dependencies.terra(),
    log: dependencies.log,
    dryRun: dependencies.required('RECONCILE_DRY_RUN') === 'true',
  };
  const startedAt = wired.clock();
  const result = await reconcileConnections({ ...wired, until: dependencies.runUntil(invocation) });
  const { stopped: _, ...counts } = result;
  wired.log('info', 'reconcile', { ...counts, ms: wired.clock() - startedAt });
  return result;
};
