export * from './encryption';
export * from './fifo-throughput';
export * from './fifo-work-queue';
export * from './producer';
export * from './producer-options';
export * from './work-queue';
export * from './work-queue-interface';
export * from './work-queue-props';
