import type * as z from 'zod/mini';
import type * as routes from '../../functions/routes';

type Connection = z.infer<typeof routes.Connection>;
type Session = z.infer<typeof routes.Session>;
type Opened = z.infer<(typeof routes.createSession.replies)[201]>;

/** Made-up ids of the right form, the same in all examples. */
export const ids = {
  session: 'q0NnN7dTtqVbYyPZ1n3p4A',
  connection: 'mJ1Yf3b2Q0c5V8xWc4u6Zw',
  reference: 'w8Yk2mC5pR1tVx9bQeLhNz3aGf7uJd0S',
  terraUser: '40f7b0e1-89e2-43ac-a5b8-1e29c8d47cad',
  state:
    'dzhZazJtQzVwUjF0Vng5YlFlTGhOejNhR2Y3dUpkMFM.q0NnN7dTtqVbYyPZ1n3p4A.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8',
  code: 'dzhZazJtQzVwUjF0Vng5YlFlTGhOejNhR2Y3dUpkMFM.q0NnN7dTtqVbYyPZ1n3p4A.Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA',
} as const;

const garmin = { id: ids.connection, provider: 'GARMIN' };
const scopes = ['ACTIVITY_EXPORT', 'HEALTH_EXPORT'];

/** One connection in each status. */
export const connection = {
  unconfirmed: {
    id: 'T5b0k9Vq2yWm7sRj1xZcLg',
    provider: 'OURA',
    status: 'unconfirmed',
    reason: 'awaiting_confirmation',
    scopes: [],
    needsAction: 'confirm',
    updatedAt: '2026-11-22T09:05:00.000Z',
    version: 1763802300000,
  },
  connected: {
    ...garmin,
    status: 'connected',
    terraUserId: ids.terraUser,
    connectedAt: '2026-11-20T18:31:07.412Z',
    scopes,
    lastDataAt: '2026-11-22T08:00:12.000Z',
    updatedAt: '2026-11-22T08:00:12.300Z',
    version: 1763798412300,
  },
  error: {
    ...garmin,
    status: 'error',
    reason: 'provider_rejected',
    terraUserId: ids.terraUser,
    connectedAt: '2026-11-20T18:31:07.412Z',
    scopes,
    needsAction: 'reconnect',
    updatedAt: '2026-11-22T10:00:00.000Z',
    version: 1763805600000,
  },
  disconnecting: {
    ...garmin,
    status: 'disconnecting',
    reason: 'owner',
    terraUserId: ids.terraUser,
    connectedAt: '2026-11-20T18:31:07.412Z',
    scopes,
    updatedAt: '2026-11-22T11:00:00.000Z',
    version: 1763809200000,
  },
  disconnected: {
    ...garmin,
    status: 'disconnected',
    reason: 'owner',
    terraUserId: ids.terraUser,
    connectedAt: '2026-11-20T18:31:07.412Z',
    scopes,
    updatedAt: '2026-11-22T11:00:01.000Z',
    version: 1763809201000,
  },
} satisfies Record<Connection['status'], Connection>;

const expiresAt = '2026-11-22T09:15:00.000Z';
const url = 'https://widget.tryterra.co/session/4d6b9d2e-5c0c-4f0e-9a55-0c8f1f1a2b3c';
const directUrl = 'https://connect.example.com/oauth/authorize?request=4d6b9d2e';
const direct = { id: ids.session, flow: 'direct', provider: 'GARMIN', expiresAt } as const;

/** One session in each status, and as it is opened. */
export const sessions = {
  opened: { id: ids.session, flow: 'widget', status: 'pending', url, expiresAt },
  openedDirect: { id: ids.session, flow: 'direct', status: 'pending', url: directUrl, expiresAt },
  pending: { id: ids.session, flow: 'widget', status: 'pending', url, expiresAt },
  returned: { ...direct, status: 'returned' },
  completed: { ...direct, status: 'completed', connectionId: ids.connection },
  failed: { ...direct, status: 'failed', failure: 'denied' },
  expired: { ...direct, status: 'expired', failure: 'expired' },
  rejected: { ...direct, status: 'rejected', failure: 'wrong_owner' },
} satisfies Record<Session['status'], Session> & { opened: Opened; openedDirect: Opened };
