import { type Endpoint, json } from './http';
import { providers } from './providers';

const allTypes = ['activity', 'body', 'nutrition', 'daily', 'sleep', 'menstruation'];

/** GET /v2/integrations: public; returns the whole catalogue. */
export const integrations: Endpoint = world => {
  const idsOf = (kind: 'web' | 'sdk') => providers.filter(provider => provider.kind === kind).map(({ id }) => id);
  return json(200, {
    status: 'success',
    providers: idsOf('web'),
    [world.switches.knob('sdkListField')]: idsOf('sdk'),
  });
};

/**
 * GET /v2/integrations/detailed: public, reads only dev-id. With it, returns what that environment has enabled; without
 * it everything, marked as enabled (agent skills, auth-integrations-endpoint-headers). The answer to an unknown dev-id
 * is not documented; here it is an empty list.
 */
export const integrationsDetailed: Endpoint = (world, request) => {
  const devId = request.headers['dev-id'];
  const withSdk = request.query.get('sdk') === 'true';
  const listed = providers.filter(provider => {
    if (provider.kind === 'sdk' && !withSdk) return false;
    return devId === undefined || (devId === world.devId && provider.enabled);
  });
  return json(200, {
    status: 'success',
    providers: listed.map(provider => ({
      provider: provider.id,
      name: provider.name,
      icon: `${world.url}/sandbox/icons/${provider.id}.svg`,
      setup: provider.kind === 'sdk' ? 'SDK' : 'API_KEYS_MANAGED',
      enabled: true,
      types: Object.fromEntries(allTypes.map(type => [type, provider.types.includes(type)])),
    })),
  });
};
