import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const SandboxUser = z.strictObject({
  userId: z.string(),
  provider: z.string(),
  referenceId: z.string().nullable(),
  /** The provider account, which distinguishes a reconnection from a second account. */
  account: z.string(),
  deviceId: z.string().nullable(),
  scopes: z.array(z.string()),
  createdAtMs: z.number(),
  lastDataAtMs: z.number().nullable(),
  active: z.boolean(),
});

/** A Terra user, with the fields that only the sandbox has. */
export type SandboxUser = z.infer<typeof SandboxUser>;

export interface Users {
  all(): readonly SandboxUser[];
  find(userId: string): SandboxUser | undefined;
  put(user: SandboxUser): void;
  remove(userId: string): void;
  clear(): void;
}

const FILE_NAME = 'terra-users.json';

/** Opens the list of Terra users. `dataDir` keeps it between runs. */
export function openUsers(dataDir: string | undefined): Users {
  const byId = new Map(dataDir === undefined ? [] : readUsers(dataDir).map(user => [user.userId, user] as const));

  function save(): void {
    if (dataDir === undefined) return;
    const file = join(dataDir, FILE_NAME);
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify([...byId.values()], null, 2));
    renameSync(`${file}.new`, file);
  }

  return {
    all: () => [...byId.values()],
    find: userId => byId.get(userId),
    put(user) {
      byId.set(user.userId, user);
      save();
    },
    remove(userId) {
      byId.delete(userId);
      save();
    },
    clear() {
      byId.clear();
      save();
    },
  };
}

function readUsers(dataDir: string): SandboxUser[] {
  const file = join(dataDir, FILE_NAME);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  try {
    return z.array(SandboxUser).parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${file} does not contain the sandbox's users; delete it to start empty`, { cause });
  }
}
