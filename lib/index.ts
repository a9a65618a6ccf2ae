export * from './fleet';
export * from './private/errors';
export * from './validation/queue-rules';
