import { randomUUID } from 'node:crypto';
import type { OutgoingEvent } from './delivery';
import { dataItem, type DataType } from './samples';
import { event, VERSION } from './events';
import { terraUser } from './terra-user';
import type { SandboxUser } from './users';
import type { World } from './world';

// One day sampled every minute, as by a watch; and enough samples for a chunk close to 10 MB.
const TYPICAL_SAMPLES = 1440;
const HUGE_SAMPLES = 118_000;
const PING_SECONDS = 300;

/** Creates a data event of realistic size: the samples of one day. */
export function dataEvent(type: DataType, user: SandboxUser, world: World, daysAgo = 0): OutgoingEvent {
  return event(type, user.userId, dataFields(type, user, world, daysAgo));
}

/** Returns the fields of a data event except its type. A data read returns the same fields inline. */
export function dataFields(type: DataType, user: SandboxUser, world: World, daysAgo = 0): Record<string, unknown> {
  const atMs = world.clock.stamp() - daysAgo * 24 * 3600 * 1000;
  if (type === 'lab_report.completed' || type === 'lab_report.failed') return labReport(type, user, atMs);
  const samples = world.switches.knob('dataSize', type) === 'huge' ? HUGE_SAMPLES : TYPICAL_SAMPLES;
  const item = dataItem(type, user, atMs, samples);
  const content = type === 'athlete' ? { athlete: item } : { data: [item] };
  return { version: VERSION, user: terraUser(user, world.switches), ...content };
}

/**
 * Creates the events of a request for more than a month: two announcements, then chunks. All share one reference; each
 * has its own trace id.
 */
export function largeAnswer(
  type: DataType,
  user: SandboxUser,
  chunks: number,
  world: World,
  reference: string,
): OutgoingEvent[] {
  const shared = { user: terraUser(user, world.switches), reference };
  const traceId = randomUUID();
  return [
    event('large_request_processing', user.userId, {
      status: 'processing',
      message: 'Large request is being processed; its payloads follow',
      ...shared,
    }),
    event('large_request_sending', user.userId, {
      message: 'The chunks of a large request follow',
      expected_payloads: chunks,
      ...shared,
    }),
    ...Array.from({ length: chunks }, (_, chunk) => ({
      ...dataEvent(type, user, world, chunk),
      traceId: `${traceId}:chunk:${chunk}`,
    })),
  ].map(outgoing => ({ ...outgoing, reference }));
}

/** Ping mode: the event names no user, only a link that serves the real event for 300 s. OpenAPI S3PayloadEvent. */
export function pingEvent(user: SandboxUser, world: World): OutgoingEvent {
  const id = randomUUID();
  const { body } = dataEvent('activity', user, world);
  world.payloads.put(id, { body, expiresAtMs: world.clock.now() + PING_SECONDS * 1000 });
  return event('s3_payload', null, {
    status: 'success',
    url: `${world.url}/sandbox/payloads/${id}`,
    expires_in: PING_SECONDS,
  });
}

// Lab reports have their own envelope, with a stable event_id. OpenAPI LabReportCompletedEvent, LabReportFailedEvent.
function labReport(type: DataType, user: SandboxUser, atMs: number): Record<string, unknown> {
  const envelope = {
    event_id: `evt_${randomUUID()}`,
    occurred_at: new Date(atMs).toISOString(),
    upload_id: randomUUID(),
  };
  const about = { session_id: '297405620317847552', reference_id: user.referenceId };
  if (type === 'lab_report.failed') {
    return {
      ...envelope,
      data: {
        ...about,
        error: { code: 'extraction_failed', message: 'The report could not be read', retriable: false },
      },
    };
  }
  return { ...envelope, data: { ...about, report_locale: 'en-GB', results_count: 0, results: [] } };
}
