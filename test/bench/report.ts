/** One figure of one target. `limit` makes it a gate; without one it is there to compare with. */
export type Row = {
  /** Of the table of targets; rows of the same number stay together. */
  readonly target: number;
  readonly what: string;
  readonly figure: number;
  readonly unit: string;
  readonly limit?: number;
  /** The Node it was measured on. */
  readonly node: string;
};

/** A step from nothing to the usual way: what loads, and how much longer than a bare Node it computes until it is ready. */
export type LadderStep = {
  readonly name: string;
  readonly node: string;
  /** Undefined for what is not one file. */
  readonly kib: number | undefined;
  readonly ratio: number;
};

/** Everything measured in one run. */
export type Report = {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly platform: string };
  readonly measuredAt: string;
  readonly rounds: number;
  readonly rows: readonly Row[];
  readonly ladder: readonly LadderStep[];
};

export const holds = ({ figure, limit }: Row): boolean => limit === undefined || figure <= limit;

/** Formats the rows as a table: target, figure, verdict, machine. */
export function reportTable({ machine, measuredAt, rounds, rows }: Report): string {
  const cells = rows
    .toSorted((a, b) => a.target - b.target)
    .map(row => [
      row.target === 0 ? '' : String(row.target),
      row.what,
      `${rounded(row.figure)} ${row.unit}`.trim(),
      row.limit === undefined ? '' : `≤ ${row.limit}`,
      row.limit === undefined ? '' : holds(row) ? 'holds' : 'MISSED',
      row.node,
    ]);
  const table = [['#', 'target', 'figure', 'gate', 'verdict', 'Node'], ...cells];
  const widths = table[0]?.map((_, column) => Math.max(...table.map(row => (row[column] ?? '').length))) ?? [];
  const lines = table.map(row =>
    row
      .map((cell, column) => (column === 2 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const missed = rows.filter(row => !holds(row));
  const verdict =
    missed.length === 0
      ? 'Every gate holds.'
      : `${missed.length} of ${rows.length} figures ${missed.length === 1 ? 'misses its' : 'miss their'} gate.`;
  const where = `${machine.cpu}, ${machine.cores} cores, ${machine.platform}; ${measuredAt}; medians of ${rounds} rounds`;
  return `${lines.join('\n')}\n\n${verdict}\nMeasured on ${where}.\n`;
}

export function rounded(figure: number): string {
  if (Number.isInteger(figure)) return String(figure);
  return figure.toFixed(figure < 10 ? 2 : figure < 100 ? 1 : 0);
}
