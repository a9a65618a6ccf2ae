export * from './fleet';
export * from './monitoring';
export * from './private/errors';
export * from './queue';
export * from './queue-fleet';
export * from './scaling';
export * from './validation/queue-rules';
