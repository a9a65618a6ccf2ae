export * from './fleet';
export * from './private/errors';
export * from './queue';
export * from './scaling';
export * from './validation/queue-rules';
