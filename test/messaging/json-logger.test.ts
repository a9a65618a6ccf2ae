import { createJsonLogger } from '../../messaging/json-logger';

function record(write: (logger: ReturnType<typeof createJsonLogger>) => void, level?: 'debug'): unknown[] {
  const lines: string[] = [];
  const clock = { now: () => 0, wallClock: () => 1_700_000_000_000, setTimer: () => () => undefined };
  write(createJsonLogger({ level, fields: { instance: 'i-1' }, write: (line) => void lines.push(line), clock }));
  return lines.map((line) => {
    expect(line.endsWith('\n')).toBe(true);
    return JSON.parse(line) as unknown;
  });
}

describe('createJsonLogger', () => {
  test('writes one line for each call in the field names of pino', () => {
    expect(record((logger) => logger.warn({ messageId: 'm' }, 'slow'))).toEqual([
      { level: 40, time: 1_700_000_000_000, instance: 'i-1', messageId: 'm', msg: 'slow' },
    ]);
  });

  test('leaves out what is below its level', () => {
    const all = (logger: ReturnType<typeof createJsonLogger>): void => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({}, level);
    };
    expect(record(all)).toHaveLength(3);
    expect(record(all, 'debug')).toHaveLength(4);
  });

  test('writes errors with type, message, stack, own fields and cause', () => {
    const error = Object.assign(new TypeError('bad', { cause: new Error('why') }), { code: 'E1' });
    expect(record((logger) => logger.error({ err: error }))).toEqual([
      expect.objectContaining({
        err: {
          type: 'TypeError',
          message: 'bad',
          code: 'E1',
          stack: expect.stringContaining('json-logger.test'),
          cause: expect.objectContaining({ message: 'why' }),
        },
      }),
    ]);
  });

  test('survives cycles, also through the cause of an error, and BigInt', () => {
    const cycle: Record<string, unknown> = { n: 1n };
    cycle['self'] = cycle;
    const error = new Error('loop');
    error.cause = error;
    expect(record((logger) => logger.info({ cycle, err: error }))).toEqual([
      expect.objectContaining({
        cycle: { n: '1', self: '[circular]' },
        err: expect.objectContaining({ cause: '[circular]' }),
      }),
    ]);
  });

  test('shows an object twice when it is not its own ancestor', () => {
    const shared = { x: 1 };
    expect(record((logger) => logger.info({ a: shared, b: { c: shared } }))).toEqual([
      expect.objectContaining({ a: { x: 1 }, b: { c: { x: 1 } } }),
    ]);
  });
});
