import { type Comparison, isReached, ratio, type Spread, spread, targetText } from './comparison.ts';

/** The results as a table, and what a reader should know below it. */
export function reportTable(comparisons: readonly Comparison[]): string {
  const header = ['measured', 'median (min–max)', 'compared with', 'median (min–max)', 'ratio (min–max)', 'target', ''];
  const rows = comparisons.map((comparison) => [
    comparison.name,
    `${spreadText(spread(comparison.values))} ${comparison.unit}`,
    comparison.comparedWith,
    `${spreadText(spread(comparison.others))} ${comparison.unit}`,
    ratioText(ratio(comparison)),
    targetText(comparison.target),
    isReached(comparison) ? 'reached' : 'NOT reached',
  ]);
  const notes = comparisons.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`));
  const lines = [...new Set(notes)].map((note) => `- ${note}`);
  return `${markdownTable([header, ...rows])}\n${lines.length > 0 ? `\n${lines.join('\n')}\n` : ''}`;
}

export function ratioText({ median, min, max }: Spread): string {
  return `${median.toFixed(2)}x (${min.toFixed(2)}–${max.toFixed(2)})`;
}

function spreadText({ median, min, max }: Spread): string {
  return `${numberText(median)} (${numberText(min)}–${numberText(max)})`;
}

function numberText(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [header = [], ...body] = rows;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(header), rule, ...body.map(line)].join('\n');
}
