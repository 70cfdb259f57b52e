import { systemClock } from '../../functions/core/platform/clock';
import { type Command, type CommandContext, findDeployment, runCommand } from '../../cli/command';
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
    log: line => void (shown.err += `${line}\n`),
    isInteractive: answers !== undefined,
    readAll: async () => stdin,
    ask: next,
    askHidden: next,
  };
  return { terminal, shown };
}

/** Runs a command as its program would, with words split at spaces. */
export async function run(command: Command, line: string, typed: Typed = {}, around: Partial<CommandContext> = {}) {
  const { terminal, shown } = fakeTerminal(typed);
  const context = { terminal, clock: systemClock, findDeployment, ...around };
  const code = await runCommand(command, line.split(' ').filter(Boolean), context);
  return { code, ...shown };
}
