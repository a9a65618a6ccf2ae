export * from './vpc-endpoints';
export * from './worker-code';
export * from './worker-fleet';
export * from './worker-fleet-options';
export * from './worker-fleet-props';
export * from './worker-secret';
