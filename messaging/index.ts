export * from './clock';
export * from './handler';
export * from './logger';
