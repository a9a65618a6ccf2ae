import type { Fidelity } from './panel-api';

/** The footer's list: what of a local run is the thing that is deployed, and what only stands in for it. */
export const FIDELITY: Fidelity = {
  real: [
    'the synthesized template',
    'the constructs',
    'the worker bundle and its handler',
    'the Lambda code',
    'AWS SDK clients over HTTP',
    'request signing and presigned links',
    'CORS rules',
    'policies of queues, keys, buckets and roles (evaluated here)',
    'alarm and scaling arithmetic',
    'lifecycle hooks and instance metadata',
  ],
  emulated: [
    'the SQS and S3 servers',
    'KMS (nothing is encrypted here; who may use a key is checked)',
    'CloudWatch sampling and delays',
    'EC2 machines and their boot',
    'the clock of alarms and scaling',
    'CloudFront (the page and reads of media are served directly)',
    'API authorizers and throttling (not applied)',
  ],
};
