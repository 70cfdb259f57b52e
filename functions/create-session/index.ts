import { createHash } from 'node:crypto';
import type * as z from 'zod/mini';
import { type Clock, DAY, isoTime, type Instant, SECOND } from '../core/platform/clock';
import { erasing, isErasing } from '../core/state/erasure';
import { Problem } from '../core/http/errors';
import * as dependencies from '../core/platform/dependencies';
import { keyedSessionId, type Owner, type SignedIn } from '../core/state/owner';
import { providerId, providerKind } from '../core/terra/providers';
import { countUse, refuseIfFull } from '../core/state/quota';
import { newId, newSecret, type Random } from '../core/platform/random';
import { type Behaviour, on, type ReplyOf, serve } from '../core/http/serve';
import {
  type Claim,
  type Confirmation,
  FINISH_WITHIN,
  flowOf,
  type SessionRow,
  sessionStatus,
} from '../core/state/session';
import type { Store } from '../core/store/store';
import type { Terra, TerraLink } from '../core/terra/terra';
import { hashOf, writeStateToken } from '../core/state/state-token';
import { createSession } from '../routes';

type Deps = {
  store: Pick<Store, 'load' | 'countUse' | 'openSession' | 'claimSession'>;
  terra: Pick<Terra, 'openWidget' | 'openDirect'>;
  ownerOf: (caller: SignedIn) => Promise<Owner>;
  referenceKey: () => Promise<string>;
  clock: Clock;
  random: Random;
  confirmation: Confirmation;
  returnTargets: ReadonlyMap<string, string>;
  /** The base of the callback URLs, without a trailing slash. */
  callbackBase: string;
  /** The number of sessions an owner may create in ten minutes. */
  limit: number;
};

type Reply = ReplyOf<typeof createSession>;
type Input = {
  flow: 'widget' | 'direct';
  providers: string[] | undefined;
  returnTo: string;
  language: string | undefined;
};

const KEEP = 2 * DAY;
/** A claim without a session after this time is abandoned. */
const CLAIM_LIFE = 15 * SECOND;

/** Creates a session with a link to Terra's widget or to one provider. */
export const openSession: Behaviour<typeof createSession, Deps> = async ({ caller, body, headers, note }, deps) => {
  const input = readInput(body, deps.returnTargets);
  const idempotencyKey = readIdempotencyKey(headers['idempotency-key']);
  const owner = await deps.ownerOf(caller);
  const records = await deps.store.load(owner.referenceId);
  if (isErasing(records)) throw erasing();
  if (idempotencyKey === undefined) {
    refuseIfFull(records, 'sessions', { ...deps, note });
    await countUse(owner.referenceId, 'sessions', deps.limit, deps);
    return sessionReply(await open(owner, newId(deps.random), input, undefined, deps), deps);
  }

  const id = keyedSessionId(await deps.referenceKey(), owner.referenceId, idempotencyKey);
  const bodyHash = createHash('sha256').update(JSON.stringify(input)).digest('base64url');
  const { sessions, claims } = records;
  const known = sessions.find(session => session.id === id) ?? claims.find(claim => claim.id === id);
  if (known && known.bodyHash !== bodyHash) {
    throw new Problem('idempotency_conflict', 'This Idempotency-Key was used with another body. Use a new key.');
  }
  if (known && 'stateHash' in known) {
    note({ outcome: 'repeated' });
    return sessionReply(known, deps);
  }
  if (!known) refuseIfFull(records, 'sessions', { ...deps, note });
  const claim = await reserve(owner, id, bodyHash, known, deps);
  try {
    return sessionReply(await open(owner, id, input, claim, deps), deps);
  } catch (error) {
    // Releases the claim, so that the same key can be used again at once.
    await deps.store.claimSession({ ...claim, claimedAt: 0 }, claim.attempt);
    throw error;
  }
};

/** Claims the session's id. Throws `in_progress` while another request holds it. */
async function reserve(
  owner: Owner,
  id: string,
  bodyHash: string,
  held: Claim | undefined,
  deps: Deps,
): Promise<Claim> {
  const now = deps.clock();
  const claim: Claim = {
    owner: owner.referenceId,
    id,
    sub: owner.sub,
    bodyHash,
    claimedAt: now,
    attempt: newId(deps.random),
    purgeAt: Math.ceil((now + KEEP) / SECOND),
  };
  const isFree = !held || now - held.claimedAt >= CLAIM_LIFE;
  // Counted before the claim is written, so that requests over the limit write no row.
  if (isFree) await countUse(owner.referenceId, 'sessions', deps.limit, deps);
  if (isFree && (await deps.store.claimSession(claim, held?.attempt))) return claim;
  throw new Problem('in_progress', 'Another request with this Idempotency-Key is in progress. Try again.', {
    retryAfterSeconds: 1,
  });
}

/** Asks Terra for the link and stores the session. A crash in between leaves an unused link that expires. */
async function open(owner: Owner, id: string, input: Input, claim: Claim | undefined, deps: Deps): Promise<SessionRow> {
  const createdAt = deps.clock();
  const secret = newSecret(deps.random);
  const state = writeStateToken({ referenceId: owner.referenceId, sessionId: id, secret });
  const link = await askTerra(owner, state, input, deps);
  const session = newSession(owner, id, input, secret, link, createdAt, claim);
  if (await deps.store.openSession(session, claim?.attempt)) return session;
  throw new Problem('in_progress', 'Another request with this Idempotency-Key replaced this one. Try again.', {
    retryAfterSeconds: 1,
  });
}

function askTerra(owner: Owner, state: string, { flow, providers, language }: Input, deps: Deps): Promise<TerraLink> {
  const request = {
    referenceId: owner.referenceId,
    language,
    successUrl: `${deps.callbackBase}/${state}/success`,
    failureUrl: `${deps.callbackBase}/${state}/failure`,
  };
  const [provider] = providers ?? [];
  return flow === 'direct' && provider !== undefined
    ? deps.terra.openDirect({ ...request, provider })
    : deps.terra.openWidget({ ...request, providers });
}

function newSession(
  owner: Owner,
  id: string,
  { flow, providers, returnTo, language }: Input,
  secret: string,
  link: TerraLink,
  createdAt: Instant,
  claim: Claim | undefined,
): SessionRow {
  const expiresAt = createdAt + link.expiresInSeconds * SECOND;
  const finishBy = expiresAt + FINISH_WITHIN;
  return {
    owner: owner.referenceId,
    id,
    sub: owner.sub,
    flow,
    ...(providers && { providers }),
    returnTo,
    ...(language !== undefined && { language }),
    createdAt,
    expiresAt,
    finishBy,
    url: link.url,
    stateHash: hashOf(secret),
    ...(claim && { bodyHash: claim.bodyHash }),
    ...(link.terraSessionId !== undefined && { terraSessionId: link.terraSessionId }),
    ...(link.terraUserId !== undefined && { terraUserId: link.terraUserId }),
    authorised: {},
    dueAt: finishBy + 1,
    purgeAt: Math.ceil((createdAt + KEEP) / SECOND),
    version: 1,
  };
}

function sessionReply(session: SessionRow, { clock, confirmation }: Deps): Reply {
  const { id, url, expiresAt } = session;
  const flow = flowOf(session) ?? 'widget';
  const status = sessionStatus(session, clock(), confirmation);
  return {
    status: 201,
    headers: { location: `/v1/sessions/${id}` },
    body: { id, flow, status, ...(url !== undefined && { url }), expiresAt: isoTime(expiresAt) },
  };
}

function readInput(body: z.infer<typeof createSession.body>, returnTargets: ReadonlyMap<string, string>): Input {
  const { provider, providers, returnTo, language } = body;
  if (provider !== undefined && providers !== undefined) {
    throw new Problem('invalid_request', 'Give provider (a direct link) or providers (a widget), not both.');
  }
  if (!returnTargets.has(returnTo))
    throw new Problem('invalid_request', 'returnTo is not a return target of this deployment.');
  if (provider !== undefined && providerKind(provider) === 'sdk') {
    throw new Problem(
      'provider_unavailable',
      'This provider connects with the mobile SDK. Create a token instead (POST /v1/tokens).',
    );
  }
  const named = provider === undefined ? providers : [provider];
  return {
    flow: provider === undefined ? 'widget' : 'direct',
    providers: named && [...new Set(named.map(providerId))],
    returnTo,
    language,
  };
}

function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header !== undefined && !/^[\x21-\x7e]{1,64}$/.test(header)) {
    throw new Problem('invalid_request', 'Idempotency-Key must be 1 to 64 visible ASCII characters.');
  }
  return header;
}

export const handler = serve([on(createSession, openSession)], () => {
  const referenceKey = dependencies.referenceKey();
  return {
    serve: dependencies.serveDeps(),
    store: dependencies.store(),
    terra: dependencies.terra(),
    ownerOf: dependencies.ownerOf({ mayBeFirst: true, readKey: referenceKey }),
    referenceKey,
    clock: dependencies.clock,
    random: dependencies.random,
    confirmation: dependencies.confirmation(),
    returnTargets: dependencies.returnTargets(),
    callbackBase: dependencies.required('CALLBACK_BASE'),
    limit: dependencies.positive('SESSION_LIMIT'),
  };
});
