import { namedOwner, type OwnerJob } from './job';
import { storeOf } from '../services';
import { textPairs, textTable } from '../text-table';
import { type OwnerReport, ownerReport } from './owner-report';

export async function showOwner(job: OwnerJob): Promise<number> {
  const store = storeOf(job.deployment, job.settings);
  const { referenceId } = await namedOwner(job, store);
  const report = ownerReport(await store.load(referenceId), job.clock(), job.settings.CONFIRMATION);
  job.terminal.print(job.json ? JSON.stringify(report) : reportText(report));
  return 0;
}

function reportText(report: OwnerReport): string {
  const { referenceId, known, subs, erasure, connections, sessions, mints, unreadable } = report;
  if (!known) return `There are no records of the owner ${referenceId}.`;
  const parts = [
    textPairs([
      ['reference id', referenceId],
      ['subject', subs.join(', ')],
      ['erasure', erasure ? `${erasure.state}, requested ${erasure.requestedAt}` : 'none'],
    ]),
    section(
      'Connections',
      ['id', 'provider', 'status', 'reason', 'connected', 'last data', 'Terra user'],
      connections.map(row => [
        row.id,
        row.provider,
        row.status,
        row.reason ?? '',
        row.connectedAt ?? '',
        row.lastDataAt ?? '',
        row.terraUserId,
      ]),
    ),
    section(
      'History',
      ['id', 'at', 'status', 'reason'],
      connections.flatMap(({ id, history }) => history.map(({ at, status, reason = '' }) => [id, at, status, reason])),
    ),
    section(
      'Sessions',
      ['id', 'flow', 'status', 'failure', 'provider', 'created', 'returned', 'redeemed'],
      sessions.map(({ id, flow, status, failure = '', provider = '', createdAt, returnedAt = '', redeemedAt = '' }) => [
        id,
        flow,
        status,
        failure,
        provider,
        createdAt,
        returnedAt,
        redeemedAt,
      ]),
    ),
    section(
      'SDK tokens',
      ['id', 'provider', 'created', 'used by'],
      mints.map(({ id, provider = '', createdAt, usedBy = '' }) => [id, provider, createdAt, usedBy]),
    ),
    ...(unreadable.length > 0
      ? [
          section(
            'Rows that cannot be read, as they are stored',
            ['key', 'row'],
            unreadable.map(({ item, stored }) => [item, JSON.stringify(stored)]),
          ),
        ]
      : []),
  ];
  return parts.join('\n\n');
}

const section = (title: string, heading: readonly string[], rows: string[][]): string =>
  rows.length === 0 ? `${title}: none` : `${title}\n${textTable(heading, rows)}`;
