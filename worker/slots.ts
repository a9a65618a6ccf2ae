/**
 * Divides `total` slots by weight: each gets at least one, the rest goes by largest remainder, earlier ones first.
 *
 * Slots are not lent: a queue that is empty leaves its slots idle. `total` must be at least the number of weights.
 */
export function divideSlots(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const spare = total - weights.length;
  const exact = weights.map((weight) => (spare * weight) / sum);
  const shares = exact.map((share) => 1 + Math.floor(share));
  const left = total - shares.reduce((all, share) => all + share, 0);
  exact
    .map((share, index) => ({ index, remainder: share - Math.floor(share) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index)
    .slice(0, left)
    .forEach(({ index }) => (shares[index] = (shares[index] ?? 0) + 1));
  return shares;
}
