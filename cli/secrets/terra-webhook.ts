import { HOUR, isoTime } from '../../functions/core/platform/clock';
import { SecretFault, type WebhookSecrets } from '../../functions/core/platform/secrets';
import { OperatorError, UsageError } from '../failure';
import type { SecretsJob } from './job';
import { parsers } from '../vault';

/** Terra's retries of what was signed with the old secret end after about a day. */
const MOST_HOURS = 24 * 7;

/** Stores Terra's signing secret. Rotating lets the present one go on counting for the overlap. */
export async function setWebhook(job: SecretsJob, how: 'set' | 'rotate'): Promise<number> {
  const { terminal, vault, clock, options } = job;
  const overlapHours = readOverlap(options.overlap);
  const before = how === 'rotate' ? presentSecrets((await vault.read('terra-webhook')).text) : undefined;
  const given = terminal.isInteractive ? await terminal.askHidden('Signing secret: ') : await terminal.readAll();
  const current = given.trim();
  if (before?.current === current) {
    throw new OperatorError(
      'This is the present secret already; nothing was stored',
      'Get the new one from Terra’s dashboard.',
    );
  }

  const until = clock() + overlapHours * HOUR;
  const kept = before && { previous: before.current, previousValidUntil: isoTime(until) };
  const text = JSON.stringify({ current, ...kept });
  check(text);
  await vault.write('terra-webhook', text);

  const cutShort = before?.previous !== undefined && before.previous.validUntil > clock();
  if (options.json)
    terminal.print(JSON.stringify({ stored: 'terra-webhook', previousValidUntil: kept?.previousValidUntil }));
  else {
    terminal.print(
      kept ? `Stored. The secret until now goes on counting until ${kept.previousValidUntil}.` : 'Stored.',
    );
    if (cutShort) terminal.print('The one before it was still in its overlap; it no longer counts.');
  }
  return 0;
}

function presentSecrets(text: string): WebhookSecrets {
  try {
    return parsers['terra-webhook'](text);
  } catch (error) {
    if (!(error instanceof SecretFault)) throw error;
    throw new OperatorError(
      `The present secret ${error.message}, so there is nothing to rotate`,
      'Use `set terra-webhook`.',
    );
  }
}

function readOverlap(hours: string): number {
  const read = Number(hours);
  if (/^\d+(\.\d+)?$/.test(hours) && read > 0 && read <= MOST_HOURS) return read;
  throw new UsageError(`--overlap takes hours, more than 0 and at most ${MOST_HOURS}`, 'See --help.');
}

function check(text: string): void {
  try {
    parsers['terra-webhook'](text);
  } catch (error) {
    if (!(error instanceof SecretFault)) throw error;
    throw new OperatorError(
      'A signing secret is one line of 16 to 512 printable characters; nothing was stored',
      'Copy it from Terra’s dashboard: Destinations, Webhook, Edit.',
    );
  }
}
