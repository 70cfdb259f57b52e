import type { Switchboard } from './switchboard';
import type { SandboxUser } from './users';

/** Terra's record of a user in every answer and event. OpenAPI, TerraUser. */
export type TerraUser = {
  user_id: string;
  provider: string;
  created_at?: string | number;
  last_webhook_update: string | null;
  scopes: string | readonly string[] | null;
  reference_id: string | null;
  active: boolean;
};

/** Formats a time as Terra does, with microseconds and an offset: 2026-07-01T09:12:33.891000+00:00. */
export function terraTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000+00:00');
}

export function terraUser(user: SandboxUser, switches: Switchboard, active = user.active): TerraUser {
  return {
    user_id: user.userId,
    provider: user.provider,
    ...createdAtOf(user, switches),
    last_webhook_update: user.lastDataAtMs === null ? null : terraTime(user.lastDataAtMs),
    scopes: scopesOf(user, switches),
    reference_id: user.referenceId,
    active,
  };
}

function createdAtOf({ createdAtMs }: SandboxUser, switches: Switchboard): Pick<TerraUser, 'created_at'> {
  const form = switches.knob('userCreatedAt');
  switch (form) {
    case 'present':
      return { created_at: terraTime(createdAtMs) };
    case 'absent':
      return {};
    case 'epoch_seconds':
      return { created_at: createdAtMs / 1000 };
    default:
      return form satisfies never;
  }
}

function scopesOf(user: SandboxUser, switches: Switchboard): TerraUser['scopes'] {
  const form = switches.knob('scopesForm');
  switch (form) {
    case 'comma':
      return user.scopes.join(',');
    case 'padded':
      return ` ${user.scopes.join(' , ')} `;
    case 'empty':
      return '';
    case 'null':
      return null;
    case 'list':
      return user.scopes;
    default:
      return form satisfies never;
  }
}
