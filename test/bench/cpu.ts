import { execFileSync } from 'node:child_process';
import type { NodeVersion } from './node-versions';

/** A program as `node -e` takes it, up to the moment that counts. */
export type Program = { readonly name: string; readonly code: string };

/** A program's CPU milliseconds, and their ratio to a bare Node process, round by round. */
export type Rounds = { readonly ms: number[]; readonly ratios: number[] };

/** Told after the moment that counts: user and system time of all threads since the process began, Node's own start included. */
const report = `const{user,system}=process.cpuUsage();require("node:fs").writeSync(1,String(user+system));process.exit(0)`;

/** Nothing at all, and what a file is until its handler has what it needs for the first event. */
export const bare: Program = { name: 'bare node', code: report };
export const readyProgram = (name: string, file: string, isScheduled = false): Program => ({
  name,
  code: file.endsWith('.mjs')
    ? `import(${JSON.stringify(file)}).then(()=>{${report}})`
    : // Lambda has its own console too. The event matches no route; it only creates the dependencies.
      `for(const level of ["debug","log","info","warn","error"])console[level]=()=>{};` +
      `const{handler}=require(${JSON.stringify(file)});` +
      // What a schedule starts begins its work with a look at the clock, as soon as it has its dependencies: there it ends.
      (isScheduled ? `Date.now=()=>{throw new Error("ready")};` : '') +
      `Promise.resolve(handler({routeKey:"none",headers:{},requestContext:{requestId:"r"},Records:[]})).catch(()=>{});${report}`,
});

/** Runs every program once a round, each together with a bare Node process, so that other load affects both. By name. */
export function againstBare(
  node: NodeVersion,
  programs: readonly Program[],
  rounds: number,
  env: Record<string, string>,
): (name: string) => Rounds {
  const runs = new Map([bare, ...programs].map(({ name }): [string, Rounds] => [name, { ms: [], ratios: [] }]));
  const of = (name: string) => {
    const found = runs.get(name);
    if (!found) throw new Error(`${name} was not measured`);
    return found;
  };
  const note = (name: string, ms: number, beside: number) => {
    of(name).ms.push(ms);
    of(name).ratios.push(ms / beside);
  };
  for (let round = 0; round < rounds; round++) {
    for (const program of programs) {
      const beside = cpuOf(node, bare, env);
      note(bare.name, beside, beside);
      note(program.name, cpuOf(node, program, env), beside);
    }
  }
  return of;
}

/** CPU milliseconds of a program until it reports. */
function cpuOf({ path }: NodeVersion, { name, code }: Program, env: Record<string, string>): number {
  const text = execFileSync(path, ['-e', code], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const microseconds = Number(text);
  if (!(microseconds > 0)) throw new Error(`${name} reported ${JSON.stringify(text.slice(0, 200))}`);
  return microseconds / 1000;
}

/** The median of what one list is of another, round by round. */
export const medianQuotient = (ours: readonly number[], theirs: readonly number[]): number =>
  median(ours.map((each, round) => each / (theirs[round] ?? Number.NaN)));

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
