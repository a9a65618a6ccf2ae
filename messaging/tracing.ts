import type * as Otel from '@opentelemetry/api';
import { OBSERVER_EVENTS, type ConsumerObserver } from './observer';
import type { BodyEncoder } from './producer-options';
import type { MessageAttribute, SendEntry, TransportMessage } from './transport';

/** What spans are about. */
export interface TracingOptions {
  /** Name of the queue, for span names and attributes. */
  readonly queueName: string;
  /** Attributes of every span. @default - none */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
}

const TRACER = 'cdk-queue-fleet';

/** A context takes up to two attributes (`traceparent`, `tracestate`), and the claim check one more. */
const MOST_OTHER_ATTRIBUTES = 7;

/**
 * Starts a `create` span for each message and puts its context into the attributes `traceparent` and `tracestate`, or
 * those of the propagator in use. For a producer's `tracing`.
 *
 * A message that already has many attributes goes without: they are the caller's, and SQS allows 10. Without
 * `@opentelemetry/api`, or without a registered SDK, nothing is added.
 */
export function traceProducer(options: TracingOptions): BodyEncoder {
  const api = loadApi();
  // Not `async`: the caller's span is active only until the first turn of the event loop.
  const encode = (entry: SendEntry): Promise<SendEntry> => {
    if (api === undefined || Object.keys(entry.attributes ?? {}).length > MOST_OTHER_ATTRIBUTES)
      return Promise.resolve(entry);
    const span = api.trace.getTracer(TRACER).startSpan(`create ${options.queueName}`, {
      kind: api.SpanKind.PRODUCER,
      attributes: { ...semantic(options, 'create'), 'messaging.message.body.size': Buffer.byteLength(entry.body) },
    });
    const added: Record<string, MessageAttribute> = {};
    api.propagation.inject(api.trace.setSpan(api.context.active(), span), added, {
      set: (carrier, name, value) => {
        if (value !== '') carrier[name] = { type: 'String', value };
      },
    });
    span.end();
    const attributes = { ...added, ...entry.attributes };
    return Promise.resolve(Object.keys(added).length > 0 ? { ...entry, attributes } : entry);
  };
  return { extraAttributes: 0, encode };
}

/**
 * Runs each handler inside a `process` span that links to the producer's, each batch handler inside one that links to those
 * of all its messages. For a consumer's `observer`, alone or through {@link combineObservers}.
 *
 * A link, not a parent: one message may be processed several times, long after the request that sent it.
 */
export function traceConsumer(options: TracingOptions): ConsumerObserver {
  const api = loadApi();
  if (api === undefined) return {};
  const start = (attributes: Otel.Attributes, links: Otel.Link[]): Otel.Span =>
    api.trace.getTracer(TRACER).startSpan(`process ${options.queueName}`, {
      kind: api.SpanKind.CONSUMER,
      root: true,
      attributes: { ...semantic(options, 'process'), ...attributes },
      links,
    });
  return {
    aroundHandler: (message, run) => {
      const producer = producerOf(api, message);
      const links = producer === undefined ? [] : [{ context: producer }];
      return inSpan(api, start(messageAttributes(message), links), run);
    },
    aroundBatch: (messages, run) => {
      // What differs between the messages stands at their links.
      const links = messages.flatMap((message) => {
        const producer = producerOf(api, message);
        return producer === undefined ? [] : [{ context: producer, attributes: messageAttributes(message) }];
      });
      const span = start({ 'messaging.batch.message_count': messages.length }, links);
      return inSpan(api, span, async () => {
        const result = await run();
        const { failures } = result;
        if (failures.length > 0) {
          const message = `${failures.length} of ${messages.length} messages failed`;
          span.setStatus({ code: api.SpanStatusCode.ERROR, message });
          span.setAttribute('error.type', 'BatchFailures');
          span.setAttribute('cdk_queue_fleet.failures', failures.length);
        }
        return result;
      });
    },
  };
}

/** The context that the message was sent in, if it carries one. */
function producerOf(api: typeof Otel, { attributes }: TransportMessage): Otel.SpanContext | undefined {
  const extracted = api.propagation.extract(api.ROOT_CONTEXT, attributes, {
    keys: (carrier) => Object.keys(carrier),
    get: (carrier, name) => {
      const value = carrier[name]?.value;
      return typeof value === 'string' ? value : undefined;
    },
  });
  return api.trace.getSpanContext(extracted);
}

/** Runs with the span active, and ends it with how the run ended. */
function inSpan<R>(api: typeof Otel, span: Otel.Span, run: () => Promise<R>): Promise<R> {
  return api.context.with(api.trace.setSpan(api.context.active(), span), () =>
    run().then(
      (result) => {
        span.end();
        return result;
      },
      (error: unknown) => {
        const known = error instanceof Error ? error : new Error(String(error));
        span.recordException(known);
        span.setStatus({ code: api.SpanStatusCode.ERROR, message: known.message });
        span.setAttribute('error.type', known.name);
        span.end();
        throw error;
      },
    ),
  );
}

/** Makes one observer of several; each event goes to all of them, what they do around a handler nests from the first to the last. */
export function combineObservers(...observers: readonly ConsumerObserver[]): ConsumerObserver {
  const combined: Record<string, unknown> = {};
  for (const name of OBSERVER_EVENTS) {
    const interested = observers.filter((observer) => observer[name] !== undefined);
    if (interested.length === 0) continue;
    combined[name] = (event: never): void => {
      const errors: unknown[] = [];
      for (const observer of interested) {
        try {
          observer[name]?.(event);
        } catch (error) {
          errors.push(error);
        }
      }
      // Thrown only after all were told; the consumer logs it.
      if (errors.length > 0) throw errors[0];
    };
  }
  const aroundHandler = nested(observers.flatMap((o) => o.aroundHandler?.bind(o) ?? []));
  const aroundBatch = nested(observers.flatMap((o) => o.aroundBatch?.bind(o) ?? []));
  return { ...combined, ...(aroundHandler && { aroundHandler }), ...(aroundBatch && { aroundBatch }) };
}

type Around<S, R> = (subject: S, run: () => Promise<R>) => Promise<R>;

/** One function around all others, the first outermost. @returns undefined of none */
function nested<S, R>(arounds: ReadonlyArray<Around<S, R>>): Around<S, R> | undefined {
  if (arounds.length === 0) return undefined;
  return (subject, run) =>
    arounds.reduceRight<() => Promise<R>>((inner, around) => () => around(subject, inner), run)();
}

// https://opentelemetry.io/docs/specs/semconv/messaging/sqs/
function semantic({ queueName, attributes }: TracingOptions, operation: 'create' | 'process'): Otel.Attributes {
  return {
    'messaging.system': 'aws_sqs',
    'messaging.destination.name': queueName,
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    ...attributes,
  };
}

const messageAttributes = ({ messageId, receiveCount, groupId }: TransportMessage): Otel.Attributes => ({
  'messaging.message.id': messageId,
  'cdk_queue_fleet.receive_count': receiveCount,
  ...(groupId !== undefined && { 'cdk_queue_fleet.group_id': groupId }),
});

/** Tracing is a convenience: without the package there are no spans, and no error. */
function loadApi(): typeof Otel | undefined {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- an optional package
    return require('@opentelemetry/api') as typeof Otel;
  } catch {
    return undefined;
  }
}
