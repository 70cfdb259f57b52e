import { systemClock } from '../../functions/core/platform/clock';
import { type Command, runCommand, type Surroundings } from '../../cli/command';
import { findDeployment } from '../../cli/find-deployment';
import type { Terminal } from '../../cli/terminal';

type Typed = { stdin?: string; answers?: readonly string[] };

/** A terminal that records its output; with `answers` it is interactive. */
export function fakeTerminal({ stdin = '', answers }: Typed = {}) {
  const left = [...(answers ?? [])];
  const shown = { out: '', err: '' };
  const next = async (question: string) => {
    shown.err += question;
    return left.shift() ?? '';
  };
  const terminal: Terminal = {
    print: line => void (shown.out += `${line}\n`),
    tell: line => void (shown.err += `${line}\n`),
    isInteractive: answers !== undefined,
    readAll: async () => stdin,
    ask: next,
    askHidden: next,
  };
  return { terminal, shown };
}

/** Runs a command as its program would, with words split at spaces. */
export async function run(command: Command, line: string, typed: Typed = {}, around: Partial<Surroundings> = {}) {
  const { terminal, shown } = fakeTerminal(typed);
  const surroundings = { terminal, clock: systemClock, find: findDeployment, ...around };
  const code = await runCommand(command, line.split(' ').filter(Boolean), surroundings);
  return { code, ...shown };
}
