import { checkMessage, type OutgoingMessage } from '../../messaging/outgoing-message';
import { SendError } from '../../messaging/send-error';

function refusal(message: OutgoingMessage, fifo = false): SendError {
  try {
    checkMessage(message, fifo, 10);
  } catch (error) {
    if (error instanceof SendError) return error;
  }
  throw new Error('not refused');
}

describe('checkMessage', () => {
  test('counts bytes of body, attribute names, types and values', () => {
    const checked = checkMessage({ body: 'ü', attributes: { a: 'ß', n: 12, b: new Uint8Array(3) } }, false, 10);
    expect(checked.bodyBytes).toBe(2);
    expect(checked.attributeBytes).toBe(1 + 6 + 2 + (1 + 6 + 2) + (1 + 6 + 3));
    expect(checked.attributes).toEqual({
      a: { type: 'String', value: 'ß' },
      n: { type: 'Number', value: '12' },
      b: { type: 'Binary', value: new Uint8Array(3) },
    });
  });

  test.each([
    ['InvalidBody', { body: '' }],
    ['InvalidBody', { body: { n: 1 } as unknown as string }],
    ['InvalidBody', { body: 'a\u0000' }],
    ['InvalidBody', { body: '\uD800' }],
    ['InvalidBody', { body: '\uFFFE' }],
    ['DeduplicationIdOnStandardQueue', { body: 'a', deduplicationId: 'd' }],
    ['InvalidGroupId', { body: 'a', groupId: '' }],
    ['InvalidGroupId', { body: 'a', groupId: 'x'.repeat(129) }],
    ['InvalidGroupId', { body: 'a', groupId: 'with space' }],
    ['DelayOutOfRange', { body: 'a', delaySeconds: -1 }],
    ['DelayOutOfRange', { body: 'a', delaySeconds: 901 }],
    ['DelayOutOfRange', { body: 'a', delaySeconds: 0.5 }],
    [
      'TooManyAttributes',
      { body: 'a', attributes: Object.fromEntries([...Array(11).keys()].map((n) => [`a${n}`, n])) },
    ],
    ...['', 'a b', 'a..b', '.a', 'a.', 'AWS.x', 'amazon.x', 'x'.repeat(257)].map(
      (name) => ['InvalidAttributeName', { body: 'a', attributes: { [name]: 'v' } }] as const,
    ),
    ...[
      '',
      new Uint8Array(),
      NaN,
      Infinity,
      'a\u0001',
      { type: 'Text', value: 'x' },
      { type: 'Binary', value: 'x' },
    ].map((value) => ['InvalidAttribute', { body: 'a', attributes: { a: value } }] as const),
  ] as ReadonlyArray<readonly [string, OutgoingMessage]>)('fails with %s on a standard queue', (code, message) => {
    expect(refusal(message)).toMatchObject({ code, retryable: false });
  });

  test.each([
    ['GroupIdMissing', { body: 'a' }],
    ['DelayOnFifoQueue', { body: 'a', groupId: 'g', delaySeconds: 0 }],
    ['InvalidDeduplicationId', { body: 'a', groupId: 'g', deduplicationId: 'ü' }],
  ])('fails with %s on a FIFO queue', (code, message) => {
    expect(refusal(message, true)).toMatchObject({ code, retryable: false });
  });

  test('names all findings at once', () => {
    const { code, message } = refusal({ body: '', delaySeconds: 1 }, true);
    expect(code).toBe('InvalidBody');
    expect(message).toBe(
      "'body' must have at least one character; 'groupId' must be set: the queue is a FIFO queue; 'delaySeconds' must not be set: a FIFO queue has one delay for all its messages",
    );
  });

  test.each([
    { body: 'text with a space, \t\r\n and 🎬' },
    { body: 'a', delaySeconds: 900, groupId: 'tenant-1' },
    { body: 'a', attributes: { 'x.y-z_1': { type: 'Number.int', value: '1' }, ['n'.repeat(256)]: 'v' } },
  ])('accepts %j', (message) => {
    checkMessage(message, false, 10);
  });
});
