export * from './private/errors';
