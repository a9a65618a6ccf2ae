import type { HandlerContext, ReceivedMessage } from '../../../messaging/handler';
import { silentLogger } from '../../../messaging/logger';

export function message(overrides: Partial<ReceivedMessage> = {}): ReceivedMessage {
  return {
    messageId: 'm-1',
    body: '{"n":1}',
    attributes: {},
    receiveCount: 1,
    sentAtMs: 1_700_000_000_000,
    ...overrides,
  };
}

export function context(overrides: Partial<HandlerContext> = {}): HandlerContext {
  return { signal: new AbortController().signal, logger: silentLogger, extend: () => undefined, ...overrides };
}
