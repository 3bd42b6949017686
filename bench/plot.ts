// The results as a picture: a bar for each ratio, drawn on a scale on which every target stands at the same place.
import { type Comparison, isReached, ratio, score, targetText } from './comparison.ts';

const WIDTH = 1110;
const ROW = 44;
const TOP = 104;
const LEFT = 490;
const BARS = 360;

/** The scale: factors past the target, logarithmic. */
const SCORE_MIN = 1 / 4;
const SCORE_MAX = 4;

const COLORS = { reached: '#1f7a5c', missed: '#b4532a', text: '#1c2430', quiet: '#5c6775', line: '#c9d1da' };

export function plot(comparisons: readonly Comparison[], caption: string): string {
  const height = TOP + comparisons.length * ROW + 56;
  const bottom = TOP + comparisons.length * ROW;
  const ticks = [0.25, 0.5, 1, 2, 4].map((tick) => {
    const at = x(tick);
    const label = tick === 1 ? 'target' : tick < 1 ? `${1 / tick}× short` : `${tick}× past`;
    const color = tick === 1 ? COLORS.text : COLORS.line;
    return `<line x1="${at}" x2="${at}" y1="${TOP - 8}" y2="${bottom}" stroke="${color}" stroke-width="${tick === 1 ? 1.5 : 1}"/>
<text x="${at}" y="${TOP - 16}" text-anchor="middle" font-size="12" fill="${tick === 1 ? COLORS.text : COLORS.quiet}">${label}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif">
<title>points-ledger: what was measured, beside what it is compared with</title>
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text x="24" y="34" font-size="19" font-weight="600" fill="${COLORS.text}">points-ledger: what was measured, beside what it is compared with</text>
<text x="24" y="56" font-size="13" fill="${COLORS.quiet}">${xml(caption)}</text>
${ticks.join('\n')}
${comparisons.map(bar).join('\n')}
<text x="24" y="${height - 18}" font-size="12" fill="${COLORS.quiet}">Bars: the ratio of the medians, on a logarithmic scale, further right is better. Thin lines: the smallest and the largest ratio of a round.</text>
</svg>
`;
}

function bar(comparison: Comparison, index: number): string {
  const { name, comparedWith, target } = comparison;
  const { median, min, max } = ratio(comparison);
  const reached = isReached(comparison);
  const color = reached ? COLORS.reached : COLORS.missed;
  const y = TOP + index * ROW;
  const [end, low, high] = [median, min, max].map((value) => x(score(target, value))) as [number, number, number];
  return `<text x="24" y="${y + 19}" font-size="14" fill="${COLORS.text}">${xml(name)}</text>
<text x="24" y="${y + 35}" font-size="12" fill="${COLORS.quiet}">beside: ${xml(comparedWith)}</text>
<rect x="${LEFT}" y="${y + 9}" width="${round(end - LEFT)}" height="20" rx="2" fill="${color}"/>
<line x1="${low}" x2="${high}" y1="${y + 19}" y2="${y + 19}" stroke="${COLORS.text}" stroke-width="1.5"/>
<text x="${LEFT + BARS + 24}" y="${y + 24}" font-size="14" font-weight="600" fill="${color}">${median.toFixed(2)}x<tspan font-weight="400" fill="${COLORS.quiet}" font-size="12"> target ${targetText(target)}${reached ? '' : ', not reached'}</tspan></text>`;
}

function x(value: number): number {
  const inside = Math.min(SCORE_MAX, Math.max(SCORE_MIN, value));
  return round(LEFT + (BARS * Math.log(inside / SCORE_MIN)) / Math.log(SCORE_MAX / SCORE_MIN));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
