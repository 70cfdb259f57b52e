import { HOUR, isoTime } from '../../functions/core/platform/clock';
import type { WebhookSecrets } from '../../functions/core/platform/secrets';
import { OperatorError, UsageError } from '../failure';
import type { SecretsJob } from './job';
import { parsers, secretFault } from '../secret-store';

/** Terra repeats deliveries signed with the old secret for about a day. */
const MOST_HOURS = 24 * 7;

/** Stores Terra's signing secret. `rotate` keeps the current one valid for the overlap. */
export async function setWebhook(job: SecretsJob, how: 'set' | 'rotate'): Promise<number> {
  const { terminal, secrets, clock, options } = job;
  const overlapHours = readOverlap(options.overlap);
  const before = how === 'rotate' ? storedSecrets((await secrets.read('terra-webhook')).text) : undefined;
  const given = terminal.isInteractive ? await terminal.askHidden('Signing secret: ') : await terminal.readAll();
  const current = given.trim();
  if (before?.current === current) {
    throw new OperatorError(
      'This secret is already the current one; nothing was stored',
      'Get the new one from Terra’s dashboard.',
    );
  }

  const until = clock() + overlapHours * HOUR;
  const kept = before && { previous: before.current, previousValidUntil: isoTime(until) };
  const text = JSON.stringify({ current, ...kept });
  if (secretFault('terra-webhook', text) !== undefined) {
    throw new OperatorError(
      'A signing secret is one line of 16 to 512 printable characters; nothing was stored',
      'Copy it from Terra’s dashboard: Destinations, Webhook, Edit.',
    );
  }
  await secrets.write('terra-webhook', text);

  const cutShort = before?.previous !== undefined && before.previous.validUntil > clock();
  if (options.json)
    terminal.print(JSON.stringify({ stored: 'terra-webhook', previousValidUntil: kept?.previousValidUntil }));
  else {
    terminal.print(kept ? `Stored. The old secret stays valid until ${kept.previousValidUntil}.` : 'Stored.');
    if (cutShort) terminal.print('The secret before it was still valid; it is not any more.');
  }
  return 0;
}

function storedSecrets(text: string): WebhookSecrets {
  const problem = secretFault('terra-webhook', text);
  if (problem === undefined) return parsers['terra-webhook'](text);
  throw new OperatorError(`The current secret ${problem}, so there is nothing to rotate`, 'Use `set terra-webhook`.');
}

function readOverlap(hours: string): number {
  const read = Number(hours);
  if (/^\d+(\.\d+)?$/.test(hours) && read > 0 && read <= MOST_HOURS) return read;
  throw new UsageError(`--overlap takes a number of hours, more than 0 and at most ${MOST_HOURS}`, 'See --help.');
}
