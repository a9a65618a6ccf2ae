export * from './fleet-monitoring';
