import type * as ecr from 'aws-cdk-lib/aws-ecr';
import type * as s3assets from 'aws-cdk-lib/aws-s3-assets';

/** A program that serves HTTP beside the worker. */
export interface Companion {
  readonly command?: string[];
  readonly image?: { readonly repository: ecr.IRepository; readonly tagOrDigest: string };
}

/** Worker code bound to a scope. */
export interface BoundWorkerCode {
  readonly asset: s3assets.Asset;
  /** Program and arguments, relative to the asset's directory. */
  readonly command: string[];
  /** Value of the worker's handler variable. */
  readonly handler: string;
  readonly companion?: Companion;
}
