import { Duration, Lazy, Size } from 'aws-cdk-lib';
import { ConfigurationError } from '../../../lib';
import { Violations } from '../../../lib/private/violations';

const RANGE = { min: 60, max: 1_209_600 };

function codesOf(check: (violations: Violations) => void): string | undefined {
  const violations = new Violations();
  check(violations);
  try {
    violations.throwIfAny();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as ConfigurationError).message;
  }
}

describe('Violations', () => {
  test.each([
    [59, false],
    [60, true],
    [1_209_600, true],
    [1_209_601, false],
  ])('accepts %d seconds: %s', (seconds, accepted) => {
    const text = codesOf((v) =>
      v.requireSeconds('RetentionOutOfRange', 'retentionPeriod', Duration.seconds(seconds), RANGE, 'choose 4 days'),
    );
    expect(text === undefined).toBe(accepted);
  });

  test('names the prop, its value with unit, and what to do', () => {
    const text = codesOf((v) =>
      v.requireSeconds('RetentionOutOfRange', 'retentionPeriod', Duration.seconds(5), RANGE, 'choose 4 days'),
    );
    expect(text).toBe(
      "RetentionOutOfRange: 'retentionPeriod' (5 seconds) must be a whole number from 60 to 1209600 seconds: choose 4 days",
    );
  });

  test.each([
    [Size.gibibytes(8), undefined],
    [Size.tebibytes(16), undefined],
    [Size.gibibytes(4), "'volumeSize' (4 GiB) must be a whole number from 8 to 16384 GiB: "],
    [Size.mebibytes(16.5 * 1024), "'volumeSize' (16.5 GiB) must be a whole number"],
    [Size.gibibytes(Lazy.number({ produce: () => 1 })), undefined],
  ])('says gibibytes of a volume', (size, expected) => {
    const text = codesOf((v) =>
      v.requireGibibytes('VolumeTooSmall', 'volumeSize', size, { min: 8, max: 16_384 }, 'Amazon Linux needs 8 GiB'),
    );
    if (expected === undefined) expect(text).toBeUndefined();
    else expect(text).toContain(expected);
  });

  test('reports all violations at once', () => {
    const text = codesOf((v) => {
      v.add('RetentionOutOfRange', 'first');
      v.add('RetentionOutOfRange', 'second');
    });
    expect(text).toMatch(/^2 settings are not valid:\n {2}- .*first\n {2}- .*second$/);
  });

  test('lets tokens and undefined pass', () => {
    const token = Lazy.number({ produce: () => 1 });
    expect(
      codesOf((v) => {
        v.requireNumber('RetentionOutOfRange', 'n', token, { ...RANGE, unit: 'items' }, '');
        v.requireSeconds('RetentionOutOfRange', 's', Duration.seconds(token), RANGE, '');
        v.requireBytes('RetentionOutOfRange', 'b', Size.kibibytes(token), RANGE, '');
        v.requireNumber('RetentionOutOfRange', 'u', undefined, { ...RANGE, unit: 'items' }, '');
      }),
    ).toBeUndefined();
  });
});
