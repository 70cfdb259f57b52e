import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { OperatorError } from './failure';

/** Input and output of a command. */
export type Terminal = {
  /** Writes the result to stdout: text, or JSON with `--json`. */
  print(line: string): void;
  /** Writes progress and errors to stderr. */
  log(line: string): void;
  readonly isInteractive: boolean;
  /** Reads stdin to its end. */
  readAll(): Promise<string>;
  ask(question: string): Promise<string>;
  /** Asks without echoing the input. */
  askHidden(question: string): Promise<string>;
};

/** The terminal of this process. Questions go to stderr, so that stdout can be piped. */
export const processTerminal: Terminal = {
  print: line => void process.stdout.write(`${line}\n`),
  log: line => void process.stderr.write(`${line}\n`),
  isInteractive: process.stdin.isTTY,
  readAll: () => text(process.stdin),
  ask: question => answerTo(question, process.stderr),
  async askHidden(question) {
    process.stderr.write(question);
    const answer = await answerTo('', new Writable({ write: (_chunk, _encoding, done) => done() }));
    process.stderr.write('\n');
    return answer;
  },
};

function answerTo(question: string, output: NodeJS.WritableStream): Promise<string> {
  const lines = createInterface({ input: process.stdin, output, terminal: true });
  return new Promise((resolve, reject) => {
    lines.once('close', () =>
      reject(new OperatorError('The question was not answered; nothing was changed', 'Run the command again.')),
    );
    lines.question(question, answer => {
      resolve(answer);
      lines.close();
    });
  });
}
