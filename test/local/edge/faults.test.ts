import { changeFaults, Faults, NO_FAULTS } from '../../../local/edge/faults';

describe('fault knobs', () => {
  test('change one at a time', () => {
    expect(changeFaults(NO_FAULTS, { duplicatePercent: 50 })).toEqual({ ...NO_FAULTS, duplicatePercent: 50 });
  });

  test.each([
    [{ duplicatePercent: 101 }, "'duplicatePercent' must be a number from 0 to 100"],
    [{ httpErrorPercent: -1 }, "'httpErrorPercent' must be a number from 0 to 50"],
    [{ eventDelaySeconds: '1' }, "'eventDelaySeconds' must be a number from 0 to 60"],
    [{ killEverySeconds: NaN }, "'killEverySeconds' must be a number from 0 to 3600"],
    [{ constructor: 1 }, "'constructor' is no fault: use duplicatePercent, eventDelaySeconds"],
  ])('fails when given %j', (change, message) => {
    expect(() => changeFaults(NO_FAULTS, change)).toThrow(message);
  });

  test('hit as often as they are set, and count their hits', () => {
    let dice = 0;
    const faults = new Faults({ ...NO_FAULTS, duplicatePercent: 30 }, () => (dice++ % 100) / 100);
    const hits = Array.from({ length: 200 }, () => faults.duplicates()).filter(Boolean).length;
    expect([hits, faults.duplicatesInjected, faults.httpErrorsInjected]).toEqual([60, 60, 0]);
    expect(faults.failsRequest()).toBe(false);
  });
});
