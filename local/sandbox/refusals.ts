import { STATUS_CODES } from 'node:http';
import { answer, type HttpRequest, json, type Reply } from './http';
import type { World } from './world';

/** How the v2 API says no: problem+json since June 2026 (OpenAPI, Problem), {message,status} before. */
export function refuse(world: World, request: HttpRequest, status: number, detail: string): Reply {
  if (world.switches.knob('errorBody') === 'legacy') return refuseOldStyle(status, detail);
  const title = (STATUS_CODES[status] ?? 'error').toLowerCase();
  const problem = { type: 'about:blank', title, instance: request.target, detail };
  return answer(status, { 'content-type': 'application/problem+json' }, JSON.stringify(problem));
}

/** The older form, which the widget service still has. OpenAPI widget. */
export function refuseOldStyle(status: number, message: string): Reply {
  return json(status, { message, status: 'error' });
}
