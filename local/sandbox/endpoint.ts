import type { HttpRequest, Reply } from './http';
import type { World } from './world';

/** One endpoint of Terra's. `note` puts a remark into the history. */
export type Endpoint = (world: World, request: HttpRequest, note: (remark: string) => void) => Reply;
