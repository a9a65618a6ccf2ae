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
          const span: RecordedSpan = { name, options, parentSpanId, spanId, ended: false };
          spans.push(span);
          return {
            spanContext: () => ({ traceId: TRACE_ID, spanId, traceFlags: 1 }),
            end: () => void (span.ended = true),
            setStatus: (status: RecordedSpan['status']) => void (span.status = status),
            setAttribute: () => undefined,
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
    });
    const combined = combineObservers(observer('a'), {}, observer('b'));
    expect(() => combined.quarantined?.({ message: message(), error: undefined })).toThrow('a is broken');
    await combined.aroundHandler?.(message(), async () => void log.push('run'));
    expect(log).toEqual(['a quarantined', 'b quarantined', 'a before', 'b before', 'run', 'b after', 'a after']);
    expect(Object.keys(combined)).toEqual(['quarantined', 'aroundHandler']);
  });

  test('has every event that a consumer tells', () => {
    const all = Object.fromEntries(OBSERVER_EVENTS.map((name) => [name, () => {}]));
    expect(Object.keys(combineObservers(all))).toEqual(OBSERVER_EVENTS);
    expect(Object.keys(safeObserver(all, silentLogger))).toEqual(OBSERVER_EVENTS);
  });
});
