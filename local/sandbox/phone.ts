import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { connect, isFull } from './connecting';
import { type HttpRequest, json, parseJson, type Reply } from './http';
import { findProvider } from './providers';
import type { World } from './world';

const Redemption = z.object({
  token: z.string(),
  reference_id: z.string().nullish(),
  provider: z.string(),
  device_id: z.string().nullish(),
});

const DEFAULT_DEVICE = 'phone-1';

/**
 * POST /sandbox/phone/connect: redeems a token as the SDK's initConnection does on a phone. The real endpoint of
 * Terra's SDKs is not published, so the path and the answer `{success,error?}` are our own; the error names are the
 * Android SDK's.
 */
export function redeemToken(world: World, request: HttpRequest): Reply {
  const read = Redemption.safeParse(parseJson(request.body)?.value);
  if (!read.success) return failed(400, 'TerraInvalidRequest');
  const { clock, tokens, users } = world;
  const provider = findProvider(read.data.provider);
  if (!provider?.enabled || provider.kind !== 'sdk') return failed(400, 'UnSupportedResource');
  const token = tokens.find(read.data.token);
  if (!token || token.used || token.expiresAtMs <= clock.now()) return failed(401, 'InvalidAuthToken');
  token.used = true;
  if (isFull(world)) return failed(403, 'UserLimitExceeded');

  const referenceId = token.boundTo ?? (read.data.reference_id || null);
  const deviceId = read.data.device_id || DEFAULT_DEVICE;
  // FAQ detect-existing-connection-disconnect: a phone keeps its Terra user after a reinstall.
  const known = users
    .all()
    .find(user => user.provider === provider.id && user.referenceId === referenceId && user.deviceId === deviceId);
  const { user } = connect(world, {
    userId: known?.userId ?? randomUUID(),
    provider: provider.id,
    referenceId,
    account: `device:${deviceId}`,
    deviceId,
    scopes: provider.scopes,
    origin: { widgetSessionId: null, flowId: null },
  });
  return json(200, { success: true, user_id: user.userId });
}

function failed(status: number, error: string): Reply {
  return json(status, { success: false, error });
}
