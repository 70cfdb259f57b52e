import { z } from 'zod';
import { type HttpRequest, isJsonRequest, parseJson } from './http';

const text = z.string().nullish();

// OpenAPI, WidgetSessionParams and authenticateUser. Other fields are ignored, as Terra does.
const Fields = z.looseObject({
  providers: text,
  language: text,
  reference_id: text,
  auth_success_redirect_url: text,
  auth_failure_redirect_url: text,
  show_disconnect: z.boolean().nullish(),
});

export type LinkFields = {
  referenceId: string | null;
  successUrl: string | null;
  failureUrl: string | null;
  offered: readonly string[] | null;
  language: string;
  showDisconnect: boolean;
};

/** Reads the body of a request for a link, or returns what is wrong with it. */
export function readLinkRequest(
  request: HttpRequest,
  note: (remark: string) => void,
  body: 'required' | 'optional',
): { fields: LinkFields } | { wrong: string } {
  // FAQ auth-success-redirect-not-firing: without the header Terra ignores the body.
  const isJson = request.body.length > 0 && isJsonRequest(request);
  if (request.body.length > 0 && !isJson) note('body ignored: Content-Type is not application/json');
  if (request.body.length === 0 && body === 'required') return { wrong: 'request body is required' };
  const parsed = isJson ? parseJson(request.body) : { value: {} };
  if (!parsed) return { wrong: 'request body is not valid JSON' };
  const fields = Fields.safeParse(parsed.value);
  if (!fields.success) return { wrong: describeError(fields.error) };

  const { auth_success_redirect_url: successUrl, auth_failure_redirect_url: failureUrl } = fields.data;
  if (successUrl && !isUrl(successUrl)) return { wrong: 'auth_success_redirect_url is not a valid URL' };
  if (failureUrl && !isUrl(failureUrl)) return { wrong: 'auth_failure_redirect_url is not a valid URL' };
  return {
    fields: {
      referenceId: fields.data.reference_id || null,
      successUrl: successUrl || null,
      failureUrl: failureUrl || null,
      offered: namesIn(fields.data.providers),
      language: /^[a-z]{2}(-[A-Z]{2})?$/.test(fields.data.language ?? '') ? (fields.data.language ?? 'en') : 'en',
      showDisconnect: fields.data.show_disconnect === true,
    },
  };
}

function namesIn(list: string | null | undefined): string[] | null {
  const names = (list ?? '')
    .split(',')
    .map(name => name.trim().toUpperCase())
    .filter(name => name !== '');
  return names.length > 0 ? names : null;
}

function describeError(error: z.ZodError): string {
  const [issue] = error.issues;
  const field = issue?.path.join('.');
  return field ? `invalid ${field}` : 'request body must be an object';
}

// Any scheme is allowed, because apps use deep links (docs customising-authentication-redirects). Only visible ASCII is
// safe in the Location header.
function isUrl(given: string): boolean {
  return URL.canParse(given) && /^[!-~]+$/.test(given);
}
