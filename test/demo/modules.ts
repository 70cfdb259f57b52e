import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const folder = join(__dirname, '../../local/demo');

export const files = readdirSync(folder);

export const read = (file: string): string => readFileSync(join(folder, file), 'utf8');

/** A module of the page. Its types are comments, which the compiler reads there only: here they are said once more. */
export const load = <M extends object>(file: string): M => jest.requireActual<M>(join(folder, file));
