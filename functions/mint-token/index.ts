import { cachedProviders } from '../core/terra/catalogue';
import { type Clock, isoTime, SECOND } from '../core/platform/clock';
import { erasing, isErasing } from '../core/state/erasure';
import { Problem } from '../core/http/errors';
import * as dependencies from '../core/platform/dependencies';
import type { Owner, SignedIn } from '../core/state/owner';
import { providerId, providerKind } from '../core/terra/providers';
import { countUse, refuseIfFull } from '../core/state/quota';
import { newId, type Random } from '../core/platform/random';
import { type Behaviour, on, serve } from '../core/http/serve';
import { PROOF_WAIT } from '../core/state/session';
import type { Store } from '../core/store/store';
import type { Terra, TerraProvider } from '../core/terra/terra';
import { mintToken } from '../routes';

type Deps = {
  store: Pick<Store, 'load' | 'addTokenRecord' | 'countUse'>;
  terra: Pick<Terra, 'mintToken'>;
  /** Terra's catalogue. */
  offered: () => Promise<TerraProvider[]>;
  ownerOf: (caller: SignedIn) => Promise<Owner>;
  clock: Clock;
  random: Random;
  /** Tokens an owner may mint in ten minutes. */
  limit: number;
};

/** Mints one SDK token and remembers that it did, for that is the proof of the connection the phone then makes. */
export const mint: Behaviour<typeof mintToken, Deps> = async ({ caller, body, note }, deps) => {
  const provider = body.provider === undefined ? undefined : providerId(body.provider);
  if (provider !== undefined && !(await connectsOnPhone(provider, deps))) {
    throw new Problem('provider_unavailable', 'This provider connects in the browser: open a session instead.');
  }
  const { sub, referenceId } = await deps.ownerOf(caller);
  const records = await deps.store.load(referenceId);
  if (isErasing(records)) throw erasing();
  refuseIfFull(records, 'mints', { ...deps, note });
  await countUse(referenceId, 'mints', deps.limit, deps);

  const createdAt = deps.clock();
  const { token, expiresInSeconds } = await deps.terra.mintToken(referenceId);
  const expiresAt = createdAt + expiresInSeconds * SECOND;
  const isStored = await deps.store.addTokenRecord({
    owner: referenceId,
    id: newId(deps.random),
    sub,
    ...(provider !== undefined && { provider }),
    createdAt,
    expiresAt,
    purgeAt: Math.ceil((expiresAt + PROOF_WAIT) / SECOND),
    version: 1,
  });
  if (!isStored) throw new Error('a new mint met an old id');
  return { status: 201, body: { token, referenceId, expiresIn: expiresInSeconds, expiresAt: isoTime(expiresAt) } };
};

/** Our list knows most providers; Terra's catalogue decides about the others. */
async function connectsOnPhone(provider: string, { offered }: Pick<Deps, 'offered'>): Promise<boolean> {
  if (providerKind(provider) === 'sdk') return true;
  return (await offered()).some(({ id, kind }) => id === provider && kind === 'sdk');
}

export const handler = serve([on(mintToken, mint)], () => {
  const terra = dependencies.terra();
  return {
    serve: dependencies.serveDeps(),
    store: dependencies.store(),
    terra,
    offered: cachedProviders(terra, dependencies.clock),
    ownerOf: dependencies.ownerOf({ mayBeFirst: true }),
    clock: dependencies.clock,
    random: dependencies.random,
    limit: dependencies.positive('MINT_LIMIT'),
  };
});
