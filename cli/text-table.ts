const GAP = '  ';

/** Formats rows in columns under a heading. Shows empty cells as a dash. */
export function textTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heading, ...rows.map(row => row.map(cell => cell || '-'))];
  const widths = heading.map((_, column) => Math.max(...all.map(row => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd();
  return [line(heading), widths.map(width => '-'.repeat(width)).join(GAP), ...all.slice(1).map(line)].join('\n');
}

/** Formats one pair of name and value per line, with aligned values. */
export function textPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}${GAP}${value || '-'}`).join('\n');
}
