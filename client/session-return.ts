import type { SessionFailure } from './answers';

/** The content of a return URL. It is no proof of anything. */
export type Returned =
  | { status: 'returned'; sessionId: string; code?: string }
  | { status: 'failed'; sessionId: string; error: SessionFailure }
  | { status: 'sdk_required'; sessionId: string; provider: string };

const failures: Record<SessionFailure, true> = {
  cancelled: true,
  denied: true,
  expired: true,
  provider_error: true,
  wrong_owner: true,
  unknown: true,
};

const added: Record<Returned['status'], string> = { returned: 'code', failed: 'error', sdk_required: 'provider' };

/** Reads a return URL. Returns undefined for any other URL. */
export function readReturn(url: string): Returned | undefined {
  const { parameters } = partsOf(url);
  const last = (name: string) => parameters[lastIndexOf(name, parameters)]?.value;
  const sessionId = last('session_id') ?? '';
  if (!/^[\w-]{1,64}$/.test(sessionId)) return undefined;
  switch (last('status')) {
    case 'returned': {
      const code = last('code');
      return { status: 'returned', sessionId, ...(code !== undefined && { code }) };
    }
    case 'failed': {
      const error = last('error') ?? '';
      return { status: 'failed', sessionId, error: isFailure(error) ? error : 'unknown' };
    }
    case 'sdk_required': {
      const provider = last('provider') ?? '';
      return /^\w{1,40}$/.test(provider) ? { status: 'sdk_required', sessionId, provider } : undefined;
    }
    default:
      return undefined;
  }
}

/** Removes the parameters that the API added. The rest of the URL stays unchanged. */
export function withoutReturn(url: string, { status }: Returned): string {
  const { before, parameters, fragment } = partsOf(url);
  const ours = ['session_id', 'status', added[status]].map(name => lastIndexOf(name, parameters));
  const kept = parameters.filter((_, index) => !ours.includes(index)).map(({ text }) => text);
  return `${before}${kept.length > 0 ? `?${kept.join('&')}` : ''}${fragment}`;
}

type Parameter = { text: string; name: string; value: string };

/**
 * Returns the index of the last parameter of this name: the API appends its parameters, so earlier ones are the app's.
 */
function lastIndexOf(name: string, parameters: readonly Parameter[]): number {
  return parameters.map(parameter => parameter.name).lastIndexOf(name);
}

// Parsed by hand, because React Native's URL does not read the query and every URL class normalizes its input.
function partsOf(url: string): { before: string; parameters: Parameter[]; fragment: string } {
  const [, before = '', query = '', fragment = ''] = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(url) ?? [];
  const parameters = query === '' ? [] : query.split('&').map(readParameter);
  return { before, parameters, fragment };
}

function readParameter(text: string): Parameter {
  const [name = '', ...value] = text.split('=');
  return { text, name: decode(name), value: decode(value.join('=')) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replace(/\+/g, ' '));
  } catch {
    return '';
  }
}

function isFailure(error: string): error is SessionFailure {
  return Object.keys(failures).includes(error);
}
