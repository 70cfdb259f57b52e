import { cachedProviders } from '../core/terra/catalogue';
import * as dependencies from '../core/platform/dependencies';
import { type Behaviour, on, serve } from '../core/http/serve';
import type { TerraProvider } from '../core/terra/terra';
import { listProviders } from '../routes';

type Deps = { offered: () => Promise<TerraProvider[]> };

/** The providers this Terra account offers, by name. */
export const list: Behaviour<typeof listProviders, Deps> = async (_request, { offered }) => {
  const providers = await offered();
  return { status: 200, body: { providers: providers.toSorted((a, b) => a.name.localeCompare(b.name)) } };
};

export const handler = serve([on(listProviders, list)], () => ({
  serve: dependencies.serveDeps(),
  offered: cachedProviders(dependencies.terra(), dependencies.clock),
}));
