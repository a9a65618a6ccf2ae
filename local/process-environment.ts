import type { Credentials } from './edge/principals';

/** What processes of a run see of this machine's environment; the rest could change what they do. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'FFMPEG_PATH', 'SystemRoot', 'TEMP'] as const;

/** Environment of a worker, a function or a scenario: SDK clients without any configuration talk to the local run. */
export function processEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  aws: { readonly endpoint: string; readonly region: string; readonly credentials: Credentials },
): Readonly<Record<string, string>> {
  const inherited = INHERITED.flatMap((name) => {
    const value = own[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(inherited),
    AWS_REGION: aws.region,
    AWS_DEFAULT_REGION: aws.region,
    AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
    AWS_ENDPOINT_URL_SQS: aws.endpoint,
    AWS_ENDPOINT_URL_S3: aws.endpoint,
    // A call to any other service must fail here, not reach a real account.
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    // Credentials come from here; the worker has its own variable for the metadata endpoint.
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/** What a person exports to use the AWS CLI, an SDK or `queue-fleet` against the run. */
export function operatorEnvironment(aws: {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials;
}): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
    AWS_REGION: aws.region,
    // The command line of AWS reads only this one in its first version.
    AWS_DEFAULT_REGION: aws.region,
  };
}
