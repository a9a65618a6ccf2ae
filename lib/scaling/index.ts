export * from './backlog-scaling';
export * from './scaling-policy';
export * from './workload';
