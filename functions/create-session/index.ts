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
  /** Where Terra sends browsers back to, without a slash at the end. */
  callbackBase: string;
  /** Sessions an owner may open in ten minutes. */
  limit: number;
};

type Reply = ReplyOf<typeof createSession>;
type Wish = {
  flow: 'widget' | 'direct';
  providers: string[] | undefined;
  returnTo: string;
  language: string | undefined;
};

const KEEP = 2 * DAY;
/** An attempt that has not brought a link after this long is taken for dead. */
const CLAIM_LIFE = 15 * SECOND;

/** Opens a session: a link to Terra's widget or to one provider, which the owner follows to connect. */
export const openSession: Behaviour<typeof createSession, Deps> = async ({ caller, body, headers, note }, deps) => {
  const wish = readWish(body, deps.returnTargets);
  const idempotencyKey = readIdempotencyKey(headers['idempotency-key']);
  const owner = await deps.ownerOf(caller);
  const records = await deps.store.load(owner.referenceId);
  if (isErasing(records)) throw erasing();
  if (idempotencyKey === undefined) {
    refuseIfFull(records, 'sessions', { ...deps, note });
    await countUse(owner.referenceId, 'sessions', deps.limit, deps);
    return opened(await open(owner, newId(deps.random), wish, undefined, deps), deps);
  }

  const id = keyedSessionId(await deps.referenceKey(), owner.referenceId, idempotencyKey);
  const bodyHash = createHash('sha256').update(JSON.stringify(wish)).digest('base64url');
  const { sessions, claims } = records;
  const known = sessions.find(session => session.id === id) ?? claims.find(claim => claim.id === id);
  if (known && known.bodyHash !== bodyHash) {
    throw new Problem('idempotency_conflict', 'This Idempotency-Key was used with another body.');
  }
  if (known && 'stateHash' in known) {
    note({ outcome: 'repeated' });
    return opened(known, deps);
  }
  if (!known) refuseIfFull(records, 'sessions', { ...deps, note });
  const claim = await take(owner, id, bodyHash, known, deps);
  try {
    return opened(await open(owner, id, wish, claim, deps), deps);
  } catch (error) {
    // Given up at once, so that the same key may be tried again without waiting.
    await deps.store.claimSession({ ...claim, claimedAt: 0 }, claim.attempt);
    throw error;
  }
};

/** Holds the session's place, or throws while another attempt does. */
async function take(owner: Owner, id: string, bodyHash: string, held: Claim | undefined, deps: Deps): Promise<Claim> {
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
  // Counted before anything is written, so that keys beyond the limit leave nothing behind.
  if (isFree) await countUse(owner.referenceId, 'sessions', deps.limit, deps);
  if (isFree && (await deps.store.claimSession(claim, held?.attempt))) return claim;
  throw new Problem('in_progress', 'The first request with this Idempotency-Key is under way.', {
    retryAfterSeconds: 1,
  });
}

/** Asks Terra for the link and stores the session; a crash in between leaves only an unseen link that expires by itself. */
async function open(owner: Owner, id: string, wish: Wish, claim: Claim | undefined, deps: Deps): Promise<SessionRow> {
  const createdAt = deps.clock();
  const secret = newSecret(deps.random);
  const link = await askTerra(
    owner,
    writeStateToken({ referenceId: owner.referenceId, sessionId: id, secret }),
    wish,
    deps,
  );
  const session = newSession(owner, id, wish, secret, link, createdAt, claim);
  if (await deps.store.openSession(session, claim?.attempt)) return session;
  throw new Problem('in_progress', 'Another request with this Idempotency-Key took over.', { retryAfterSeconds: 1 });
}

function askTerra(owner: Owner, state: string, { flow, providers, language }: Wish, deps: Deps): Promise<TerraLink> {
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
  { flow, providers, returnTo, language }: Wish,
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

function opened(session: SessionRow, { clock, confirmation }: Deps): Reply {
  const { id, url, expiresAt } = session;
  const flow = flowOf(session) ?? 'widget';
  const status = sessionStatus(session, clock(), confirmation);
  return {
    status: 201,
    headers: { location: `/v1/sessions/${id}` },
    body: { id, flow, status, ...(url !== undefined && { url }), expiresAt: isoTime(expiresAt) },
  };
}

function readWish(body: z.infer<typeof createSession.body>, returnTargets: ReadonlyMap<string, string>): Wish {
  const { provider, providers, returnTo, language } = body;
  if (provider !== undefined && providers !== undefined) {
    throw new Problem('invalid_request', 'Give provider (a direct link) or providers (a widget), not both.');
  }
  if (!returnTargets.has(returnTo))
    throw new Problem('invalid_request', 'returnTo names no return target of this deployment.');
  if (provider !== undefined && providerKind(provider) === 'sdk') {
    throw new Problem('provider_unavailable', 'This provider connects with the mobile SDK: mint a token instead.');
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
