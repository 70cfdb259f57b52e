import { createHmac } from 'node:crypto';
import { request } from 'node:https';

/** What every function needs of Node whatever it is written with: TLS and a MAC. */
export const handler = async () => ({ request, createHmac });
