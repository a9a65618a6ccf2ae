import { AsyncLocalStorage } from 'node:async_hooks';
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Link,
  type SpanOptions,
} from '@opentelemetry/api';
import type { BatchResult } from '../../messaging/handler';
import { silentLogger } from '../../messaging/logger';
import { safeObserver } from '../../messaging/notify';
import { OBSERVER_EVENTS } from '../../messaging/observer';
import { combineObservers, traceConsumer, traceProducer } from '../../messaging/tracing';
import type { TransportMessage } from '../../messaging/transport';

interface RecordedSpan {
  readonly name: string;
  readonly options: SpanOptions;
  readonly parentSpanId: string | undefined;
  readonly spanId: string;
  status?: { code: SpanStatusCode; message?: string };
  readonly added: Record<string, unknown>;
  ended: boolean;
}

const TRACE_ID = 'a'.repeat(32);
let spans: RecordedSpan[] = [];

/** The smallest SDK that shows what the code does with the API. */
function registerSdk(): void {
  const storage = new AsyncLocalStorage<Context>();
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, fn, thisArg, ...args) => storage.run(active, () => fn.call(thisArg as never, ...args)),
    bind: (_active, target) => target,
    enable: () => undefined as never,
    disable: () => undefined as never,
  });
  trace.setGlobalTracerProvider({
    getTracer: () =>
      ({
        startSpan: (name: string, options: SpanOptions = {}, parent: Context = context.active()) => {
          const spanId = String(spans.length + 1).padStart(16, '0');
          const parentSpanId = options?.root === true ? undefined : trace.getSpanContext(parent)?.spanId;
          const span: RecordedSpan = { name, options, parentSpanId, spanId, added: {}, ended: false };
          spans.push(span);
          return {
            spanContext: () => ({ traceId: TRACE_ID, spanId, traceFlags: 1 }),
            end: () => void (span.ended = true),
            setStatus: (status: RecordedSpan['status']) => void (span.status = status),
            setAttribute: (name: string, value: unknown) => void (span.added[name] = value),
            recordException: () => undefined,
          };
        },
      }) as never,
  });
  propagation.setGlobalPropagator({
    inject: (active, carrier, setter) => {
      const span = trace.getSpanContext(active);
      if (span !== undefined) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`);
      setter.set(carrier, 'tracestate', '');
    },
    extract: (active, carrier, getter) => {
      const [, traceId, spanId] = String(getter.get(carrier, 'traceparent') ?? '').split('-');
      if (traceId === undefined || spanId === undefined) return active;
      return trace.setSpanContext(active, { traceId, spanId, traceFlags: 1, isRemote: true });
    },
    fields: () => ['traceparent', 'tracestate'],
  });
}

const QUEUE = { queueUrl: 'https://sqs/1/jobs', fifo: false };
const message = (attributes: TransportMessage['attributes'] = {}): TransportMessage => ({
  messageId: 'm-1',
  receiptHandle: 'r',
  body: 'a',
  attributes,
  receiveCount: 2,
  sentAtMs: 0,
});

beforeEach(() => {
  spans = [];
});
afterEach(() => {
  context.disable();
  trace.disable();
  propagation.disable();
});

describe('tracing', () => {
  test('links the span of a handler to the span of its producer', async () => {
    registerSdk();
    const sent = await traceProducer({ queueName: 'jobs' }).encode({ body: 'a' }, QUEUE);
    expect(sent.attributes).toEqual({ traceparent: { type: 'String', value: `00-${TRACE_ID}-0000000000000001-01` } });
    let inside: string | undefined;
    await traceConsumer({ queueName: 'jobs', attributes: { team: 'a' } }).aroundHandler?.(
      message(sent.attributes),
      async () => {
        await Promise.resolve();
        inside = trace.getSpanContext(context.active())?.spanId;
      },
    );
    const [create, process] = spans;
    expect(create).toMatchObject({ name: 'create jobs', options: { kind: SpanKind.PRODUCER }, ended: true });
    expect(process).toMatchObject({
      name: 'process jobs',
      options: { kind: SpanKind.CONSUMER },
      parentSpanId: undefined,
      ended: true,
    });
    expect(process?.options.links?.map((link: Link) => link.context.spanId)).toEqual([create?.spanId]);
    expect(process?.options.attributes).toMatchObject({
      'messaging.system': 'aws_sqs',
      'messaging.destination.name': 'jobs',
      'messaging.operation.type': 'process',
      'messaging.message.id': 'm-1',
      team: 'a',
    });
    expect(inside).toBe(process?.spanId);
  });

  test('runs a batch in one span that links to the spans of its producers', async () => {
    registerSdk();
    const send = () => traceProducer({ queueName: 'jobs' }).encode({ body: 'a' }, QUEUE);
    const [first, second] = [await send(), await send()];
    const messages = [first, { attributes: {} }, second].map(({ attributes }, i) => ({
      ...message(attributes),
      messageId: `m-${i}`,
    }));
    let inside: string | undefined;
    const result = await traceConsumer({ queueName: 'jobs' }).aroundBatch?.(messages, async () => {
      await Promise.resolve();
      inside = trace.getSpanContext(context.active())?.spanId;
      return { failures: [] };
    });
    expect(result).toEqual({ failures: [] });
    const process = spans[2];
    expect(spans).toHaveLength(3);
    expect(process).toMatchObject({
      name: 'process jobs',
      options: {
        kind: SpanKind.CONSUMER,
        attributes: { 'messaging.operation.type': 'process', 'messaging.batch.message_count': 3 },
      },
      parentSpanId: undefined,
      ended: true,
    });
    expect(process).not.toHaveProperty('status');
    expect(process?.options.attributes).not.toHaveProperty('messaging.message.id');
    expect(
      process?.options.links?.map((link: Link) => [link.context.spanId, link.attributes?.['messaging.message.id']]),
    ).toEqual([
      [spans[0]?.spanId, 'm-0'],
      [spans[1]?.spanId, 'm-2'],
    ]);
    expect(inside).toBe(process?.spanId);
  });

  test('a batch of which messages failed gives an error status, and what its handler said goes on', async () => {
    registerSdk();
    const failures = [{ messageId: 'm-1' }];
    const { aroundBatch } = traceConsumer({ queueName: 'jobs' });
    expect(await aroundBatch?.([message(), message()], async () => ({ failures }))).toEqual({ failures });
    await expect(aroundBatch?.([message()], () => Promise.reject(new TypeError('bad')))).rejects.toThrow('bad');
    expect(spans).toMatchObject([
      {
        status: { code: SpanStatusCode.ERROR, message: '1 of 2 messages failed' },
        added: { 'error.type': 'BatchFailures', 'cdk_queue_fleet.failures': 1 },
        ended: true,
      },
      { status: { code: SpanStatusCode.ERROR, message: 'bad' }, added: { 'error.type': 'TypeError' }, ended: true },
    ]);
  });

  test('the span of a message is a child of the one that is active in its sender', async () => {
    registerSdk();
    const outer = trace.getTracer('test').startSpan('request');
    await context.with(trace.setSpan(context.active(), outer), () =>
      traceProducer({ queueName: 'jobs' }).encode({ body: 'a' }, QUEUE),
    );
    expect(spans[1]?.parentSpanId).toBe(spans[0]?.spanId);
  });

  test('a failed handler gives an error status and its error goes on', async () => {
    registerSdk();
    const run = traceConsumer({ queueName: 'jobs' }).aroundHandler?.(message(), () =>
      Promise.reject(new TypeError('bad')),
    );
    await expect(run).rejects.toThrow('bad');
    expect(spans[0]).toMatchObject({ status: { code: SpanStatusCode.ERROR, message: 'bad' }, ended: true });
    expect(spans[0]?.options.links).toEqual([]);
  });

  test('leaves a message alone that has no room for the context', async () => {
    registerSdk();
    const attributes = Object.fromEntries([...Array(8).keys()].map((n) => [`a${n}`, { type: 'String', value: 'v' }]));
    const entry = { body: 'a', attributes };
    expect(await traceProducer({ queueName: 'jobs' }).encode(entry, QUEUE)).toBe(entry);
  });

  test('keeps a context that the caller put there', async () => {
    registerSdk();
    const attributes = { traceparent: { type: 'String', value: 'mine' } };
    expect((await traceProducer({ queueName: 'jobs' }).encode({ body: 'a', attributes }, QUEUE)).attributes).toEqual(
      attributes,
    );
  });

  test('does nothing without a registered SDK', async () => {
    const entry = { body: 'a' };
    expect(await traceProducer({ queueName: 'jobs' }).encode(entry, QUEUE)).toBe(entry);
    let ran = 0;
    await traceConsumer({ queueName: 'jobs' }).aroundHandler?.(message(), async () => void ran++);
    expect(ran).toBe(1);
  });

  test('does nothing without the package', async () => {
    await jest.isolateModulesAsync(async () => {
      jest.doMock('@opentelemetry/api', () => {
        throw new Error('Cannot find module');
      });
      const fresh = jest.requireActual<typeof import('../../messaging/tracing')>('../../messaging/tracing');
      expect(fresh.traceConsumer({ queueName: 'jobs' })).toEqual({});
      const entry = { body: 'a' };
      expect(await fresh.traceProducer({ queueName: 'jobs' }).encode(entry, QUEUE)).toBe(entry);
      jest.dontMock('@opentelemetry/api');
    });
  });
});

describe('combineObservers', () => {
  test('tells each event to all, also when one throws, and nests what goes around a handler', async () => {
    const log: string[] = [];
    const observer = (name: string) => ({
      quarantined: () => {
        log.push(`${name} quarantined`);
        if (name === 'a') throw new Error('a is broken');
      },
      aroundHandler: async (_message: TransportMessage, run: () => Promise<void>) => {
        log.push(`${name} before`);
        await run();
        log.push(`${name} after`);
      },
      aroundBatch: async (_messages: readonly TransportMessage[], run: () => Promise<BatchResult>) => {
        log.push(`${name} before`);
        const result = await run();
        log.push(`${name} after`);
        return result;
      },
    });
    const combined = combineObservers(observer('a'), {}, observer('b'));
    expect(() => combined.quarantined?.({ message: message(), error: undefined })).toThrow('a is broken');
    await combined.aroundHandler?.(message(), async () => void log.push('run'));
    expect(log).toEqual(['a quarantined', 'b quarantined', 'a before', 'b before', 'run', 'b after', 'a after']);
    log.length = 0;
    const failures = [{ messageId: 'm-1' }];
    expect(await combined.aroundBatch?.([message()], async () => ({ failures }))).toEqual({ failures });
    expect(log).toEqual(['a before', 'b before', 'b after', 'a after']);
    expect(Object.keys(combined)).toEqual(['quarantined', 'aroundHandler', 'aroundBatch']);
  });

  test('has every event that a consumer tells', () => {
    const all = Object.fromEntries(OBSERVER_EVENTS.map((name) => [name, () => {}]));
    expect(Object.keys(combineObservers(all))).toEqual(OBSERVER_EVENTS);
    expect(Object.keys(safeObserver(all, silentLogger))).toEqual(OBSERVER_EVENTS);
  });
});
