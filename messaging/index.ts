export * from './clock';
export * from './handler';
export * from './health-server';
export * from './json-logger';
export * from './logger';
