/** Arithmetic of the picture that the plotting library leaves to its caller. */

/** Measures of legends, in pixels. */
export const LEGEND = { itemWidth: 18, itemGap: 26 } as const;
const ROW_HEIGHT = 31;
const CHARACTER_WIDTH = 7.5;

/** Height of a legend that wraps its names within a width. */
export function legendHeight(names: readonly string[], width: number): number {
  let [rows, used] = [1, 0];
  for (const name of names) {
    const item = LEGEND.itemWidth + LEGEND.itemGap + name.length * CHARACTER_WIDTH;
    if (used > 0 && used + item > width) [rows, used] = [rows + 1, 0];
    used += item;
  }
  return rows * ROW_HEIGHT;
}

/**
 * End of a value axis: above the largest value, so that a line at the top shows, and above the acceptable wait, unless
 * that would press the waits to the bottom.
 */
export function axisEnd(largest: number, acceptable = 0): number {
  const highest = acceptable <= 5 * largest ? Math.max(largest, acceptable) : largest;
  return niceCeil(1.05 * (highest || 1));
}

const NICE = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

/** The next number above that axes are divided by well. */
function niceCeil(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  // A hair less than the value: 1.2 times 100 is not exactly 120.
  return (NICE.find((step) => step >= value / power - 1e-9) ?? 10) * power;
}

/** Points that are missing in a row before the line is broken. */
const LONGEST_GAP = 12;
/** Length of a lone point, so that it shows. */
const DASH_STEPS = 4;

/** Points of a line: across a few missing values it goes on, across many it is broken, and a lone point is a dash. */
export function withGaps(values: readonly (readonly [x: number, y: number])[]): [number, number | null][] {
  const points: [number, number | null][] = [];
  let [last, dash] = [-1, true];
  const step = (values.at(-1)?.[0] ?? 0) / Math.max(1, values.length - 1);
  const end = () => {
    const [x, y] = values[last] ?? [0, 0];
    if (last >= 0 && dash) points.push([x + DASH_STEPS * step, y]);
  };
  values.forEach(([x, y], i) => {
    if (Number.isNaN(y)) return;
    const isBroken = last >= 0 && i - last > LONGEST_GAP;
    if (isBroken) {
      end();
      points.push([x, null]);
    }
    dash = last < 0 || isBroken;
    points.push([x, y]);
    last = i;
  });
  end();
  return points;
}
