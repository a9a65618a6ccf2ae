import type * as Sqs from '@aws-sdk/client-sqs';
import { missingPackage } from './optional-package';

/**
 * The SDK's client for SQS, loaded when `feature` needs it: who brings a transport of their own, or runs in Lambda without a
 * queue to send to, needs no SDK and does not wait for it.
 *
 * @throws MissingPackageError without `@aws-sdk/client-sqs`
 */
export function sqsSdk(feature: string): typeof Sqs {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- loaded only where it is used
    return require('@aws-sdk/client-sqs') as typeof Sqs;
  } catch (cause) {
    throw missingPackage('@aws-sdk/client-sqs', feature, cause);
  }
}
