export * from './fleet';
export * from './private/errors';
export * from './queue';
export * from './validation/queue-rules';
