import { AbstractKeyIterator, AbstractValueIterator } from 'abstract-level';

/**
 * Lets dynalite end its iterators: it calls a method that the store it uses no longer has. One that is not ended stays in memory
 * for as long as the table, and every query makes one (dynalite 4.0.0, abstract-level 3.1.1).
 */
export function letIteratorsEnd(): void {
  for (const { prototype } of [AbstractKeyIterator, AbstractValueIterator]) {
    Object.assign(prototype, {
      return(this: { close(): Promise<void> }) {
        return this.close();
      },
    });
  }
}
