import { bytes, count, length } from '../../../video/page/format';

describe('format', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [9_949, '9.9 kB'],
    [592_000, '592 kB'],
    [999_600, '1.0 MB'],
    [100_000_000, '100 MB'],
    [2_000_000_000, '2.0 GB'],
    [5_000_000_000_000_000, '5000 TB'],
  ])('%i bytes are %s', (n, text) => expect(bytes(n)).toBe(text));

  test.each([
    [0, '0:00'],
    [3.04, '0:03'],
    [59.6, '1:00'],
    [3_599.4, '59:59'],
    [3_727, '1:02:07'],
  ])('%d seconds are %s', (seconds, text) => expect(length(seconds)).toBe(text));

  test('counts', () => expect([count(1, 'file'), count(2, 'file')]).toEqual(['1 file', '2 files']));
});
