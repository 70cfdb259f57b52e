import { sign } from '../../functions/core/terra/signature';
import { ids } from '../../infra/openapi/examples';
import { contract, resolved } from './contract';

/** A request that is right in everything its operation asks for, but for the token. */
export type PlainRequest = {
  operationId: string;
  method: string;
  path: string;
  body: string | undefined;
  headers: Record<string, string>;
  isForUser: boolean;
};

/** The development secret that the sandbox signs with. */
export const SIGNING_SECRET = 'local-signing-secret-of-the-sandbox';

/** A delivery of Terra's, signed now. */
export function signedDelivery(event: object) {
  const body = JSON.stringify(event);
  return { method: 'POST', body, headers: { 'content-type': 'application/json', ...signatureOf(body) } };
}

const signatureOf = (body: string) => ({
  'x-terra-signature': sign(body, SIGNING_SECRET, Math.floor(Date.now() / 1000)),
});

/** One request for each operation, from the document's own first examples. */
export function plainRequests(): PlainRequest[] {
  return Object.entries(contract.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, { operationId, security, requestBody }]) => {
      const [example] = Object.values(requestBody?.content['application/json']?.examples ?? {});
      const value = example && resolved<{ value?: unknown }>(example, '').part.value;
      const body = value === undefined ? undefined : JSON.stringify(value);
      const isSigned = security.some(scheme => 'terraSignature' in scheme);
      const path = template.replace('{state}', ids.state).replace('{id}', ids.session);
      return {
        operationId,
        method: method.toUpperCase(),
        path: template.endsWith('/success') ? `${path}?user_id=${ids.terraUser}` : path,
        body,
        headers: { 'content-type': 'application/json', ...(isSigned && signatureOf(body ?? '')) },
        isForUser: security.some(scheme => 'user' in scheme),
      };
    }),
  );
}

/** The request as `fetch` takes it, as if this user sent it; the token counts on user routes only. */
export function sentBy(token: string | undefined, { method, body, headers, isForUser }: PlainRequest) {
  const isSignedIn = isForUser && token !== undefined;
  return {
    method,
    headers: { ...headers, ...(isSignedIn && { authorization: `Bearer ${token}` }) },
    ...(body !== undefined && { body }),
  };
}
