import { Producer, type BodyEncoder, type SendEntry } from '../../messaging';
import fc, { runs, turns } from '../support/properties';
import { StrictSqs } from '../support/strict-sqs';
import { FAULTS, StrictTransport, type Fault } from '../support/strict-transport';
import { ProcessClock, VirtualClock } from '../support/virtual-clock';

const URL = 'https://sqs.test/1/queue';
/** The others are about what was received. */
const SEND_FAULTS = FAULTS.filter((fault) => !['stale', 'duplicate', 'reorder'].includes(fault));

/** Arrays are taken in turn. */
const scenario = fc.record({
  sends: fc.array(
    fc.record({
      group: fc.nat(3),
      kilobytes: fc.constantFrom(1, 1, 50, 300, 900),
      afterMs: fc.constantFrom(0, 0, 0, 1, 200, 5_000),
      flush: fc.constantFrom(false, false, false, true),
    }),
    { minLength: 1, maxLength: 40 },
  ),
  lingerMs: fc.constantFrom(0, 0, 50, 2_000),
  maxConcurrentRequests: fc.integer({ min: 1, max: 4 }),
  giveUpAfterMs: fc.constantFrom(1_000, 15_000, 60_000),
  requestTimeoutMs: fc.constantFrom(1_000, 10_000),
  latencyMs: fc.integer({ min: 1, max: 120 }),
  /** Of the fault `delay`. */
  delayMs: fc.constantFrom(500, 5_000, 15_000),
  faults: turns(
    fc.oneof(
      { weight: 2, arbitrary: fc.constant<Fault>('none') },
      { weight: 1, arbitrary: fc.constantFrom(...SEND_FAULTS) },
    ),
    20,
  ),
  encodings: fc.option(turns(fc.constantFrom<number | 'fails' | 'hangs'>(0, 0, 10, 3_000, 'fails', 'hangs'), 6), {
    nil: undefined,
  }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

/** All goes well from then on. */
const CALM_MS = 120_000;

/** Plays one scenario. @returns what was broken */
async function play(s: Scenario, fifo: boolean): Promise<string[]> {
  const broken: string[] = [];
  const clock = new VirtualClock();
  const process = new ProcessClock(clock);
  const queueUrl = fifo ? `${URL}.fifo` : URL;
  const queue = new StrictSqs({ clock, fifo });
  let calls = 0;
  let encoded = 0;
  let encodingFailed = false;
  /** An answer was lost although the messages are there. */
  let mayRepeat = false;
  const fault = (): Fault => {
    const next = clock.now() > CALM_MS ? 'none' : (s.faults[calls++ % s.faults.length] ?? 'none');
    mayRepeat ||= next === 'dropAfter' || next === 'blackHoleAfter' || next === 'delay';
    return next;
  };
  const { latencyMs, delayMs } = s;
  const transport = new StrictTransport({
    world: clock,
    process,
    queues: { [queueUrl]: queue },
    fault,
    latencyMs,
    delayMs,
  });
  const underWay = new Map<number, ReadonlySet<string | undefined>>();
  let requests = 0;
  const sendBatch = transport.sendBatch.bind(transport);
  transport.sendBatch = async (url, entries) => {
    const id = requests++;
    const groups = new Set(entries.map(({ groupId }) => groupId));
    for (const others of underWay.values())
      for (const group of groups) if (fifo && others.has(group)) broken.push(`two requests of ${group} at once`);
    underWay.set(id, groups);
    if (underWay.size > s.maxConcurrentRequests) broken.push(`${underWay.size} requests at once`);
    // The producer does not wait longer.
    const forget = clock.setTimer(s.requestTimeoutMs, () => underWay.delete(id));
    try {
      return await sendBatch(url, entries);
    } finally {
      forget();
      underWay.delete(id);
    }
  };
  const claimCheck: BodyEncoder = {
    extraAttributes: 1,
    isExclusive: true,
    encode: async (entry): Promise<SendEntry> => {
      const id = encoded++;
      const how = clock.now() > CALM_MS ? 0 : s.encodings?.[id % s.encodings.length];
      encodingFailed ||= typeof how === 'string' || Number(how) > s.requestTimeoutMs;
      if (how === 'fails') throw new Error('no bucket today');
      if (how === 'hangs') return new Promise(() => {});
      await new Promise<void>((resolve) => process.setTimer(how ?? 0, resolve));
      return { ...entry, attributes: { ...entry.attributes, pointer: { type: 'String', value: `object ${id}` } } };
    },
  };
  const producer = new Producer({
    sqs: transport,
    queueUrl,
    clock: process,
    random: () => 0.5,
    lingerMs: s.lingerMs,
    maxConcurrentRequests: s.maxConcurrentRequests,
    giveUpAfterMs: s.giveUpAfterMs,
    requestTimeoutMs: s.requestTimeoutMs,
    ...(s.encodings && { claimCheck }),
  });

  const names = s.sends.map(({ group }, n) => `${group}/${String(n).padStart(3, '0')}`);
  const outcomes: Array<string | undefined> = names.map(() => undefined);
  for (const [n, { group, kilobytes, afterMs, flush }] of s.sends.entries()) {
    await clock.advance(afterMs);
    const name = names[n] ?? '';
    const body = name.padEnd(kilobytes * 1_024);
    void producer
      .sendBatch([{ body, ...(fifo && { groupId: `g${group}`, deduplicationId: name }) }])
      .then(([result]) => {
        outcomes[n] = result?.ok === true ? 'ok' : result?.error.code;
      });
    if (!flush) continue;
    void producer.flush().then(() => {
      const open = outcomes.slice(0, n + 1).filter((outcome) => outcome === undefined);
      if (open.length > 0) broken.push(`flushed with ${open.length} messages that are not settled`);
    });
  }
  let closed = false;
  void producer.close().then(() => (closed = true));
  // The waiting, a request that was sent just before its end, and the pauses around it.
  const limitMs = clock.now() + s.giveUpAfterMs * 2 + s.requestTimeoutMs * 2 + 60_000;
  if (!(await clock.runUntil(() => closed, limitMs))) broken.push('I10 the producer is never closed');
  outcomes.forEach((outcome, n) => outcome ?? broken.push(`I10 ${names[n]} is never settled`));
  await clock.advance(CALM_MS);

  const there = [...queue.messages.values()].map(({ body }) => body.trimEnd());
  names.forEach((name, n) => {
    const copies = there.filter((other) => other === name).length;
    if (outcomes[n] === 'ok' && copies === 0) broken.push(`I1 ${name} is lost`);
    if (copies > 1 && (fifo || !mayRepeat)) broken.push(`${name} is there ${copies} times`);
    if (outcomes[n] !== 'ok' && copies > 0 && !mayRepeat) broken.push(`${name} is there and ${outcomes[n]}`);
    if (outcomes[n] === 'Overtaken' && !fifo) broken.push(`${name} is overtaken without a line`);
  });
  if (fifo)
    for (const group of ['0', '1', '2', '3']) {
      const order = there.filter((name) => name.startsWith(`${group}/`));
      if (order.some((name, i) => name < (order[i - 1] ?? ''))) broken.push(`I6 ${order.join(', ')}`);
    }
  const pointers = [...queue.messages.values()].map(({ attributes }) => attributes['pointer']?.value);
  if (s.encodings && !fifo && !encodingFailed && new Set(pointers).size < pointers.length)
    broken.push('I15 two messages share an object');
  if (clock.pendingTimers > 0) broken.push(`I10 ${clock.pendingTimers} timers are left`);
  return [...broken, ...queue.violations];
}

describe('Producer on a strict queue, under every fault', () => {
  test.each([
    ['standard', false],
    ['FIFO', true],
  ])(
    'keeps I1, I6, I9, I10 and I15 (%s)',
    async (_, fifo) => {
      const numRuns = runs(60);
      await fc.assert(
        fc.asyncProperty(scenario, async (s) => expect(await play(s, fifo)).toEqual([])),
        { numRuns },
      );
    },
    600_000,
  );
});
